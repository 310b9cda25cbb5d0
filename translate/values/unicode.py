"""Strings that may hold surrogates: JSON escapes and cut streams give halves of a character.

Outside the Basic Multilingual Plane JSON writes a character as two escapes, a surrogate pair. A stream
that is cut between the two gives one half now and the other later; a broken sender gives one half only.
Python keeps such halves in a `str`, but cannot encode them.
"""

import re

SURROGATE = re.compile("[\ud800-\udfff]")
"""Any half of a surrogate pair."""


def well_formed(text: str) -> str:
    """`text` with surrogate pairs joined and lone halves replaced by U+FFFD, so that it can be encoded."""
    if not SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def join_surrogates(text: str) -> str:
    """`text` with surrogate pairs joined; lone halves stay, since the other half may still come."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def concatenate(text: str, piece: str) -> str:
    """`text` followed by `piece`; a surrogate pair that was cut between the two is joined."""
    if SURROGATE.match(piece) and SURROGATE.match(text[-1:]):
        return text[:-1] + join_surrogates(text[-1] + piece)
    return text + piece
