"""One turn of a conversation: upstream bytes in, OpenAI bytes out.

    feed(chunk) -> bytes to write now         (until ``done``)
    eof()                                     (when the upstream's body has ended)
    finish() -> the last bytes                (``error`` is None), or
    the caller ends the answer with ``error``

Life of a turn: *waiting* (echoes only) -> ``answering`` (a message of the backend's own) -> ``done``,
reached by ``[DONE]``, by a stop sequence, by an error record or by nonsense; ``eof`` before that is a
truncated stream, unless the last message says that it ends the turn.
"""

from collections.abc import Sequence

import ujson

from translate.errors import ApiError, UpstreamFailed
from translate.growth import Growth
from translate.interpreter import Interpreter, Sent, TurnState, no_answer
from translate.render import Renderer
from translate.sse import MAX_RECORD_BYTES, Record, RecordTooLarge, SseSplitter
from translate.stop import StopFilter
from translate.upstream_errors import from_response
from translate.usage import Usage, estimate
from translate.writer import MAX_ANSWER_BYTES, Writer


class Turn:
    """See the module's text. ``sent`` are our own messages, in order, as they will be echoed."""

    def __init__(
        self,
        writer: Writer,
        sent: Sequence[Sent],
        *,
        stop: Sequence[str] = (),
        max_record_bytes: int = MAX_RECORD_BYTES,
        fast: bool = True,
    ) -> None:
        self.done = False
        self._writer = writer
        self._sent = sent
        self._stop = StopFilter(stop) if stop else None
        self._renderer = Renderer(writer, self._stop)
        self._interpreter = Interpreter(sent, self._renderer)
        self._sse = SseSplitter(max_record_bytes)
        self._growth = Growth()
        self._fast = fast
        self._error: ApiError | None = None

    @property
    def state(self) -> TurnState:
        """Conversation id, model slug and what else is known."""
        return self._interpreter.state

    @property
    def error(self) -> ApiError | None:
        """Why the turn failed, once it is done."""
        return self._error or self.state.error

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; give what can be written. Never raises, see ``error``."""
        sse, growth = self._sse, self._growth
        sse.push(chunk)
        try:
            while not self.done:
                if growth.armed and sse.at_boundary:
                    growth.run(sse, self)
                    if self._stopped():
                        break
                record = sse.next()
                if record is None:
                    break
                self._record(record)
        except RecordTooLarge:
            self._fail(UpstreamFailed("The backend sent a record beyond all measure.", should_retry=False))
        if self._writer.size > MAX_ANSWER_BYTES:
            self._fail(UpstreamFailed("The answer is too large to be passed on.", should_retry=False))
        return self._writer.take()

    def eof(self) -> None:
        """The upstream's body has ended. Afterwards ``done`` holds, and ``error`` if it was truncated."""
        if self.done:
            return
        try:
            if (record := self._sse.flush()) is not None:
                self._record(record)
        except RecordTooLarge:
            pass
        if self.done:
            return
        if self.state.end_turn:
            self._end()
        elif self.state.answering:
            self._fail(UpstreamFailed("The upstream connection ended in mid-answer.", should_retry=False))
        else:
            self._fail(UpstreamFailed("The backend closed the stream without an answer."))

    def finish(self) -> bytes:
        """The end of a good answer, with what was held back."""
        return self._writer.finish(self.state.finish_reason, self.usage())

    def usage(self) -> Usage:
        """Token counts, estimated."""
        prompt = sum(estimate(message.text) for message in self._sent)
        return Usage(prompt_tokens=prompt, completion_tokens=estimate(self._writer.answer))

    # What Growth needs of its receiver.

    @property
    def transparent(self) -> bool:
        message = self._interpreter.current
        return message is not None and not message.held and self._renderer.transparent(message)

    def passed(self, piece: bytes) -> None:
        self._writer.passed(piece)

    def grew(self, piece: str) -> None:
        self._interpreter.grow(piece)

    # Records that are read in full.

    def _record(self, record: Record) -> None:
        data = record.data.strip()
        if not data or record.event == b"ping":
            return
        if data == b"[DONE]":
            self._end()
            return
        if self._growth.grown:
            self._interpreter.catch_up(self._growth.disarm())
        try:
            value = ujson.loads(data)
        except ValueError:
            self.state.count_unknown("json")
            return
        if not isinstance(value, dict):
            self.state.count_unknown("record")
        elif "detail" in value and "message" not in value:
            self._fail(from_response(200, data))
        else:
            self._interpreter.envelope(value)
            if self.state.error is not None:
                self._fail(self.state.error)
            else:
                self._arm(data)

    def _arm(self, data: bytes) -> None:
        message = self._interpreter.current
        if self._stopped():
            return
        if message is not None and self._fast:
            self._growth.arm(data, message.text)
        elif self._growth.armed:
            self._growth.disarm()

    def _stopped(self) -> bool:
        if self._stop is not None and self._stop.stopped and not self.done:
            self.state.finish_reason = "stop"
            self.done = True
        return self.done

    def _end(self) -> None:
        self._interpreter.release()
        self._renderer.release()
        self.done = True
        if not self._writer.size and self.state.finish_reason != "content_filter":
            self._error = no_answer()

    def _fail(self, error: ApiError) -> None:
        self.done = True
        self._error = self._error or error
