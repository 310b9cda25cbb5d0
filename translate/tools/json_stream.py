"""The JSON of an answer, shown as it comes: without the words, or the fence, around it."""

import re
from typing import Final

from translate.tools.json_end import JsonEnd

OBJECT: Final = r'(?P<object>\{)(?=\s{0,99}")|\n[ \t]{0,99}(?P<empty>\{)(?=\s{0,99}\})'
LIST: Final = r'\n[ \t]{0,99}(?P<list>\[)(?=\s{0,99}[\d"\-{\[\]])'
OPEN_END: Final = re.compile(r"\n[ \t]{0,99}(?:[\[{]\s{0,99})?\Z|\{\s{0,99}\Z")
"""An end of a text at which JSON may have begun, or may begin."""
MAX_OPEN: Final = 210
"""Characters that it has at most."""


class JsonStream:
    """Words are not taken for JSON: an object begins with its first key, a list at the beginning of a line.

    With `only_objects` a list is none of what is looked for.
    """

    def __init__(self, *, only_objects: bool) -> None:
        self.began = False
        """Some of it was shown."""
        self._begin = re.compile(OBJECT if only_objects else f"{OBJECT}|{LIST}")
        self._open = "\n"  # the end of what came, which is to be looked at again
        self._end = JsonEnd()
        self._is_over = False
        self._words: list[str] = []
        self._shown: list[str] = []

    @property
    def text(self) -> str:
        """The JSON, as far as it was shown."""
        return "".join(self._shown)

    @property
    def words(self) -> str:
        """What came before the JSON, or all, if there is none."""
        return "".join(self._words)

    def feed(self, text: str) -> str:
        """Take text; return what of it is JSON."""
        if not self.began:
            text = self._look_for_begin(text)
        if not text or self._is_over:
            return ""
        at = 0
        while at < len(text) and not self._is_over:
            at, self._is_over = self._end.scan(text, at)
            at += not self._is_over  # it stops at any "<"
        shown = text[:at]
        self._shown.append(shown)
        return shown

    def _look_for_begin(self, text: str) -> str:
        """The JSON in `text` and what was held back; empty if it has not begun."""
        looked_at = self._open + text
        found = self._begin.search(looked_at)
        if found is None:
            self._words.append(text)
            still_open = OPEN_END.search(looked_at, max(0, len(looked_at) - MAX_OPEN))
            self._open = looked_at[still_open.start() :] if still_open is not None else ""
            return ""
        self.began = True
        begin = found.start(found.lastgroup or 0)
        return looked_at[begin:]
