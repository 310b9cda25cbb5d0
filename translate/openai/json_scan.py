"""Looks over the bytes of a JSON text, as they arrive, before anything is made of them.

A parser makes objects of at least 50 bytes for two bytes of text, and holds the interpreter while it does so.
What it would make is counted here first: values, nesting, the length of numbers, and the bytes that are in no
long string of ASCII, which is what pictures and files are. Any text within the limits is parsed in well under
100 ms.

Nothing is checked but the limits: a text that is no JSON passes, and the parser says what is wrong with it.
All work is linear. A piece of 64 KiB is looked over in a few milliseconds, however it was made.
"""

import re
from typing import Final, NamedTuple

from translate.values import BadRequest, TooLarge

MAX_VALUES: Final = 50_000
"""Strings (names of members too), numbers, literals, arrays and objects. 2,048 messages in parts have some
20,000."""
MAX_DEPTH: Final = 64
"""Arrays and objects within each other; the deepest schemas of tools have about 20."""
MAX_NUMBER: Final = 64
"""Characters of a number. An exact fraction of a float has up to 57; long ones take long to read."""
LONG_STRING: Final = 64 * 1024
"""Bytes from which on a string of ASCII is told apart by its place."""
MAX_OTHER_BYTES: Final = 12 << 20
"""Bytes that are not in such strings: 2 million characters of any script, each as an escape."""
SMALL_TEXT: Final = 16 * 1024
"""Bytes that cannot hold too many values, nor a long string."""
PIECE: Final = 64 * 1024
"""Bytes to be looked over at once."""

_TOKEN: Final = re.compile(rb'[\s,:]*+(?:"[^"\\]{0,250}+"|(")|([\[{])|([\]}])|([^\s",:\[\]{}]++)|(\Z))')
"""What is between two tokens, and the token; a short string has no group."""
_QUOTE, _OPEN, _CLOSE, _SCALAR, _END = 1, 2, 3, 4, 5
_SCALAR_REST: Final = re.compile(rb'[^\s",:\[\]{}]*+')
_STRING_REST: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_BLANK_STRUCTURE: Final = bytes.maketrans(b'",:[]{}', b" " * 7)
_CONTROLS: Final = bytes(range(32))
_WHITE: Final = re.compile(rb"[ \t\r\n]*+")


def surely_within_limits(text: bytearray) -> bool:
    """Whether a text of at most `SMALL_TEXT` bytes is within all limits, wherever its strings begin and end.

    True for nearly all short requests, and a tenth of the work of a scan.
    """
    if text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        return False
    return max(map(len, text.translate(_BLANK_STRUCTURE).split()), default=0) <= MAX_NUMBER


class LongString(NamedTuple):
    """Where a string stands: the place of its first quote, and the one behind its last quote.

    With `as_is` it holds nothing that a parser would have to look at: no escapes, no control characters.
    """

    start: int
    end: int
    as_is: bool


class JsonScan:
    """Call `feed` with each piece of the text, cut anywhere; it raises when a limit is exceeded.

    `values` is how many there are so far. `long_strings` are the strings of at least `long_string` bytes that
    hold ASCII and no escape with a `u`; `other_bytes` are all bytes that are in none of them.
    """

    def __init__(self, long_string: int = LONG_STRING) -> None:
        """`long_string` is the size of long strings in bytes."""
        self._long_string = long_string
        self.long_strings: list[LongString] = []
        self.values = 0
        self.other_bytes = 0
        self._depth = 0
        self._size = 0  # of all pieces before this one
        self._scalar = 0  # length of the number or literal with which the last piece ended
        self._start: int | None = None  # of the string that is not over yet
        self._ascii = True  # so far, of that string
        self._as_is = True  # likewise
        self._escape = False  # the last piece ended with half an escape
        self._was_long = False  # the last token is a long string
        self._broken = False  # more is closed than was opened: no parser goes on from here

    def feed(self, piece: bytes) -> None:
        """Look over the next piece. Raises BadRequest (400) or TooLarge (413) that names the limit."""
        self.other_bytes += len(piece)
        at = len(piece) if self._broken else 0
        while at < len(piece):
            at = self._structure(piece, at) if self._start is None else self._string(piece, at)
        self._size += len(piece)
        unsure = self._size - self._start if self._start is not None and self._ascii else 0
        if self.other_bytes - unsure > MAX_OTHER_BYTES:
            raise TooLarge(
                f"The request holds more than {MAX_OTHER_BYTES} bytes beside pictures and files in base64."
            )

    def _structure(self, piece: bytes, at: int) -> int:
        """Count what stands between strings, and short strings; give the place where a longer one begins."""
        if self._scalar:
            rest = _SCALAR_REST.match(piece, at)
            if rest is not None and rest.end() > at:
                self._number(self._scalar + rest.end() - at)
                at = rest.end()
            if at < len(piece):
                self._scalar = 0
        if self._was_long:
            at = self._after_long_string(piece, at)
        for token in _TOKEN.finditer(piece, at):
            kind = token.lastindex
            if kind == _CLOSE:
                self._depth -= 1
                if self._depth >= 0:
                    continue
                self._broken = True
                break
            if kind == _END:
                continue
            self.values += 1
            if self.values > MAX_VALUES:
                raise BadRequest(f"The JSON of the request holds more than {MAX_VALUES} values.")
            if kind == _OPEN:
                self._depth += 1
                if self._depth > MAX_DEPTH:
                    raise BadRequest(f"The JSON of the request is nested more than {MAX_DEPTH} levels deep.")
            elif kind == _SCALAR:
                self._number(token.end() - token.start(_SCALAR))
                if token.end() < len(piece):
                    self._scalar = 0
            elif kind == _QUOTE:
                self._start = self._size + token.start(_QUOTE)
                self._ascii = self._as_is = True
                return token.end()
        return len(piece)

    def _number(self, length: int) -> None:
        if length > MAX_NUMBER:
            raise BadRequest(f"The JSON of the request holds a number of more than {MAX_NUMBER} characters.")
        self._scalar = length

    def _string(self, piece: bytes, at: int) -> int:
        """Go on in a string; give the place behind it, or the end of the piece."""
        start = at
        if self._escape:
            self._escape = False
            self._ascii = self._ascii and piece[at : at + 1] != b"u"
            at += 1
        end = piece.find(b'"', at)
        end = end if end >= 0 else len(piece)
        if piece.find(b"\\", at, end) >= 0:
            rest = _STRING_REST.match(piece, at)
            end = rest.end() if rest is not None else at
            self._ascii = self._ascii and piece.find(b"\\u", at, end) < 0
            self._as_is = False
        text = piece[start:end]
        self._ascii = self._ascii and text.isascii()
        self._as_is = self._as_is and self._ascii and len(text.translate(None, _CONTROLS)) == len(text)
        if piece[end : end + 1] == b'"':
            self._end_string(self._size + end + 1)
            return end + 1
        self._escape = end < len(piece)  # half an escape, which is the end of the piece
        return len(piece)

    def _end_string(self, end: int) -> None:
        start, self._start = self._start, None
        if start is not None and self._ascii and end - start >= self._long_string:
            self.long_strings.append(LongString(start, end, self._as_is))
            self.other_bytes -= end - start
            self._was_long = True

    def _after_long_string(self, piece: bytes, at: int) -> int:
        white = _WHITE.match(piece, at)
        at = white.end() if white is not None else at
        if at < len(piece):
            self._was_long = False
            if piece[at : at + 1] == b":":
                raise BadRequest(f"The JSON of the request has a name of {self._long_string} bytes or more.")
        return at
