"""One answer to a request, in any format, streamed or whole: the HTTP side of a turn."""

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from access import KeyVerdict
from activity import EndedRequest, RunningRequest
from catalogue import CallerModels
from handlers.base import ApiHandler
from handlers.body import AnyBody, BodyHandler
from handlers.client_connection import ClientConnection, StreamTiming
from handlers.client_states import ClientState
from handlers.continuing import Lasting
from handlers.emulation import Emulation
from logs import Failure
from metrics import Outcome
from runtime import HeldBytes
from translate.values import AnswerFormat, ApiError, Forbidden, Model, NotFound, Unauthorized
from turns import Runner, RunningAnswers, TurnFactory, TurnOutcome

PUBLIC_NAME: Final = re.compile(
    r"(?:chatgpt|claude|dall-e|deepseek|gemini|gemma|glm|gpt|grok|kimi|llama|mistral|o[1-9]|qwen)"
    r"[0-9a-z]{0,4}(?:[-.:][0-9a-z]{1,12}){0,6}"
)
"""Names like those of models that are known everywhere. Any other may be a key or words in the wrong place:
where there is no such model, only a name like these is shown.
"""


class Answer:
    """Call `run` once; `client_gone` and `stop` may come at any time. It is the turn's client.

    With `fails_within` a stream tells itself of each failure of what was spent, or may have been, though
    nothing of it was written yet. With `tells_units` a comment before its last events has what it has cost.
    """

    __slots__ = ("_connection", "_fails_within", "_format", "_handler", "_runner", "_tells_units")

    def __init__(
        self,
        handler: ApiHandler,
        runner: Runner,
        format: AnswerFormat,
        timing: StreamTiming,
        *,
        fails_within: bool = False,
        tells_units: bool = False,
    ) -> None:
        self._fails_within = fails_within and format.streams
        self._tells_units = tells_units
        self._handler = handler
        self._runner = runner
        self._format = format
        self._connection = ClientConnection(handler, format, timing, self._left)

    async def run(self) -> None:
        """Make the answer, to the last byte. Raises ApiError, or a bug of ours, while nothing was sent."""
        self._connection.start()
        try:
            await self._respond(await self._runner.run(self))
        finally:
            self._connection.close()
            del self._connection  # which refers back to this answer

    def client_gone(self) -> None:
        """The client left: end the answer, since the rest would cost quota for nothing."""
        self._connection.left()

    def stop(self, error: ApiError) -> None:
        """End the answer with `error`."""
        self._runner.stop(error)

    def deliver(self, out: bytes, *, begun: bool) -> Awaitable[None] | None:
        """See `Client`."""
        connection = self._connection
        if not self._format.streams or connection.state is ClientState.GONE:
            return None
        if connection.state is ClientState.STREAMING:
            if not out:
                return None
        elif begun:
            self._handler.answered_by = self._runner.answered_by  # for the headers, which are sent now
        else:
            return None
        if self._handler.ttft is None and self._runner.has_text:
            self._handler.ttft = time.monotonic() - self._handler.started
        return connection.begin_send(out)

    async def quiet(self) -> None:
        """See `Client`."""
        await self._connection.quiet()

    def _left(self, before: ClientState) -> None:
        if before is not ClientState.GONE:
            phase = "waiting" if before is ClientState.PENDING else "streaming"
            self._handler.common.metrics.disconnected(phase if self._format.streams else "whole")
        self._runner.stop()

    async def _respond(self, outcome: TurnOutcome) -> None:
        """Tell the client how it ended, once that is decided."""
        handler, state = self._handler, self._connection.state
        handler.record_turn(outcome)
        handler.answered_by = outcome.answered_by
        error = outcome.error
        if outcome.bug is not None:
            if state is ClientState.PENDING:
                raise outcome.bug
            # If it were raised here, Tornado would end the body as if it were complete.
            handler.log_exception(type(outcome.bug), outcome.bug, outcome.bug.__traceback__)
            error = handler.internal_error()
        if state is ClientState.GONE:
            return
        handler.failure = error
        within = self._fails_within and outcome.spent
        if error is not None and state is ClientState.PENDING and not within:
            handler.send_api_error(error, None if self._format.streams else self._format.fail(error))
        elif error is not None:
            await self._end(self._format.fail(error), outcome.units)
        elif outcome.end is not None:
            await self._end(self._format.finish(outcome.end), outcome.units)

    async def _end(self, last: bytes, units: int) -> None:
        """Send what is left, after what it has cost."""
        if not self._format.streams:
            self._handler.send_body(last)
            return
        if self._tells_units:
            last = b": units=%d\n\n" % units + last
        await self._connection.send(last)
        if self._connection.state is not ClientState.GONE:
            self._handler.finish()


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """What handlers of answers work with: models, turns, the answers in flight, the timing of streams, what
    asks for tools and forms, and what finds conversations that last, None where each request begins a new
    one.
    """

    models: CallerModels
    turns: TurnFactory
    running: RunningAnswers
    timing: StreamTiming
    emulation: Emulation
    lasting: Lasting | None


