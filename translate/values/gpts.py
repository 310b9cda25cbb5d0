"""GPTs: the list in ``gpts.json``, ids, and what the backend tells about one ("gizmo", in its words).

The list maps names to ids, ``{"my-helper": {"id": "g-AbC123xyZ"}}``; ``"style"`` may stand beside the
id. An id is the short one or the slug of the public link (``g-AbC123xyZ-my-helper``). The backend takes
either in a path, but a conversation needs the short one, which its description holds, and the whole
description.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import ujson

from translate.text.render import Style
from translate.values.errors import JsonObject

MAX_NAME = 100
MAX_FILE_BYTES = 1 << 20
MAX_GIZMO_BYTES = 1 << 20
"""A description is some KB, and goes along with each conversation."""

SHORT_ID = re.compile(r"g-[A-Za-z0-9]{1,64}")
ID = re.compile(r"g-[A-Za-z0-9]{1,64}(-[A-Za-z0-9_-]{1,200})?")

UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of characters that break lines of logs, or JSON."""

STYLES = tuple(style.value for style in Style)
KEYS = ("id", "style")


class GptsError(ValueError):
    """What is wrong with which entry of the list, in one line."""


@dataclass(frozen=True, slots=True)
class Gpt:
    """An entry of the list. ``id`` is as written there; ``style`` is empty for the default."""

    name: str
    id: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Gizmo:
    """A description by the backend: ``id`` is the short one, ``info`` the whole answer."""

    id: str
    info: JsonObject


def read_gpts(content: bytes, taken: Collection[str]) -> tuple[Gpt, ...]:
    """The list in ``content``, in its order; names in ``taken`` belong to others. Raises GptsError."""
    if len(content) > MAX_FILE_BYTES:
        raise GptsError(f"it is larger than {MAX_FILE_BYTES} bytes")
    try:
        data = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except UnicodeDecodeError:
        raise GptsError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise GptsError(f"it is not JSON: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise GptsError("it is not JSON that can be read") from None
    if not isinstance(data, _Pairs):
        raise GptsError('it must be an object such as {"my-helper": {"id": "g-AbC123xyZ"}}')
    if double := data.repeated():
        raise GptsError(f"the name {_quoted(double)} is there twice")
    return tuple(_entry(name, value, taken) for name, value in data)


def is_gizmo_id(text: str) -> bool:
    """Whether ``text`` is a well-formed id, short or with the slug behind it."""
    return ID.fullmatch(text) is not None


def read_gizmo(content: bytes, asked: str) -> Gizmo:
    """The description of the GPT ``asked`` in an answer. Raises ValueError with what is wrong with it."""
    if len(content) > MAX_GIZMO_BYTES:
        raise ValueError(f"it is larger than {MAX_GIZMO_BYTES} bytes")
    try:
        info = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    return as_gizmo(info, asked)


def as_gizmo(info: object, asked: str) -> Gizmo:
    """``info`` as the description of ``asked``, if it is one and can be sent on. Raises ValueError."""
    about = info.get("gizmo") if isinstance(info, dict) else None
    gizmo_id = about.get("id") if isinstance(about, dict) else None
    if not isinstance(info, dict) or not isinstance(gizmo_id, str) or not SHORT_ID.fullmatch(gizmo_id):
        raise ValueError("it has no id")
    if asked != gizmo_id and not asked.startswith(f"{gizmo_id}-"):
        raise ValueError("it is about another GPT")
    try:
        # It will stand some levels down in the body of a request.
        ujson.dumps([[[info]]], allow_nan=False)
    except (ValueError, OverflowError):
        raise ValueError("it cannot be written as JSON") from None
    return Gizmo(gizmo_id, info)


def conversation_mode(gizmo: Gizmo) -> JsonObject:
    """The ``conversation_mode`` of a conversation with this GPT."""
    return {"kind": "gizmo_interaction", "gizmo_id": gizmo.id, "gizmo": gizmo.info}


class _Pairs(list[tuple[str, object]]):
    """A JSON object as it was written; a dict would hide what is there twice."""

    def repeated(self) -> str | None:
        counts = Counter(name for name, _ in self)
        return next((name for name, count in counts.items() if count > 1), None)


def _entry(name: str, value: object, taken: Collection[str]) -> Gpt:
    _check_name(name, taken)
    where = f"the entry {_quoted(name)}"
    if not isinstance(value, _Pairs):
        raise GptsError(f'{where} must be an object such as {{"id": "g-AbC123xyZ"}}')
    if double := value.repeated():
        raise GptsError(f"{where} has the key {_quoted(double)} twice")
    fields = dict(value)
    if unknown := next((key for key in fields if key not in KEYS), None):
        raise GptsError(f"{where} has the unknown key {_quoted(unknown)}; known are {' and '.join(KEYS)}")
    gizmo_id, style = fields.get("id"), fields.get("style", "")
    if gizmo_id is None:
        raise GptsError(f"{where} has no id")
    if not isinstance(gizmo_id, str) or not is_gizmo_id(gizmo_id):
        raise GptsError(f"{where} has a malformed id; it must look like g-AbC123xyZ or g-AbC123xyZ-my-helper")
    if not isinstance(style, str) or (style and style not in STYLES):
        raise GptsError(f"{where} asks for an unknown style; known are {', '.join(STYLES)}")
    return Gpt(name, gizmo_id, style)


def _check_name(name: str, taken: Collection[str]) -> None:
    if not name:
        raise GptsError("an entry has an empty name")
    if len(name) > MAX_NAME:
        raise GptsError(f"the name {_quoted(name)} is longer than {MAX_NAME} characters")
    if any(unicodedata.category(character) in UNPRINTABLE for character in name):
        raise GptsError(f"the name {_quoted(name)} holds control characters")
    if name != name.strip():
        raise GptsError(f"the name {_quoted(name)} begins or ends with a space")
    if name in taken:
        raise GptsError(f"the name {_quoted(name)} already means a model or an alias")


def _quoted(text: str) -> str:
    """For a line of a log: short, and free of what would break it."""
    shown = text if len(text) <= MAX_NAME else text[:40] + "..."
    return ascii(shown) if any(unicodedata.category(c) in UNPRINTABLE for c in shown) else f'"{shown}"'
