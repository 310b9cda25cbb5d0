"""Where a JSON value ends that comes in pieces, found by its brackets outside of strings."""

import re
from typing import Final

OUTSIDE: Final = re.compile(r'["{}\[\]<]')
INSIDE: Final = re.compile(r'["\\]')
MAX_DEPTH: Final = 500
"""Brackets in brackets; what is deeper is no JSON that anybody reads."""


class JsonEnd:
    """Scans an object, an array or a string; the first character that it is given begins it.

    What is inside does not need to be JSON: only strings and brackets matter.
    """

    __slots__ = ("_escaped", "_in_string", "depth")

    def __init__(self) -> None:
        self.depth = 0
        """Brackets that are open."""
        self._in_string = False
        self._escaped = False

    def scan(self, text: str, at: int) -> tuple[int, bool]:
        """Go on from `at`: where it has come to in `text`, and whether the value ends there.

        It stops before a `<` outside of strings too, which is no JSON; go on behind it with `at + 1`. And it
        stops where it is too deep.
        """
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (INSIDE if self._in_string else OUTSIDE).search(text, at)
            if found is None:
                return len(text), False
            at = found.end()
            match found[0]:
                case "\\":
                    self._escaped = True
                case '"':
                    self._in_string = not self._in_string
                    if not self._in_string and not self.depth:
                        return at, True
                case "{" | "[":
                    self.depth += 1
                    if self.depth > MAX_DEPTH:
                        return at, False
                case "<":
                    return at - 1, False
                case _:
                    self.depth -= 1
                    if self.depth <= 0:
                        return at, True
        return at, False
