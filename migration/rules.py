"""The settings of PandoraToV1Api, one row each: what becomes of it here.

`docs/migration.md` tells the same in words; a test holds the two together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Rule:
    """A setting here, and what makes its text of the text there.

    `convert` gives an empty text where the default here does what is wanted, and raises ValueError, which
    completes the sentence "it must be ...".
    """

    setting: str
    convert: Callable[[str], str]


def _as_it_is(text: str) -> str:
    return text


def _if_true(wanted: str) -> Callable[[str], str]:
    """`wanted` for the text `true`, nothing for `false`."""

    def convert(text: str) -> str:
        match text.lower():
            case "true":
                return wanted
            case "false":
                return ""
        raise ValueError("true or false")

    return convert


RULES: Final[Mapping[str, Rule]] = {
    "upstream_base_url": Rule("BASE_URL", _as_it_is),
    "pandora_base_url": Rule("BASE_URL", _as_it_is),
    "upstream_api_prefix": Rule("PROXY_API_PREFIX", _as_it_is),
    "pandora_api_prefix": Rule("PROXY_API_PREFIX", _as_it_is),
    "proxy": Rule("UPSTREAM_PROXY", _as_it_is),
    "backend_container_url": Rule("UPLOAD_BASE_URL", _as_it_is),
    "backend_container_api_prefix": Rule("API_PREFIX", _as_it_is),
    "key_for_gpts_info": Rule("KEY_FOR_GPTS_INFO", _as_it_is),
    "log_level": Rule("LOG_LEVEL", str.lower),
    "need_delete_conversation_after_response": Rule("HISTORY", _if_true("hide")),
    "use_oaiusercontent_url": Rule("IMAGE_LINKS", _if_true("upstream")),
    "bot_mode.enabled": Rule("STYLE", _if_true("plain")),
}
"""What has a setting here. Of two keys for one setting the first counts: it is the newer name."""

REMARKS: Final[Mapping[str, str]] = {
    "UPLOAD_BASE_URL": "pictures and files come from the port of the API here: this address must lead to it",
}
"""What to look at in a setting here, although the old text can stand."""

NEW_NAMES: Final[Mapping[str, str]] = {
    "gpt_4_s_new_name": "gpt-4-s",
    "gpt_4_mobile_new_name": "gpt-4-mobile",
    "gpt_3_5_new_name": "gpt-3.5-turbo",
}
"""Keys with further names of a model, separated by commas, to the model: they go into MODEL_ALIASES."""

_PICTURES = "answers of STYLE=plain have pictures as bare addresses; STYLE=web has them as Markdown"
_MARKS = "answers of STYLE=plain have no citations and no blocks of tools; STYLE=web has both"
_CHALLENGES = "where challenge tokens come from is the backend's own business"
_REDIS = "files are kept in STATE_DIR; several instances need REDIS_URL"

LEFT_OUT: Final[Mapping[str, str]] = {
    "need_log_to_file": "the log goes to the standard output; LOG_FILE=/state/service.log writes a file in "
    "the container too, LOG_FILE=state/service.log without one",
    "process_workers": "one process serves many streams",
    "process_threads": "one process serves many streams",
    "use_pandora_file_server": "files come from where the backend says",
    "custom_arkose_url": _CHALLENGES,
    "arkose_urls": _CHALLENGES,
    "dalle_prompt_prefix": "there is no such setting; put the words into the prompt",
    "bot_mode.enabled_markdown_image_output": _PICTURES,
    "bot_mode.enabled_plain_image_url_output": _PICTURES,
    "bot_mode.enabled_bing_reference_output": _MARKS,
    "bot_mode.enabled_plugin_output": _MARKS,
    "redis.host": _REDIS,
    "redis.port": _REDIS,
    "redis.password": _REDIS,
    "redis.db": _REDIS,
    "redis.pool_size": _REDIS,
    "redis.pool_timeout": _REDIS,
}
"""What has no setting here, and why."""
