"""The text of an answer in order, on its way to the writer: stop sequences and pictures still to come."""

from collections import deque
from dataclasses import dataclass

from translate.backend.content import Asset
from translate.openai.chat import Writer
from translate.text.stop import StopFilter


@dataclass(frozen=True, slots=True)
class Picture:
    """A place in the text for a picture that must be fetched first."""

    asset: Asset


class Output:
    """Text goes through at once, or queues behind a picture until :meth:`supply`."""

    def __init__(self, writer: Writer, stop: StopFilter | None) -> None:
        self._writer = writer
        self._stop = stop
        self._queue: deque[str | Picture] = deque()

    @property
    def wanted(self) -> Picture | None:
        """The picture that everything waits for."""
        head = self._queue[0] if self._queue else None
        return head if isinstance(head, Picture) else None

    @property
    def transparent(self) -> bool:
        """Nothing queues and nothing looks at the text."""
        return self._stop is None and not self._queue

    @property
    def stopped(self) -> bool:
        """A stop sequence was met."""
        return self._stop is not None and self._stop.stopped

    @property
    def empty(self) -> bool:
        """No text yet."""
        return not self._queue and not self._writer.size

    @property
    def line_breaks(self) -> int:
        """How many line breaks the text so far ends with: 0, 1 or 2."""
        if not self._queue:
            return self._writer.line_breaks
        last = self._queue[-1]
        return 0 if isinstance(last, Picture) else min(2, len(last) - len(last.rstrip("\n")))

    def text(self, piece: str) -> None:
        """Add text."""
        if not piece:
            return
        if self._queue:
            self._queue.append(piece)
        else:
            self._write(piece)

    def reasoning(self, piece: str) -> None:
        """Add reasoning, which has a place of its own beside the text."""
        self._writer.reasoning(piece)

    def picture(self, asset: Asset) -> None:
        """Add a place for a picture."""
        self._queue.append(Picture(asset))

    def supply(self, piece: str) -> None:
        """What to show in the place of :attr:`wanted`; then what queued behind it."""
        self._queue.popleft()
        if piece:
            self._write(piece)
        while self._queue and isinstance(head := self._queue[0], str):
            self._queue.popleft()
            self._write(head)

    def release(self) -> None:
        """The answer is over: show what the stop filter held back."""
        if self._stop is not None and (held := self._stop.release()):
            self._writer.text(held)

    def _write(self, piece: str) -> None:
        if self._stop is not None:
            piece = self._stop.feed(piece)
        if piece:
            self._writer.text(piece)
