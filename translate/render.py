"""Typed growth to the text that a person reads."""

from translate.interpreter import Message
from translate.stop import StopFilter
from translate.writer import Writer


class Renderer:
    """Shows messages one after the other, a blank line between them."""

    def __init__(self, writer: Writer, stop: StopFilter | None) -> None:
        self._writer = writer
        self._stop = stop
        self._message_id = ""

    def transparent(self, message: Message) -> bool:
        """Pieces of ``message`` may go to the writer unread: it is being shown and nothing looks at it."""
        return self._stop is None and self._message_id == message.id

    def prose(self, message: Message, piece: str) -> None:
        """Show ``piece`` of ``message``."""
        if self._message_id != message.id:
            if self._message_id and not self._writer.at_line_start:
                piece = "\n\n" + piece
            self._message_id = message.id
        self._write(piece)

    def release(self) -> None:
        """The answer is over: show what was held back."""
        if self._stop is not None:
            self._writer.text(self._stop.release())

    def _write(self, piece: str) -> None:
        if self._stop is not None:
            piece = self._stop.feed(piece)
        if piece:
            self._writer.text(piece)
