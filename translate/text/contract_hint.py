"""What of plain text, as in JSON strings, a contract must be fed though it lets plain text go by."""

import re
from typing import Final

TAG_HINT: Final = re.compile(
    rb"<\\?/?(?:[cr\\]|\Z)|~|\\u00[0-7]|-[0-9a-f]{8}|-[0-9a-f]{0,7}\Z",
)
"""In plain text, as in JSON strings, which holds no backticks: where a tag, a fence or what is hidden may
begin.

Tags begin with `<call-` and `<result-`, those that close with `</`; each character may stand as its number.
What is hidden is eight hexadecimal digits behind a hyphen: see `Contract.hidden`.
"""
SPACES: Final = (b" ", b"\\n", b"\\t", b"\\r")
ENDS_OF_SPACES: Final = b" ntr"
"""The last bytes of white space, and of some words."""


def without_space(plain: bytes) -> int:
    """How many bytes of plain text stand before the white space at its end; -1 if that cannot be told.

    White space is left out before a call, and begins a line.
    """
    end = len(plain)
    while plain.endswith(SPACES, 0, end):
        end -= 1 if plain.endswith(b" ", 0, end) else 2
    return -1 if plain.endswith(b"\\", 0, end) and end < len(plain) else end


def shorten(pieces: list[bytes], by: int) -> None:
    """Take so many bytes from the end of `pieces`, which have them."""
    while by and len(pieces[-1]) <= by:
        by -= len(pieces.pop())
    if by:
        pieces[-1] = pieces[-1][:-by]
