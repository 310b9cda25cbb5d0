"""One answer to a chat request, streamed or whole.

The same dialogue serves both; only the writer differs, and that a stream commits its headers early
and is kept alive.
"""

from handlers.base import ApiHandler
from handlers.dialogue import Dialogue, Prepare
from handlers.failures import outcome_of
from handlers.stream import ClientStream
from metrics import Outcome
from translate.errors import ApiError
from translate.writer import StreamWriter, WholeWriter


class Answer:
    """Call :meth:`run` once; :meth:`client_gone` and :meth:`stop` may come at any time."""

    def __init__(self, handler: ApiHandler, dialogue: Dialogue, writer: StreamWriter | WholeWriter) -> None:
        self._handler = handler
        self._dialogue = dialogue
        self._writer = writer
        self._gone = False
        self._stream: ClientStream | None = None
        if isinstance(writer, StreamWriter):
            self._stream = ClientStream(handler, writer, self._abandon)

    async def run(self, prepare: Prepare) -> None:
        """Make the answer, to the last byte. Raises ApiError while nothing was sent."""
        dialogue, stream = self._dialogue, self._stream
        try:
            await dialogue.run(prepare, self._emit)
        finally:
            if stream is not None:
                await stream.quiet()
        error = dialogue.error
        self._handler.outcome = self._outcome(error)
        if self._gone:
            return
        if stream is None:
            if error is not None:
                raise error
            self._handler.send_json(dialogue.turn.finish())
        else:
            await self._end(stream, error)

    def client_gone(self) -> None:
        """The client left: what is still generated costs quota for nobody."""
        if self._stream is not None:
            self._stream.left()
        else:
            self._abandon()

    def stop(self, error: ApiError) -> None:
        """End the answer with ``error``."""
        self._dialogue.stop(error)

    def _abandon(self) -> None:
        self._gone = True
        self._dialogue.stop()

    async def _emit(self, out: bytes) -> None:
        stream, turn = self._stream, self._dialogue.turn
        if stream is None:
            return
        if stream.committed:
            if out:
                await stream.send(out)
        elif turn.error is None and (out or (turn.state.answering and not turn.done)):
            await stream.send(out)

    async def _end(self, stream: ClientStream, error: ApiError | None) -> None:
        turn = self._dialogue.turn
        if error is None:
            await stream.send(turn.finish())
        elif not stream.committed:
            raise error
        elif isinstance(self._writer, StreamWriter):
            note = self._handler.service.settings.error_note
            await stream.send(turn.abandon() + self._writer.fail(error, note=note))
        if not stream.gone:
            self._handler.finish()

    def _outcome(self, error: ApiError | None) -> Outcome:
        if self._gone:
            return Outcome.CLIENT_GONE
        return Outcome.OK if error is None else outcome_of(error)