class AnswerHandler(BodyHandler[AnyBody]):
    """A handler whose response is an answer made by a turn."""

    parts: AnswerParts
    """Set by `initialize` of the handler."""
    fails_within = False
    tells_units = False
    """Both: see `Answer`."""
    _answer: Answer | None = None
    _held: HeldBytes | None = None
    """What holds bytes of the response."""

    def prepare(self) -> None:
        """Look at the headers."""
        super().prepare()
        if self.wanted:
            self.parts.turns.expect()

    async def resolve(self, name: str) -> Model:
        """The model that `name` means to the caller.

        The first request of a key may have to wait a moment for what the backend lists for it. Raises
        ApiError: there is no such model, or the key is not let through to the backend.
        """
        try:
            return await self._known(name)
        except NotFound:
            self.asked_model = name if PUBLIC_NAME.fullmatch(name) else ""
            raise

    async def _known(self, name: str) -> Model:
        models = self.parts.models
        if not models.waits_for_list(self.caller, name):
            return models.resolve(self.caller, name)
        with self.let_in(self.caller) as visit:
            listed = await models.wait_for_list(self.caller)
            try:
                return models.resolve(self.caller, name)
            except NotFound:
                # Nothing is posted that would show what the key is worth, and the backend was asked.
                visit.verdict = KeyVerdict.NOTHING if listed else KeyVerdict.DOUBTFUL
                raise

    async def respond(self, runner: Runner, format: AnswerFormat) -> None:
        """Answer with what `runner` makes. Raises ApiError while nothing was sent."""
        within, units = self.fails_within, self.tells_units
        timing = self.parts.timing
        self._answer = Answer(self, runner, format, timing, fails_within=within, tells_units=units)
        if self.client_left:
            self._answer.client_gone()
        try:
            with (
                self.let_in(self.caller) as visit,
                self.parts.running.admit(self._answer, self.route),
                self.common.activity.runs(self._as_running(), runner),
            ):
                try:
                    await self._answer.run()
                finally:
                    if self.turn is not None:
                        visit.verdict = key_verdict(self.turn, has_text=runner.has_text)
        finally:
            self._answer = None
            if format.streams:
                self._release()  # all is written

    def record_turn(self, turn: TurnOutcome) -> None:
        """See `ApiHandler`."""
        super().record_turn(turn)
        metrics, waits = self.common.metrics, turn.waits
        overhead = max(0.0, self.since_whole - waits.slot - waits.backend)
        metrics.turn(self.route, overhead=overhead, backend=waits.backend)
        if turn.good and turn.end is not None:
            metrics.answered(self.model_name, turn.end.reason)

    def show_end(self, outcome: Outcome, duration: float, failure: Failure | None) -> None:
        """See `ApiHandler`."""
        if self.request.method != "POST":
            return
        turn, end = self.turn, self.turn.end if self.turn is not None else None
        ended = EndedRequest(
            request=self._as_running(),
            status=self.get_status(),
            outcome=outcome,
            duration=duration,
            ttft=self.ttft,
            account=turn.account if turn is not None else "",
            answered_by=turn.answered_by if turn is not None else "",
            finish_reason=end.reason if end is not None and outcome is Outcome.OK else "",
            prompt_tokens=turn.usage.prompt_tokens if turn is not None else 0,
            completion_tokens=turn.usage.completion_tokens if turn is not None else 0,
            units=turn.units if turn is not None else 0,
            failure=failure,
        )
        self.common.activity.ended(ended)

    def hold(self) -> HeldBytes:
        """What the bytes of the response are held with, until it is written or the client is gone."""
        self._held = self.common.room.hold()
        if self.client_left:
            self._held.release()
        return self._held

    def send_body(self, body: bytes) -> "asyncio.Future[None]":
        """See `ApiHandler`."""
        written = super().send_body(body)
        if (held := self._held) is not None:
            written.add_done_callback(lambda _: held.release())
        return written

    def cut_off(self) -> None:
        """Close the connection at once."""
        super().cut_off()
        self._release()

    def on_connection_close(self) -> None:
        """The client left; Tornado calls this once."""
        super().on_connection_close()
        if self._answer is not None:
            self._answer.client_gone()
        self._release()

    def _as_running(self) -> RunningRequest:
        began = time.time() - (time.monotonic() - self.started)
        model = self.model_name or self.asked_model
        return RunningRequest(self.request_id, began, self.route, model, self.key_name, self.side)

    def _release(self) -> None:
        if self._held is not None:
            self._held.release()


def key_verdict(turn: TurnOutcome, *, has_text: bool) -> KeyVerdict:
    """What a turn has shown of the key that it was asked with; `has_text`: some of the answer came."""
    if turn.outcome is Outcome.OK or has_text:
        return KeyVerdict.ACCEPTED
    if isinstance(turn.error, Unauthorized):
        return KeyVerdict.REFUSED
    doubtful = turn.units > 0 or isinstance(turn.error, Forbidden)
    return KeyVerdict.DOUBTFUL if doubtful else KeyVerdict.NOTHING
