"""One turn of a conversation: upstream bytes in, OpenAI bytes out.

    feed(chunk) -> bytes to write now      until ``done`` or ``wanted``
    supply(address) -> bytes               for each ``wanted`` picture, then feed(b"") or more
    eof()                                  when the upstream's body has ended
    follow_up()                            whether the turn needs another exchange; then resume()
    close(), then count()                  the text is whole, and its tokens can be counted
    finish() -> the last bytes             if ``error`` is None, else
    abandon() -> bytes                     before the caller writes its error

Life of a turn: *waiting* (echoes only) -> ``state.answering`` (a message of the backend's own) ->
``done``, reached by ``[DONE]``, by a stop sequence, by an error record or by nonsense; ``eof`` before
that is a truncated stream, unless the last message says that it ends the turn.
"""

from collections.abc import Sequence

import ujson

from translate.backend.content import Asset
from translate.backend.delta import DELTA_FIELDS
from translate.backend.dialects import DeltaReader, Reader, SnapshotReader
from translate.backend.errors import error_from_response
from translate.backend.interpreter import Confirmation, Interpreter, Sent, TurnState
from translate.backend.sse import MAX_RECORD_BYTES, Record, RecordTooLarge, SseSplitter, unglued
from translate.openai.chat import MAX_ANSWER_BYTES, Writer
from translate.text.citations import Shown
from translate.text.output import Output
from translate.text.render import Links, Renderer
from translate.text.stop import StopFilter
from translate.values import ApiError, CountTokens, JsonObject, Style, UpstreamFailed, Usage, usage_of


class Cut:
    """The answer was cut by length and can be continued."""


