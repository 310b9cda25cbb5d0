"""What a program printed, made fit for a chat window: no control sequences, no figure marks, not too long."""

import re
from typing import Final

MAX_CHARACTERS: Final = 20_000
"""Characters of one program's output that are shown."""
FIGURE_MARK: Final = "<<ImageDisplayed>>"
"""Stands in the output where a figure was shown (protocol notes, section 8.2)."""
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def printable(text: str) -> str:
    """`text` without the control sequences of terminals and without the marks of figures."""
    return ANSI.sub("", text).replace(FIGURE_MARK, "")


class OutputLimit:
    """Shows the first `MAX_CHARACTERS`, and line breaks only once something follows them."""

    passes_through = False

    def __init__(self) -> None:
        self._left = MAX_CHARACTERS
        self._breaks = 0  # line breaks that are held back
        self._was_cut = False

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        shown = text.rstrip("\n")
        breaks = self._breaks if shown else 0
        self._breaks += len(text) - len(shown) - breaks
        size = breaks + len(shown)
        self._was_cut = 0 < self._left < size
        text = ("\n" * min(breaks, self._left) + shown)[: self._left]
        self._left = max(0, self._left - size)
        return text

    def take_notice(self) -> str:
        """What to say, once, behind what the last call of `feed` gave, if that was cut."""
        was_cut, self._was_cut = self._was_cut, False
        return f"\n[output cut after {MAX_CHARACTERS} characters]\n" if was_cut else ""

    def release(self) -> str:
        """The line breaks at the end are not shown: no empty lines stand before the closing fence."""
        return ""
