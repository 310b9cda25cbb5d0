"""JSON from outside, read without trust: all but `strict_json` give a default for what is not there."""

import re
from typing import Final

from translate.values.json_codec import parsed_json

JsonObject = dict[str, object]

CONTROLS: Final = bytes(range(32))
"""What may not stand inside a JSON string; ujson takes it there."""
WITHOUT_CONTROLS: Final = re.compile(rb'(?:[^"]|"(?:[^"\\\x00-\x1f]|\\.)*+")*+', re.DOTALL)
"""JSON with control characters between its values at most, where line ends and tabs are allowed."""


def strict_json(body: bytes) -> object:
    """The JSON value in `body`. Raises ValueError if it is no JSON, or nested too deeply.

    A control character inside a string is no JSON: it shows that the text is damaged.
    """
    value: object = parsed_json(body)
    if has_controls(body) and not WITHOUT_CONTROLS.fullmatch(body):
        raise ValueError("a control character inside a string")
    return value


def has_controls(body: bytes | bytearray) -> bool:
    """Whether there is any control character of ASCII in `body`."""
    return len(body.translate(None, CONTROLS)) != len(body)


def json_object(body: bytes | str) -> JsonObject | None:
    """The JSON object in `body`; None if it is no JSON, nested too deeply, or any other JSON value."""
    try:
        value = parsed_json(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def object_at(data: JsonObject, key: str) -> JsonObject:
    """The object under `key`; an empty one if there is none."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def text_at(data: JsonObject, key: str) -> str:
    """The string under `key`; an empty one if there is none."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def objects_at(data: JsonObject, key: str) -> list[JsonObject]:
    """The objects in the list under `key`, without its other members; empty if there is no list."""
    value = data.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