class Turn:
    """See the module's text. ``sent`` are our own messages, in order, as they will be echoed.

    With ``reasoning`` the model's thoughts are written too, beside the answer and never in it.
    """

    def __init__(
        self,
        writer: Writer,
        sent: Sequence[Sent] = (),
        *,
        stop: Sequence[str] = (),
        style: Style = Style.WEB,
        links: Links | None = None,
        reasoning: bool = False,
        max_record_bytes: int = MAX_RECORD_BYTES,
        fast: bool = True,
    ) -> None:
        self.done = False
        self._records = 0
        self.error: ApiError | None = None
        """Why the turn failed, once it is done."""
        self.complete = False
        """The backend has said that it is done; before that, it may still be at work."""
        self.usage = Usage(1, 1)
        """Token counts, once they are counted."""
        self._writer = writer
        self._prompt = sent
        self._output = Output(writer, StopFilter(stop) if stop else None)
        self._renderer = Renderer(self._output, style, links, reasoning=reasoning)
        self._interpreter = Interpreter(sent, self._renderer)
        self._max_record_bytes = max_record_bytes
        self._sse = SseSplitter(max_record_bytes)
        self._fast = fast
        self._reader: Reader = SnapshotReader(self._interpreter, fast=fast)

    def expect(self, sent: Sequence[Sent]) -> None:
        """Before the first byte: what was sent after all, where it was not known at the beginning."""
        self._prompt = sent
        self._interpreter.begin(sent)

    @property
    def state(self) -> TurnState:
        """Conversation id, model slug and what else is known."""
        return self._interpreter.state

    @property
    def progress(self) -> int:
        """Grows with all that the backend says, pings apart."""
        return self._records + self._writer.size

    @property
    def wanted(self) -> Asset | None:
        """A picture that must be fetched before anything more can be shown."""
        picture = self._output.wanted
        return picture.asset if picture else None

    @property
    def cited(self) -> Sequence[Shown]:
        """Citations shown so far, in order."""
        return self._renderer.cited

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes as they came; give what can be written. Never raises, see ``error``."""
        sse = self._sse
        sse.push(chunk)
        try:
            while not self.done and self._output.wanted is None:
                if self._reader.armed and sse.at_boundary:
                    self._reader.run(sse, self)
                    if self._stopped() or self._reader.waits(sse):
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

    def supply(self, address: str | None) -> bytes:
        """Where the ``wanted`` picture is to be found, or None if it could not be had."""
        if (asset := self.wanted) is None:
            return b""
        self._output.supply(
            "[an image could not be fetched]" if address is None else self._renderer.markdown(asset, address)
        )
        self._stopped()
        return self._writer.take()

    def note(self, text: str) -> None:
        """Add words of this service to the answer, as a paragraph."""
        self._renderer.note(text)

    def eof(self) -> None:
        """The upstream's body has ended. Afterwards ``done`` holds, and ``error`` if it was truncated."""
        if self.done:
            return
        try:
            while not self.done and (record := self._sse.next() or self._sse.flush()) is not None:
                self._record(record)
        except RecordTooLarge:
            pass
        if self.done:
            return
        if self.state.end_turn or self.state.stream_complete or self.state.confirmation is not None:
            self._end()
        elif self.state.answering:
            self._fail(UpstreamFailed("The upstream connection ended in mid-answer.", should_retry=False))
        else:
            self._fail(UpstreamFailed("The backend closed the stream without an answer."))

    def follow_up(self) -> Confirmation | Cut | None:
        """After a good end: what the backend waits for, if anything."""
        state = self.state
        if not self.done or self.error is not None or self._output.stopped or not state.conversation_id:
            return None
        if state.confirmation is not None:
            return state.confirmation
        return Cut() if state.finish_reason == "length" and state.last_message_id else None

    def resume(self, sent: Sequence[Sent], *, seamless: bool) -> None:
        """Another stream of the same turn begins; ``seamless`` if its text goes on in mid-sentence."""
        self.done = self.complete = False
        self.error = None
        self._sse = SseSplitter(self._max_record_bytes)
        self._reader = SnapshotReader(self._interpreter, fast=self._fast)
        self._interpreter.begin(sent)
        if seamless:
            self._renderer.continue_seamlessly()

    def close(self) -> None:
        """The answer is over, well or not; nothing is held back any more."""
        self._renderer.close()

    @property
    def size(self) -> int:
        """Characters that :meth:`count` has to count, about."""
        return sum(len(message.text) for message in self._prompt) + self._writer.size

    def count(self, count_tokens: CountTokens) -> None:
        """Set ``usage``. May be called in another thread, since nothing changes a closed turn's text."""
        prompt, pictures = self._prompt, sum(message.picture_tokens for message in self._prompt)
        texts = [message.text for message in prompt]
        self.usage = usage_of(texts, pictures, self._writer.answer, count_tokens)

    def finish(self) -> bytes:
        """The end of a good answer, with what was held back."""
        self._renderer.close()
        return self._writer.finish(self.state.finish_reason, self.usage, self.cited)

    def abandon(self) -> bytes:
        """After a failure from outside: what still must be written so that no fence stays open."""
        self._renderer.close()
        return self._writer.take()

    # What the fast road needs of its receiver.

    @property
    def transparent(self) -> bool:
        message = self._interpreter.current
        return message is not None and not message.held and self._renderer.transparent(message)

    def passed(self, piece: bytes) -> None:
        self._writer.passed(piece)

    def grew(self, piece: str) -> None:
        self._catch_up_unread()
        self._interpreter.grow(piece)

    # Records that are read in full.

    def _record(self, record: Record) -> None:
        data = record.data.strip()
        if not data or record.event == b"ping":
            return
        self._records += 1
        if data == b"[DONE]":
            self.complete = True
            self._end()
            return
        try:
            value = ujson.loads(data)
        except ValueError:
            self._glued(Record(record.event, data))
            return
        if isinstance(value, dict):
            self._object(value, Record(record.event, data))
        elif record.event == b"delta_encoding" and value == "v1":
            self._catch_up_unread()
            self._reader.settle()
            self._reader = DeltaReader(self._interpreter, fast=self._fast)
        else:
            self.state.count_unknown("record")

    def _glued(self, record: Record) -> None:
        """What is no JSON may be several records on one line."""
        payloads = unglued(record.data)
        if len(payloads) < 2:
            self.state.count_unknown("json")
        for data in payloads if len(payloads) > 1 else ():
            if not self.done:
                self._record(Record(record.event, data))

    def _object(self, value: JsonObject, record: Record) -> None:
        self._catch_up_unread()
        if "message" in value or not DELTA_FIELDS.isdisjoint(value):
            self._reader.read(value, record)
        elif "detail" in value:
            self._fail(error_from_response(200, record.data))
        else:
            self._interpreter.aside(value)
        if self.state.error is not None:
            self._fail(self.state.error)
        self._stopped()

    def _catch_up_unread(self) -> None:
        """Tell the renderer how much text went past it; its marks are counted in characters."""
        if unread := self._writer.unread():
            self._renderer.skip(unread)

    def _stopped(self) -> bool:
        if self._output.stopped and not self.done:
            self.state.finish_reason = "stop"
            self.done = True
        return self.done

    def _end(self) -> None:
        self._catch_up_unread()
        self._reader.settle()
        self._interpreter.release()
        self.done = True
        state = self.state
        silent = not self._renderer.began and not self._interpreter.pictures
        if silent and state.finish_reason != "content_filter" and state.confirmation is None:
            self.error = UpstreamFailed("The backend ended the turn without an answer.", should_retry=False)

    def _fail(self, error: ApiError) -> None:
        self.done = True
        self._renderer.close()
        self.error = self.error or error
