"""A `config.json` of PandoraToV1Api, as it was written: keys and texts."""

from collections.abc import Iterator
from typing import Final

from translate.values import JsonPairs, written_json

MAX_CONFIG_BYTES: Final = 1 << 20


class NotAConfig(ValueError):
    """The file is no JSON object. The text completes the sentence "it is not usable: ..."."""


def read_config(content: bytes) -> dict[str, str]:
    """Each key with its value as a text; a key of an inner object has the outer one and a dot before it.

    Booleans are the texts `true` and `false` there, and numbers may be texts; so all values are texts here.
    A key that stands there twice has its last value, as it had there.

    Raises:
        NotAConfig: it is not JSON, or no object.
    """
    try:
        data = written_json(content, MAX_CONFIG_BYTES)
    except ValueError as error:
        raise NotAConfig(str(error)) from None
    if not isinstance(data, JsonPairs):
        raise NotAConfig('it must be an object such as {"upstream_base_url": "http://127.0.0.1:8181"}')
    return dict(_texts(data))


def _texts(data: JsonPairs) -> Iterator[tuple[str, str]]:
    for key, value in data:
        if isinstance(value, JsonPairs):
            yield from ((f"{key}.{inner}", _text(innermost)) for inner, innermost in value)
        else:
            yield key, _text(value)


def _text(value: object) -> str:
    """Empty for what is not set; a list has commas between, as its values are written elsewhere."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, JsonPairs):
        return "an object"  # further inside than any key of theirs
    if isinstance(value, list):
        return ",".join(_text(item) for item in value if not isinstance(item, list))
    return str(value).strip()
