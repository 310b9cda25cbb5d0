"""GPTs as the backend knows them: their ids and descriptions. Its word for a GPT is "gizmo".

An id is the short one or the slug of the public link (`g-AbC123xyZ-my-helper`) (protocol notes, section 4.4).
A slug changes when the owner renames the GPT; what counts is the short id in it. Projects have ids of the
same kind (`g-p-0123abcd`, `g-p-0123abcd-my-project`).
"""

import re
from dataclasses import dataclass

from translate.values.json import JsonObject

_ID = re.compile(r"(?P<short>g-p-[A-Za-z0-9]{1,64}|g-[A-Za-z0-9]{1,64})(-[A-Za-z0-9_-]{1,200})?")


@dataclass(frozen=True, slots=True)
class Gizmo:
    """The backend's description of a GPT: `id` is the short one, `info` the whole description."""

    id: str
    info: JsonObject


def is_gizmo_id(text: str) -> bool:
    """Whether `text` is a well-formed id, short or with the slug behind it."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class FoundGpt:
    """A GPT of the store: its short id, and what people see of it."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class FoundGpts:
    """What a search of the store has found; with `cursor`, the next search goes on behind it."""

    gpts: tuple[FoundGpt, ...]
    cursor: str = ""


def is_short_id(text: str) -> bool:
    """Whether `text` is a well-formed id without a slug behind it."""
    return is_gizmo_id(text) and short_id(text) == text


def short_id(gizmo_id: str) -> str:
    """The short id in `gizmo_id`, which may have its slug behind it. Raises ValueError if it is none."""
    if (found := _ID.fullmatch(gizmo_id)) is None:
        raise ValueError("not the id of a GPT")
    return found["short"]
