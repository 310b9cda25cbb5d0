"""The list of GPTs in `gpts.json`.

It maps names to ids, `{"my-helper": {"id": "g-AbC123xyZ"}}`; a `"style"` may stand beside the id. The id is
the short one or the slug of the public link (`g-AbC123xyZ-my-helper`).
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from translate.values.gizmo import is_gizmo_id
from translate.values.style import STYLES

MAX_GPT_NAME = 100
"""Characters of a name."""
MAX_GPTS_FILE_BYTES = 1 << 20

UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories of characters that break lines of logs, or JSON."""

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
    if len(content) > MAX_GPTS_FILE_BYTES:
        raise GptsError(f"it is larger than {MAX_GPTS_FILE_BYTES} bytes")
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
    if repeated := data.repeated_key():
        raise GptsError(f"the name {_quoted(repeated)} is there twice")
    return tuple(_entry(name, value, taken) for name, value in data)


class _Pairs(list[tuple[str, object]]):
    """A JSON object as the pairs that were written; a dict would hide a key that stands there twice."""

    def repeated_key(self) -> str | None:
        """The first key that stands there more than once; None if there is none."""
        counts = Counter(key for key, _ in self)
        return next((key for key, count in counts.items() if count > 1), None)


def _entry(name: str, value: object, taken: Collection[str]) -> Gpt:
    _check_name(name, taken)
    where = f"the entry {_quoted(name)}"
    if not isinstance(value, _Pairs):
        raise GptsError(f'{where} must be an object such as {{"id": "g-AbC123xyZ"}}')
    if repeated := value.repeated_key():
        raise GptsError(f"{where} has the key {_quoted(repeated)} twice")
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
    if len(name) > MAX_GPT_NAME:
        raise GptsError(f"the name {_quoted(name)} is longer than {MAX_GPT_NAME} characters")
    if any(unicodedata.category(character) in UNPRINTABLE for character in name):
        raise GptsError(f"the name {_quoted(name)} holds control characters")
    if name != name.strip():
        raise GptsError(f"the name {_quoted(name)} begins or ends with a space")
    if name in taken:
        raise GptsError(f"the name {_quoted(name)} already means a model or an alias")


def _quoted(text: str) -> str:
    """`text` in quotes for a line of the log: shortened, and without characters that break the line."""
    shown = text if len(text) <= MAX_GPT_NAME else text[:40] + "..."
    return ascii(shown) if any(unicodedata.category(c) in UNPRINTABLE for c in shown) else f'"{shown}"'
