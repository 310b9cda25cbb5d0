"""JSON from outside, read without trust: whatever it holds, these functions give a default, never raise."""

import ujson

JsonObject = dict[str, object]


def json_object(body: bytes | str) -> JsonObject | None:
    """The JSON object in `body`; None if it is no JSON, nested too deeply, or any other JSON value."""
    try:
        value = ujson.loads(body)
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
