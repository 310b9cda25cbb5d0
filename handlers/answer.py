"""One answer to a chat request, streamed or whole.

The same dialogue serves both; only the writer differs, and that a stream commits its headers early
and is kept alive.
"""

from handlers.base import ApiHandler
from handlers.stream import ClientStream
from metrics import Outcome
from translate.openai.chat import StreamWriter, WholeWriter
from translate.values import ApiError, InternalError
from turns.failures import outcome_of
from turns.runner import Dialogue, Prepare


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
        try:
            if self._stream is None:
                await self._make_whole(prepare)
            else:
                await self._make_stream(prepare, self._stream)
        finally:
            if self._stream is not None:
                self._stream.close()

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
        if not self._gone:
            phase = "whole" if self._stream is None else "streaming" if self._stream.committed else "waiting"
            self._handler.service.metrics.disconnected(phase)
        self._gone = True
        self._dialogue.stop()

    async def _make_whole(self, prepare: Prepare) -> None:
        dialogue = self._dialogue
        await dialogue.run(prepare, self._emit)
        self._handler.charge(dialogue.units, dialogue.turn.usage)
        self._handler.outcome = self._outcome(dialogue.error)
        if self._gone:
            return
        if dialogue.error is not None:
            raise dialogue.error
        self._handler.send_json(dialogue.turn.finish())

    async def _make_stream(self, prepare: Prepare, stream: ClientStream) -> None:
        dialogue, bug = self._dialogue, None
        try:
            await dialogue.run(prepare, self._emit)
        except Exception as error:
            bug = error
        self._handler.completion_tokens = dialogue.completion_tokens
        await stream.quiet()
        self._handler.charge(dialogue.units, dialogue.turn.usage)
        if bug is not None and not stream.committed:
            raise bug
        if bug is not None:
            # Tornado would end the body as if all were well.
            self._handler.log_exception(type(bug), bug, bug.__traceback__)
            dialogue.error = self._handler.internal_error()
        self._handler.outcome = self._outcome(dialogue.error)
        if not self._gone:
            self._handler.failure = dialogue.error
            await self._end(stream, dialogue.error)

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
            rest = b"" if isinstance(error, InternalError) else turn.abandon()
            await stream.send(rest + self._writer.fail(error, note=note))
        if not stream.gone:
            self._handler.finish()

    def _outcome(self, error: ApiError | None) -> Outcome:
        if self._gone:
            return Outcome.CLIENT_GONE
        return Outcome.OK if error is None else outcome_of(error)
