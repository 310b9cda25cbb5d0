"""Mistakes of models in JSON and in names that can be mended without a guess: the meaning stays the same.

Single quotation marks, keys without any, Python's words, an object that was cut off, fields that are missing
and names that are nearly right are not mended: it would be a guess. After any repair the schema decides.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from translate.tools.schemas import Misfit, Schema

SPACE: Final = " \t\r\n\ufeff\u00a0"
FENCED: Final = re.compile(r"\A`{3,}[A-Za-z]{0,20}[ \t]*\r?\n(.*?)\r?\n?`{3,}\Z", re.DOTALL)
PARTS: Final = re.compile(r'"|[\ufeff\u00a0]|,(?=[ \t\r\n\ufeff\u00a0]*[}\]])')
"""What matters outside of strings: where one begins, spaces that are none of JSON's, a comma too many."""
IN_STRING: Final = re.compile(r'"|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})|\\|[\x00-\x1f]')
MAX_MENDED: Final = 1 << 19
"""Characters of a text that is mended: more than a model writes in one answer."""
MAX_NUMBERS: Final = 50
"""Numbers written as texts that are mended in one value."""
PREFIXES: Final = re.compile(r"(?:functions\.|mcp__[A-Za-z0-9-]+__)")
NOT_JSON: Final = Misfit("", "it is not valid JSON")


@dataclass(frozen=True, slots=True)
class Json:
    """A value that fits, and its text: as the model wrote it, but for what was mended."""

    text: str
    value: object


def parsed(text: str) -> object:
    """The value of a JSON text as the standard has it. Raises ValueError, also if it is nested too deeply."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def repaired(
    text: str, schema: Schema | None, *, closed: bool = False, wants_object: bool = False
) -> Json | Misfit:
    """The value of `text`, mended if need be, or why it is none that fits `schema`.

    With `closed` it is known that the text is not cut off, so that one last brace may be added. With
    `wants_object` only an object will do.
    """
    text = text.strip(SPACE)
    for candidate in _candidates(text, closed=closed):
        try:
            value = parsed(candidate)
        except ValueError:
            continue
        found = Json(candidate, value)
        if wants_object and isinstance(value, str):
            found = _read_once_more(found)
        if wants_object and not isinstance(found.value, dict):
            return Misfit("", "it is not a JSON object")
        return _fitting(found, schema)
    return NOT_JSON


def tool_named(name: str, names: Collection[str]) -> str | None:
    """The one of `names` that is meant: itself, the only one that differs by case, or the only one that is
    left without a prefix.
    """
    if name in names:
        return name
    alike = [other for other in names if other.lower() == name.lower()]
    if not alike and name:
        bare = PREFIXES.sub("", name, count=1)
        alike = [other for other in names if bare == other or PREFIXES.sub("", other, count=1) == bare]
    return alike[0] if len(alike) == 1 else None


def _candidates(text: str, *, closed: bool) -> list[str]:
    """`text` as it is, and mended."""
    if (fenced := FENCED.match(text)) is not None:
        text = fenced[1].strip(SPACE)
    mended = _mended(text) if len(text) <= MAX_MENDED else text
    candidates = [text] if mended == text else [text, mended]
    return [*candidates, mended + "}"] if closed else candidates


def _mended(text: str) -> str:
    """With controls and lone backslashes in strings escaped, and what is too much between them left out."""
    parts = []
    at, in_string = 0, False
    while (found := (IN_STRING if in_string else PARTS).search(text, at)) is not None:
        parts.append(text[at : found.start()])
        what = found[0]
        if what == '"':
            in_string = not in_string
            parts.append(what)
        elif not in_string:
            parts.append("" if what == "," else " ")
        elif what == "\\":
            parts.append("\\\\")
        else:
            parts.append(what if what[0] == "\\" else json.dumps(what)[1:-1])
        at = found.end()
    parts.append(text[at:])
    return "".join(parts)


def _read_once_more(found: Json) -> Json:
    """An object that was written as JSON in a string."""
    text = str(found.value)
    try:
        value = parsed(text)
    except ValueError:
        return found
    return Json(text, value)


def _fitting(found: Json, schema: Schema | None) -> Json | Misfit:
    """`found` with the numbers as numbers where the schema wants no texts, if it fits then."""
    misfit = schema.misfit(found.value) if schema is not None else None
    if schema is None or misfit is None:
        return found
    value, first = found.value, misfit
    for _ in range(MAX_NUMBERS):
        if misfit is None:
            return Json(json.dumps(value, ensure_ascii=False), value)
        if not misfit.wants_number or not _make_number(value, misfit.place):
            break
        misfit = schema.misfit(value)
    return first


def _make_number(value: object, place: Collection[str | int]) -> bool:
    """Make a number of the text at this place in `value`, if it is one and reads the same."""
    *above, last = place or [""]
    for at in above:
        value = value[at]  # type: ignore[index]
    if not isinstance(value, dict | list):
        return False
    text = value[last]  # type: ignore[index]
    try:
        number = parsed(text) if isinstance(text, str) else None
    except ValueError:
        return False
    if isinstance(number, bool) or not isinstance(number, int | float) or json.dumps(number) != text:
        return False
    value[last] = number  # type: ignore[index]
    return True


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")
