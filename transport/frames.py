"""The frames of a WebSocket (RFC 6455, section 5), a client's side, without I/O."""

import os
from enum import IntEnum
from typing import Final

MAX_CONTROL_BYTES: Final = 125


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class BrokenFrames(ValueError):
    """The server broke the protocol, or sent more than is taken."""


class FrameReader:
    """`feed` it what comes; `next` gives whole messages, put together, and the control frames between."""

    def __init__(self, max_message_bytes: int) -> None:
        self._max_message_bytes = max_message_bytes
        self._unread = bytearray()
        self._message: Opcode | None = None  # of which fragments have come
        self._fragments: list[bytes] = []
        self._fragment_bytes = 0

    def feed(self, data: bytes) -> None:
        """The next bytes, however the network cut them."""
        self._unread += data

    def next(self) -> tuple[Opcode, bytes] | None:
        """A text or binary message, or a control frame; None if more must come first.

        Raises:
            BrokenFrames: the connection is of no use any more.
        """
        while (frame := self._frame()) is not None:
            opcode, payload, final = frame
            if opcode >= Opcode.CLOSE:
                return opcode, payload
            if (opcode is Opcode.CONTINUATION) == (self._message is None):
                raise BrokenFrames("fragments of two messages")
            self._fragments.append(payload)
            self._fragment_bytes += len(payload)
            message = opcode if self._message is None else self._message
            if not final:
                self._message = message
                continue
            whole = b"".join(self._fragments)
            self._message, self._fragment_bytes = None, 0
            self._fragments.clear()
            return message, whole
        return None

    def _frame(self) -> tuple[Opcode, bytes, bool] | None:
        unread = self._unread
        if len(unread) < 2:
            return None
        first, second = unread[0], unread[1]
        final, length, start = bool(first & 0x80), second & 0x7F, 2
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise BrokenFrames("an unknown kind of frame") from None
        if first & 0x70 or second & 0x80:
            raise BrokenFrames("a frame with an extension or a mask")
        if opcode >= Opcode.CLOSE and (length > MAX_CONTROL_BYTES or not final):
            raise BrokenFrames("a control frame that is too long or in pieces")
        if length > MAX_CONTROL_BYTES:
            start += 2 if length == 126 else 8
            if len(unread) < start:
                return None
            length = int.from_bytes(unread[2:start], "big")
        if length + self._fragment_bytes > self._max_message_bytes and opcode < Opcode.CLOSE:
            raise BrokenFrames("the message is too long")
        if len(unread) < start + length:
            return None
        payload = bytes(memoryview(unread)[start : start + length])
        del unread[: start + length]
        return opcode, payload, final


def encode_frame(opcode: Opcode, payload: bytes) -> bytes:
    """One whole message or control frame, masked as a client must."""
    length, key = len(payload), os.urandom(4)
    if length <= MAX_CONTROL_BYTES:
        size = bytes([0x80 | length])
    elif length < 1 << 16:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    mask = (key * (length // 4 + 1))[:length]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return bytes([0x80 | opcode]) + size + key + masked.to_bytes(length, "big")
