"""Requests that make and change conversations, read and checked."""

from typing import Final

from translate.openai.checks import check_count, check_length, expected
from translate.openai.responses.items import NewId, messages_of, read_items
from translate.openai.responses.request import METADATA, is_metadata
from translate.values import BadRequest, JsonObject

MAX_ADDED: Final = 20
"""Items that can be added at once."""
MAX_METADATA_KEY: Final = 64
MAX_METADATA_VALUE: Final = 512
"""Characters of a key of `metadata`, and of a value."""


def conversation_items(data: JsonObject, new_id: NewId, *, needed: bool = False) -> tuple[JsonObject, ...]:
    """The items of the field `items`, each with an id. Raises BadRequest with the one at fault in `param`."""
    value = data.get("items")
    if value is None and not needed:
        return ()
    if not isinstance(value, list):
        raise BadRequest(expected("items", "an array of items"), param="items")
    check_count(len(value), "items", MAX_ADDED)
    items = read_items(value, new_id, "items")
    messages_of(items, {}, "items")  # what cannot be said would be in the way of each response
    return items


def conversation_metadata(data: JsonObject, *, needed: bool = False) -> dict[str, str]:
    """The field `metadata`; null is none. Raises BadRequest."""
    value = data.get("metadata")
    if value is None and not (needed and "metadata" not in data):
        return {}
    if not isinstance(value, dict) or not is_metadata(value):
        raise BadRequest(expected("metadata", METADATA), param="metadata")
    for key, each in value.items():
        check_length(key, "metadata", MAX_METADATA_KEY)
        check_length(each, "metadata", MAX_METADATA_VALUE)
    return value
