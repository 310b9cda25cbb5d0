"""The text of one message as the backend has sent it, and how much of it was passed on.

This is the one owner of positions in a message: citations name ranges of it in code points. Text comes in
three ways: as a whole (`become`), as a decoded piece (`grow`), and as escaped bytes that are not looked at
(`pass_unread`); these are decoded only when the text or a position is asked for.

A stream may begin a message again from its start. Its text is then behind what came before, and nothing is
given on until it has caught up.
"""

import re
from collections.abc import Callable
from typing import Final

from translate.text.escape import escaped as as_escaped
from translate.text.escape import unescaped
from translate.values import SURROGATE, concatenate, join_surrogates, text_size

REPLACEMENT: Final = "\ufffd"
LAST_ESCAPE: Final = re.compile(rb"(?<!\\)(?:\\\\)*(\\(?:[^u]|u[0-9A-Fa-f]{4}))\Z", re.DOTALL)
MAX_ESCAPES: Final = 64
"""Bytes at the end of a text that are looked at for an escape."""


class SourceText:
    """`held_back` tells how many last characters of a text wait for what follows, since they may be half of
    something.
    """

    __slots__ = (
        "_before",
        "_behind",
        "_counted",
        "_given",
        "_growth",
        "_held_back",
        "_start",
        "_text",
        "held",
    )

    def __init__(self, held_back: Callable[[str], int]) -> None:
        self.held = ""
        """The end of what came, not given on yet."""
        self._held_back = held_back
        self._text = ""  # without `_growth`
        self._growth = bytearray()  # escaped
        self._given = 0  # without what of `_growth` lies behind `_counted`
        self._counted = 0
        # Where in `_growth` the piece begins that was given on last, or what stands before it.
        self._start = 0
        self._before = ""
        self._behind: int | None = None  # how far the present stream has come in `_text`, if not to its end

    @property
    def before(self) -> str:
        """The character before the piece that was given on last; empty if there is none."""
        return last_character(self._growth, self._start) if self._start else self._before

    @property
    def is_behind(self) -> bool:
        """The present stream has not caught up with what came before."""
        return self._behind is not None

    @property
    def streamed(self) -> str:
        """The text as far as the present stream has it."""
        return self.text[: self._behind]

    def fits(self, piece: str) -> bool:
        """Whether `grow` can take `piece`: it is more, or repeats what came before."""
        behind = self._behind
        if behind is None:
            return True
        rest = len(self._text) - behind
        return self._text.startswith(piece[:rest], behind)

    @property
    def text(self) -> str:
        """All that came."""
        if self._growth:
            self._count()
            self._before, self._start = self.before, 0
            self._text = concatenate(self._text, unescaped(self._growth))
            self._growth.clear()
            self._counted = 0
        return self._text

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return text_size(self._text) + len(self._growth)

    @property
    def given(self) -> int:
        """How many characters were given on."""
        self._count()
        return self._given

    def pass_unread(self, escaped: bytes) -> None:
        """The text grew by a plain piece, JSON-escaped, that was given on as it is. Nothing may be held."""
        self._growth += escaped

    def grow(self, escaped: bytes, piece: str) -> str:
        """The text grew by `piece`, which is `escaped` in JSON and `fits`. Return what to give on."""
        if self._behind is not None:
            rest = len(self._text) - self._behind
            self._behind = self._behind + len(piece) if len(piece) < rest else None
            piece = piece[rest:]
            if not piece:
                return ""
            escaped = as_escaped(piece)
        self._count()
        if not self.held:
            self._start = len(self._growth)
            if not self._start:
                self._before = self._text[-1:]
        self._growth += escaped
        self._counted = len(self._growth)
        return self._give(piece)

    def become(self, new: str) -> tuple[int, str]:
        """The whole text is `new` now. Return how many given characters it takes back, and what to give on.

        Nothing that a client has can be taken back, so a rewritten text goes on behind what both have in
        common. A shorter text (blanked by moderation, or an empty restart) is no reason to begin anew.
        """
        text = self.text
        shown = text[: len(text) - len(self.held)]
        self.held = ""
        if shown.startswith(new) and len(new) < len(shown):
            self._text = shown
            self._behind = len(new)
            return 0, ""
        self._behind = None
        kept = len(shown) if new.startswith(shown) else common_prefix(shown, new)
        self._text = new
        self._given = kept
        self._before, self._start = (new[kept - 1] if kept else ""), 0
        return len(shown) - kept, self._give(new[kept:])

    def release(self) -> str:
        """Nothing follows soon: return what was held back."""
        piece, self.held = self.held, ""
        self._given += len(piece)
        return piece

    def _give(self, piece: str) -> str:
        if self.held:
            piece = join_surrogates(self.held + piece)
        end = len(piece) - self._held_back(piece)
        self.held = piece[end:]
        self._given += end
        return piece[:end]

    def _count(self) -> None:
        if len(self._growth) > self._counted:
            self._given += len(unescaped(self._growth[self._counted :]))
            self._counted = len(self._growth)


def last_character(escaped: bytearray, end: int) -> str:
    """The last character of a text, not empty, that is `escaped` up to `end`, the inside of a JSON string.

    Any other than an ASCII one may be given as U+FFFD.
    """
    if (found := LAST_ESCAPE.search(escaped, max(0, end - MAX_ESCAPES), end)) is not None:
        last = unescaped(found[1])
        return last if last.isascii() else REPLACEMENT
    return chr(escaped[end - 1]) if escaped[end - 1] < 128 else REPLACEMENT


def common_prefix(a: str, b: str) -> int:
    """Length of the longest common prefix; it never ends between the halves of a surrogate pair."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    if low and SURROGATE.match(b[low - 1]):
        low -= 1
    return low
