"""What of plain text, as in JSON strings, a contract must be fed though it lets plain text go by."""

import re
from typing import Final

SPACES: Final = (b" ", b"\\n", b"\\t", b"\\r")
ENDS_OF_SPACES: Final = b" ntr"
"""The last bytes of white space, and of some words."""
HIDDEN_HINT: Final = re.compile(rb"-(?:[0-9a-f]|\Z)")
"""Where what is hidden may begin: see `Contract.hidden`."""


def may_hold_tag(plain: bytes) -> bool:
    """Whether a tag, a fence or what is hidden may begin in plain text, which holds no backticks."""
    if b"<" in plain or b"~" in plain or b"\\u00" in plain:
        return True
    return b"-" in plain and HIDDEN_HINT.search(plain) is not None


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
