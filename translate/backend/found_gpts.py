"""The answer of GET `backend-api/gizmos/search`: GPTs of the store (protocol notes, section 4.4).

`items` stand in `hits` or at the top, each with its GPT under `resource`, under `gizmo`, or as it is. Nothing
in it is trusted: what has no short id is left out, and what is kept is bounded.
"""

from typing import Final

from translate.values import (
    FoundGpt,
    FoundGpts,
    JsonObject,
    is_short_id,
    json_object,
    object_at,
    objects_at,
    text_at,
    well_formed,
)

MAX_FOUND: Final = 100
"""GPTs of one answer that are kept."""
MAX_WORDS: Final = 500
"""Characters of a name or a description that are kept."""
MAX_CURSOR: Final = 1000
"""Characters; a longer cursor is none."""


def read_found_gpts(body: bytes) -> FoundGpts:
    """The GPTs in `body`, each once. Raises ValueError if it is no JSON object."""
    answer = json_object(body)
    if answer is None:
        raise ValueError("it is no list of GPTs")
    hits = object_at(answer, "hits") or answer
    found = {gpt.id: gpt for item in objects_at(hits, "items") if (gpt := _gpt(item))}
    cursor = text_at(hits, "cursor")
    printable = cursor.isascii() and cursor.isprintable() and len(cursor) <= MAX_CURSOR
    return FoundGpts(tuple(found.values())[:MAX_FOUND], cursor if printable else "")


def _gpt(item: JsonObject) -> FoundGpt | None:
    holder = object_at(item, "resource") or item
    gizmo = object_at(holder, "gizmo") or holder
    gizmo_id, display = text_at(gizmo, "id"), object_at(gizmo, "display")
    if not is_short_id(gizmo_id):
        return None
    return FoundGpt(
        gizmo_id,
        well_formed(text_at(display, "name")[:MAX_WORDS]),
        well_formed(text_at(display, "description")[:MAX_WORDS]),
    )
