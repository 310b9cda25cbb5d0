"""What has come over the account's WebSocket for one conversation and was not read yet."""

import asyncio
from collections import deque
from typing import Final

from translate.backend import EndFinder, Frame, Handover

MAX_BUFFER_BYTES: Final = 8 * 1024 * 1024
"""For one slow reader. What comes beyond is not kept, so the others on the socket never wait for it."""
MAX_TOTAL_BYTES: Final = 128 * 1024 * 1024
"""For all of them together, some hundreds perhaps."""


class BufferBudget:
    """How much may be kept: `per_buffer` bytes for one reader, `left` bytes more for all of them."""

    def __init__(self, per_buffer: int = MAX_BUFFER_BYTES, total: int = MAX_TOTAL_BYTES) -> None:
        self.per_buffer = per_buffer
        self.left = total


class FrameBuffer:
    """The socket `append`s frames, the reader `take_all`s their bytes and `wait`s in between.

    `incomplete` says that pieces are missing: those still held are good, none is kept after them. `ended` is
    the end of the stream, seen also by a buffer that is incomplete.
    """

    def __init__(self, request_id: str, budget: BufferBudget) -> None:
        self.request_id = request_id
        self.conversation_id = ""
        self.response_id = ""
        self.ended = False
        self.incomplete = False
        self.frames = 0
        """How many frames have come, kept or not."""
        self._failure: BaseException | None = None
        self._budget = budget
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._end = EndFinder()
        self._changed = asyncio.Event()

    def bind(self, handover: Handover) -> None:
        """Take over the ids by which the backend marks this conversation's frames."""
        self.request_id = handover.request_id
        self.conversation_id = handover.conversation_id
        self.response_id = handover.response_id

    def owns(self, frame: Frame) -> bool:
        """Whether `frame` is one of this conversation's present turn (protocol notes, section 12)."""
        if frame.request_id:
            return frame.request_id == self.request_id
        named = bool(self.conversation_id and self.response_id)
        return named and (frame.conversation_id, frame.response_id) == (
            self.conversation_id,
            self.response_id,
        )

    def append(self, frame: Frame) -> None:
        """Take a frame of this conversation; none is taken after the end."""
        if self.ended:
            return
        self.frames += 1
        size = len(frame.body)
        too_much = self._size + size > self._budget.per_buffer or size > self._budget.left
        if too_much or frame.damaged:
            self.incomplete = True
        if frame.body and not self.incomplete:
            self._pieces.append(frame.body)
            self._size += size
            self._budget.left -= size
        self.ended = self._end.found(frame.body) or not frame.more
        self._changed.set()

    def lose_rest(self) -> None:
        """Note that pieces are missing behind those that are held."""
        if not self.ended:
            self.incomplete = True
            self._changed.set()

    def lose_all(self) -> None:
        """Note that pieces are missing before those that are held, and drop these."""
        self._empty()
        self.incomplete = True

    def fail(self, error: BaseException) -> None:
        """End it with an error, the first one given."""
        self._failure = self._failure or error
        self._changed.set()

    def raise_failure(self) -> None:
        """Raise the error that `fail` was given, if it was."""
        if self._failure is not None:
            raise self._failure

    def take_all(self) -> bytes:
        """All that is held, in one piece. Raises the error that `fail` was given."""
        self.raise_failure()
        data = b"".join(self._pieces)
        self._empty()
        self._changed.clear()
        return data

    def end(self) -> None:
        """End the stream, because another source has shown its end; what is held stays."""
        self.ended = True

    def close(self) -> None:
        """Drop what is held: the reader has left."""
        self.ended = True
        self._empty()

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until something has changed since `take_all`; false if nothing did within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _empty(self) -> None:
        self._pieces.clear()
        self._budget.left += self._size
        self._size = 0
