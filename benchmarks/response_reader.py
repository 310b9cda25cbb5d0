"""Reads one HTTP/1.1 response from a shared receive buffer, with as little work as possible."""

import re
from enum import Enum, auto

from benchmarks.expected_replies import ExpectedReply

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


class ProtocolError(Exception):
    """The response breaks HTTP/1.1 or has not the status 200; the text tells how."""


class _State(Enum):
    HEAD = auto()
    CHUNK_SIZE = auto()
    CHUNK_DATA = auto()
    FIXED_LENGTH = auto()
    COMPLETE = auto()


class ResponseReader:
    """Gives the body of a 200 to an `ExpectedReply` and checks the framing to the last byte.

    The caller puts `unread` (bytes that could not be used yet) at the start of its buffer, receives behind
    it, and calls `feed` with the number of bytes that are then in the buffer.
    """

    __slots__ = ("_need", "_state", "reply", "unread")

    def __init__(self, reply: ExpectedReply) -> None:
        self.reply = reply
        self.unread = b""
        self._state = _State.HEAD
        self._need = 0  # bytes still to come of the chunk or of the body

    def feed(self, buffer: bytearray, view: memoryview, size: int) -> bool:
        """Use `buffer[:size]`, of which `view` is a view. True once the response is complete.

        Raises ProtocolError for any status but 200, a body of unknown length, or bad framing.
        """
        self.unread = b""
        at = self._read_head(buffer, size) if self._state is _State.HEAD else 0
        while at < size:
            if self._state is _State.CHUNK_SIZE:
                at = self._read_chunk_size(buffer, at, size)
            elif self._state is _State.COMPLETE:
                raise ProtocolError("bytes after the end of the response")
            else:
                piece = view[at : min(size, at + self._need)]
                self.reply.feed(piece)
                at += len(piece)
                self._need -= len(piece)
                if not self._need:
                    chunked = self._state is _State.CHUNK_DATA
                    self._state = _State.CHUNK_SIZE if chunked else _State.COMPLETE
        return self._state is _State.COMPLETE

    def _read_head(self, buffer: bytearray, size: int) -> int:
        """The offset of the body, or `size` if the head is incomplete."""
        end = buffer.find(b"\r\n\r\n", 0, size)
        if end < 0:
            self.unread = bytes(buffer[:size])
            return size
        head = bytes(buffer[:end])
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ProtocolError(f"{head[:40]!r}, body {bytes(buffer[end + 4 : min(size, end + 204)])!r}")
        length = CONTENT_LENGTH.search(head)
        if length:
            self._state, self._need = _State.FIXED_LENGTH, int(length[1])
            return end + 4
        if not CHUNKED.search(head):
            raise ProtocolError("neither a length nor chunks")
        self._state = _State.CHUNK_SIZE
        return end + 2  # each size line is read with the line end before it

    def _read_chunk_size(self, buffer: bytearray, at: int, size: int) -> int:
        """The offset of the chunk's data, or `size` if its size line is incomplete."""
        end = buffer.find(b"\r\n", at + 2, size)
        if end < 0:
            self.unread = bytes(buffer[at:size])
            return size
        self._need = int(buffer[at + 2 : end], 16)
        if self._need:
            self._state = _State.CHUNK_DATA
            return end + 2
        if size < end + 4:
            self.unread = bytes(buffer[at:size])
            return size
        if buffer[at : end + 4] != b"\r\n0\r\n\r\n":
            raise ProtocolError("the chunked body does not end properly")
        self._state = _State.COMPLETE
        return end + 4
