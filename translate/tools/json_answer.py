"""The JSON in an answer that should be nothing else, and often is in a fence, or between words."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from translate.tools.json_end import MAX_DEPTH, JsonEnd
from translate.tools.repair import NOT_JSON, SPACE, Json, repaired
from translate.tools.schemas import Misfit, Schema

FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)
"""A line that opens a fence, or closes one."""
LOOKS_LIKE_JSON: Final = re.compile(
    r"""\{\s*(?:["'“}]|\w{1,60}\s*:)|\[\s*(?:[\d"'“\-{\[\]]|(?i:true|false|null|none)\b)"""
)
"""Or like what is meant as JSON, with other quotation marks or none."""
BEGIN: Final = re.compile(r"[{\[]")
MAX_VALUES: Final = 200
"""Values among words that are looked at."""
MAX_SCANNED: Final = 1 << 18
"""Characters that are looked at for the ends of values more than once, in all."""
AMBIGUOUS: Final = Misfit("", "there is more than one JSON value in it")
NO_JSON: Final = Misfit("", "there is no JSON in it")


def find_json(text: str, schema: Schema | None, *, wants_object: bool) -> Json | Misfit:
    """The one value in `text` that fits: all of it, or what stands in a fence, or what is in brackets.

    Else why there is none; `NO_JSON` if there is nothing at all that looks like JSON.
    """
    text = text.strip(SPACE)
    whole = repaired(text, schema, wants_object=wants_object)
    if isinstance(whole, Json):
        return whole
    why = NO_JSON if whole == NOT_JSON and LOOKS_LIKE_JSON.search(text) is None else whole
    for found in (_fenced(text), _bracketed(text)):
        fitting = dict[str, Json]()
        for candidate in islice(found, MAX_VALUES):
            value = repaired(candidate, schema, wants_object=wants_object)
            if isinstance(value, Json):
                fitting.setdefault(repr(value.value), value)
            elif why == NOT_JSON:
                why = value
        if len(fitting) > 1:
            return AMBIGUOUS
        if fitting:
            return next(iter(fitting.values()))
    return why


def _fenced(text: str) -> Iterator[str]:
    opened = None
    for line in FENCE.finditer(text):
        if opened is None:
            opened = line
        elif line[1].startswith(opened[1]) and not line[2].strip():
            yield text[opened.end() + 1 : line.start()]
            opened = None


def _bracketed(text: str) -> Iterator[str]:
    """What stands between brackets that belong together, outside of others."""
    at, left = 0, len(text) + MAX_SCANNED
    while left > 0 and (begin := BEGIN.search(text, at)) is not None:
        start = at = begin.start()
        scanner, is_over = JsonEnd(), False
        while at < len(text) and not is_over and scanner.depth <= MAX_DEPTH:
            at, is_over = scanner.scan(text, at)
            at += not is_over  # it stops at any "<"
        left -= min(at, len(text)) - start
        if is_over:
            yield text[start:at]
        else:
            at = start + 1
