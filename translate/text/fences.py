"""Fences around code and output, which nothing inside may close."""

import re
from typing import Final

BREAK = "\u200b"
"""A zero-width space: it parts backticks that would close a fence, and is not seen."""

MAX_RUN: Final = 1000
"""Backticks in a row that are held back until the run is over."""


def fence_for(text: str) -> str:
    """A fence longer than any run of backticks in `text`, the beginning of what will stand inside."""
    runs = [len(run) for run in re.findall("`{3,}", text)]
    return "`" * max(3, 1 + max(runs, default=0))


def backticks_at_end(text: str) -> int:
    """How many backticks `text` ends with; 0 for more than `MAX_RUN`, which are not waited for."""
    run = len(text) - len(text.rstrip("`"))
    return run if run <= MAX_RUN else 0


class FenceGuard:
    """Breaks up what would close `fence`: a run of backticks that came after the fence was chosen.

    Two runs that meet because what stood between them is not shown are kept apart too.
    """

    __slots__ = ("_broken", "_ends_with_backtick", "_fence")

    def __init__(self, fence: str) -> None:
        self._fence = fence
        self._broken = BREAK.join(fence)
        self._ends_with_backtick = False

    @property
    def passes_through(self) -> bool:
        """See `TextFilter`: plain pieces hold no backticks."""
        return not self._ends_with_backtick

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        if self._ends_with_backtick and text.startswith("`"):
            text = BREAK + text
        self._ends_with_backtick = text.endswith("`") if text else self._ends_with_backtick
        return text.replace(self._fence, self._broken)

    def release(self) -> str:
        """Nothing is ever held back."""
        return ""
