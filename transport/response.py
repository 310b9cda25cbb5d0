"""HTTP/1.1 answers (RFC 9112), reading side, without I/O."""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine, parse_response_start_line
from tornado.iostream import UnsatisfiableReadError

from transport.chunked import ChunkedDecoder

MAX_HEAD_BYTES: Final = 64 * 1024
"""Longest status line and header block accepted."""
MAX_INFORMATIONAL: Final = 20
"""Most 1xx answers before the final one."""

_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_SPLIT_END_BYTES: Final = 3  # of the longest head end, all but its last byte


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of an answer, informational ones included."""

    line: ResponseStartLine
    headers: HTTPHeaders

    @property
    def informational(self) -> bool:
        """Another answer follows. Switching protocols (101) is final."""
        return 100 <= self.line.code < 200 and self.line.code != 101

    @property
    def keeps_connection(self) -> bool:
        """The server lets the connection be used again."""
        tokens = self.headers.get("Connection", "").lower().replace(" ", "").split(",")
        return self.line.version == "HTTP/1.1" and "close" not in tokens


class HeadReader:
    """Call `feed` with what comes, then with b"", until it has no head: one head after the other.

    After the head of a final answer, `rest` is the beginning of its body. `begun` is true once anything came.
    """

    __slots__ = ("_informational", "_max_bytes", "_seen", "_unread", "begun")

    def __init__(self, max_bytes: int = MAX_HEAD_BYTES) -> None:
        self.begun = False
        self._unread = bytearray()
        self._seen = 0  # bytes of it in which no head ends
        self._informational = 0
        self._max_bytes = max_bytes

    @property
    def rest(self) -> bytes:
        """What came behind the last head."""
        return bytes(self._unread)

    def feed(self, data: bytes) -> Head | None:
        """The next head, if it is complete.

        Raises:
            HTTPInputError: this is no HTTP.
            UnsatisfiableReadError: the head is too long.
        """
        unread = self._unread
        unread += data
        self.begun |= bool(data)
        found = _HEAD_END.search(unread, self._seen)
        if (found.end() if found else len(unread)) > self._max_bytes:
            raise UnsatisfiableReadError("the header block is too large")
        if found is None:
            self._seen = max(0, len(unread) - _SPLIT_END_BYTES)
            return None
        start, end = found.span()
        del found  # it holds on to the bytes
        head = _parse_head(unread[:start])
        self._unread = unread[end:]  # cut off in place, it would keep its size, for as long as the body takes
        self._seen = 0
        if head.informational:
            self._informational += 1
            if self._informational > MAX_INFORMATIONAL:
                raise HTTPInputError("too many informational answers")
            if "Content-Length" in head.headers or "Transfer-Encoding" in head.headers:
                raise HTTPInputError("an informational answer announces a body")
        return head


class Body(Protocol):
    """The body of an answer: `feed` it until it has `ended`, or tell it that the connection has.

    `excess` is what came behind the end.
    """

    ended: bool
    excess: bytes

    def feed(self, data: bytes) -> bytes:
        """The content in the next bytes, however the network cut them. Raises DamagedBody."""
        ...


class CountedBody:
    """A body of known length; none at all has length 0."""

    __slots__ = ("_left", "ended", "excess")

    def __init__(self, length: int) -> None:
        self.ended = length == 0
        self.excess = b""
        self._left = length

    def feed(self, data: bytes) -> bytes:
        """See `Body`."""
        content = data[: self._left]
        self._left -= len(content)
        if self._left == 0:
            self.ended, self.excess = True, data[len(content) :]
        return content


class EndlessBody:
    """A body that only the end of the connection ends."""

    __slots__ = ("ended", "excess")

    def __init__(self) -> None:
        self.ended = False
        self.excess = b""

    def feed(self, data: bytes) -> bytes:
        """See `Body`."""
        return data


def body_of(head: Head, method: str) -> Body:
    """How the body of the answer to a request is framed. Raises HTTPInputError if that can't be told."""
    code, headers = head.line.code, head.headers
    length = _content_length(headers)
    coding = headers.get("Transfer-Encoding")
    if coding is not None and (coding.lower() != "chunked" or length is not None):
        raise HTTPInputError("the length of the body is ambiguous or unknown")
    if code == 204 and (coding is not None or length):
        raise HTTPInputError("an answer that has no body announces one")
    if method == "HEAD" or code in (101, 204, 304):
        return CountedBody(0)
    if coding is not None:
        return ChunkedDecoder()
    return EndlessBody() if length is None else CountedBody(length)


def _content_length(headers: HTTPHeaders) -> int | None:
    if (value := headers.get("Content-Length")) is None:
        return None
    lengths = {length.strip() for length in value.split(",")}
    [length] = lengths if len(lengths) == 1 else [""]
    if not (length.isascii() and length.isdigit()):
        raise HTTPInputError("the Content-Length is no number")
    return int(length)


def _parse_head(data: bytearray) -> Head:
    line, _, fields = data.decode("latin-1").lstrip("\r\n").partition("\n")
    return Head(parse_response_start_line(line.rstrip("\r")), HTTPHeaders.parse(fields))
