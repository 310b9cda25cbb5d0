"""The list of GPTs in `gpts.json`.

It maps names to ids, `{"my-helper": {"id": "g-AbC123xyZ"}}`; a `"style"` may stand beside the id. The id is
the short one or the slug of the public link (`g-AbC123xyZ-my-helper`).
"""

from collections.abc import Collection
from dataclasses import dataclass

from translate.values.gizmo import is_gizmo_id
from translate.values.style import STYLES
from translate.values.written_json import JsonPairs, breaks_lines, quoted, written_json

MAX_GPT_NAME = 100
"""Characters of a name."""
MAX_GPTS_FILE_BYTES = 1 << 20

KEYS = ("id", "style")


class GptsError(ValueError):
    """What is wrong with which entry of the list, in one line."""


@dataclass(frozen=True, slots=True)
class Gpt:
    """An entry of the list: `id` as it is written there, `style` empty for the default."""

    name: str
    id: str
    style: str = ""


def read_gpts(content: bytes, taken: Collection[str]) -> tuple[Gpt, ...]:
    """The entries of the file `content` (UTF-8 JSON), in its order.

    Names in `taken` already mean something else and are refused. Raises GptsError, which names the entry.
    """
    try:
        data = written_json(content, MAX_GPTS_FILE_BYTES)
    except ValueError as error:
        raise GptsError(str(error)) from None
    if not isinstance(data, JsonPairs):
        raise GptsError('it must be an object such as {"my-helper": {"id": "g-AbC123xyZ"}}')
    if repeated := data.repeated_key():
        raise GptsError(f"the name {quoted(repeated)} is there twice")
    return tuple(_entry(name, value, taken) for name, value in data)


def _entry(name: str, value: object, taken: Collection[str]) -> Gpt:
    _check_name(name, taken)
    where = f"the entry {quoted(name)}"
    if not isinstance(value, JsonPairs):
        raise GptsError(f'{where} must be an object such as {{"id": "g-AbC123xyZ"}}')
    if repeated := value.repeated_key():
        raise GptsError(f"{where} has the key {quoted(repeated)} twice")
    fields = dict(value)
    if unknown := next((key for key in fields if key not in KEYS), None):
        raise GptsError(f"{where} has the unknown key {quoted(unknown)}; known are {' and '.join(KEYS)}")
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
    if len(name) > MAX_GPT_NAME:
        raise GptsError(f"the name {quoted(name)} is longer than {MAX_GPT_NAME} characters")
    if breaks_lines(name):
        raise GptsError(f"the name {quoted(name)} holds control characters")
    if name != name.strip():
        raise GptsError(f"the name {quoted(name)} begins or ends with a space")
    if name in taken:
        raise GptsError(f"the name {quoted(name)} already means a model or an alias; give the GPT another")
