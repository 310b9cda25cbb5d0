"""`deploy/.env.example`, from the table of settings: `python -m tests.deploy.env_example` writes it anew."""

import textwrap
from collections.abc import Iterator

from settings import Settings
from settings.spec import SettingSpec, specs_of
from tests.deploy.compose import DEPLOY

PATH = DEPLOY / ".env.example"
WIDTH = 118
OF_THE_CONTAINER = {"HOST", "PORT", "STATE_DIR"}
"""Settings that the compose files set themselves."""
IN_THE_STACK = {
    "CONFIG_FILE": "/config/settings.toml",
    "BASE_URL": "http://host.docker.internal:8181",
    "PROXY_API_PREFIX": "/run/secrets/proxy_api_prefix",
    "REDIS_URL": "/run/secrets/redis_url",
    "GPTS_FILE": "/config/gpts.json",
    "ACCOUNTS_FILE": "/config/accounts.json",
    "UPLOAD_BASE_URL": "http://127.0.0.1:33333",
}
"""What is written behind the names of settings for which the table has no default, or another one."""
OF_THE_STACK = {
    "COMPOSE_PROFILES": ("", "What starts beside the service, separated by commas: chat, metrics, alerts."),
    "BIND": ("127.0.0.1", "Address of this machine on which ports are published."),
    "PORT": ("33333", "Port of this machine on which the API is published."),
    "INSTANCES": ("2", "Number of instances of compose.scale.yaml."),
    "MEMORY_LIMIT": (
        "512m",
        "Memory of an instance: 216m, twice MAX_BUFFERED_BYTES and twice MEDIA_MAX_FILE_BYTES at least.",
    ),
    "STOP_GRACE_PERIOD": (
        "35s",
        "Time that an instance has to stop before it is killed: 10s more than DRAIN_TIMEOUT at least.",
    ),
    "PIP_INDEX_URL": ("", "Mirror of PyPI from which the image is built; if unset, PyPI."),
    "OPENAI_API_KEY": (
        "",
        "Key with which NextChat and Open WebUI ask; in NextChat users may have their own.",
    ),
    "CODE": ("", "Password of NextChat, for those who use that key."),
    "CUSTOM_MODELS": (
        "-all,+gpt-4-s@OpenAI,+gpt-4-mobile@OpenAI,+gpt-3.5-turbo@OpenAI",
        "Models that NextChat offers.",
    ),
    "VISION_MODELS": ("gpt-4-s,gpt-4-mobile", "Models to which NextChat lets users send pictures."),
    "DEFAULT_MODEL": ("gpt-3.5-turbo", "Model with which a talk in NextChat begins."),
}
"""What compose reads for the stack itself: default and explanation."""
HEAD = """\
# Copy this file to .env beside it, and take away the # before what you set. A value with a dollar sign,
# or with a # behind a space, stands in single quotes; others need none. A name that ends in _FILE stands for
# a file that holds the value: what the service sees in /config you put into deploy/config.
#
# Made of the table of settings by: python -m tests.deploy.env_example
"""


def text() -> str:
    """The whole file."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield "# ---- The stack ----\n"
    for name, (default, sentence) in OF_THE_STACK.items():
        yield _entry(name, default, sentence)
    yield "# ---- The service ----\n"
    for spec in specs_of(Settings).values():
        if spec.name not in OF_THE_CONTAINER:
            yield _setting(spec)


def _setting(spec: SettingSpec) -> str:
    if not spec.secret:
        return _entry(spec.name, IN_THE_STACK.get(spec.name, spec.default), spec.sentence)
    path = IN_THE_STACK.get(spec.name, f"/config/{spec.name.lower()}")
    return _entry(f"{spec.name}_FILE", path, spec.sentence)


def _entry(name: str, value: str, sentence: str) -> str:
    comment = textwrap.fill(
        sentence, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    return f"{comment}\n#{name}={value}\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
