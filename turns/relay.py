"""An answer on its way: the backend's bytes to the conversation, its events by the format to the client."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, Protocol

from ledger import Charge
from recordings import Recording
from tracing import AttemptTrace
from translate import Conversation
from translate.values import (
    NEED_DATA,
    PAUSED,
    AnswerFormat,
    ApiError,
    Asset,
    Elsewhere,
    ExchangeEnded,
    Failed,
    Finished,
    GoesOn,
    Picture,
    PictureShown,
    PictureWanted,
    Refused,
    TextDelta,
    ToolCall,
    ToolCalled,
)
from turns.failures import TIMEOUTS, as_api_error
from upstream import Exchange, UpstreamError

LINGER_SECONDS: Final = 0.25
"""How long the backend may take to end its body after it said that it is done."""
BEHIND_BYTES: Final = 32 * 1024
"""So much comes at once only if this service is behind; what it adds is one write, so it may be one delta."""


class Client(Protocol):
    """Whoever gets the answer."""

    def deliver(self, out: bytes, *, begun: bool) -> Awaitable[None] | None:
        """Take what can be written, in order; `begun` says that the backend has begun to answer well.

        Nothing more is delivered before what is returned, if anything, is done.
        """
        ...

    async def quiet(self) -> None:
        """Nothing more is delivered; wait until all is written."""
        ...


class AnswerRelay:
    """Call `begin` for each exchange, `receive` for each piece of its stream, `end` when that has ended,
    unless the exchange was aborted.

    `fetch` gives the picture of an asset, or None; `recording` is told all that is read. The attributes say
    what has been passed on so far.
    """

    __slots__ = (
        "_charge",
        "_client",
        "_exchange",
        "_fetch",
        "_following",
        "_format",
        "_lingering",
        "_recording",
        "_trace",
        "calls",
        "conversation",
        "elsewhere",
        "ended",
        "failure",
        "pictures",
        "reason",
        "refusal",
        "well",
    )

    def __init__(
        self,
        conversation: Conversation,
        format: AnswerFormat,
        client: Client,
        fetch: Callable[[Asset], Awaitable[Picture | None]],
        recording: Recording | None = None,
    ) -> None:
        self.well = True
        """Nothing outside of the stream has ended the turn; only then may an answer begin."""
        self.ended = ExchangeEnded()
        """How the last exchange ended, if that was a good end."""
        self.failure: ApiError | None = None
        """The failure that the stream reported."""
        self.reason = "stop"
        """The finish reason, once the conversation has finished."""
        self.pictures = 0
        """How many pictures the answer shows."""
        self.calls: list[ToolCall] = []
        """The calls of the client's tools that it makes."""
        self.refusal = ""
        """The words with which the model has refused."""
        self.elsewhere: Elsewhere | None = None
        """Where the rest of the answer is, if the stream that has ended does not have it."""
        self.conversation = conversation
        self._format = format
        self._client = client
        self._fetch = fetch
        self._recording = recording
        self._exchange = Exchange()
        self._charge: Charge | None = None
        self._trace: AttemptTrace | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._following = False

    def begin(self, exchange: Exchange, charge: Charge, trace: AttemptTrace | None = None) -> None:
        """What comes now belongs to `exchange`; `charge` and `trace` learn when the answer begins."""
        self._exchange = exchange
        self._charge = charge
        self._trace = trace
        self.elsewhere = None
        self._following = False
        self._stop_lingering()  # of the exchange before, which has no end if it was aborted

    @property
    def done(self) -> bool:
        """Nothing more of the present stream is wanted."""
        return self.conversation.exchange_over or self.conversation.complete

    @property
    def at_work(self) -> bool:
        """The backend may still be at work."""
        return self.elsewhere is not None or not self.conversation.complete

    def go_on(self, *, fresh: bool) -> None:
        """The answer goes on in another stream, which with `fresh` repeats what has come."""
        self.elsewhere = None
        self._following = True
        if self._recording is not None:
            self._recording.go_on(fresh=fresh)
        self.conversation.continue_stream(fresh=fresh)

    def receive(self, data: bytes) -> Awaitable[None] | None:
        """Take a piece of the stream, cut anywhere; the client is ready for more once the result is done.

        The exchange is aborted once nothing more of it is wanted.
        """
        conversation = self.conversation
        if conversation.exchange_over:
            return None
        if self._recording is not None:
            self._recording.take(data)
        before = conversation.progress
        behind = len(data) >= BEHIND_BYTES or not self._format.streams
        conversation.receive_data(data, behind=behind)
        if (passing := self._pass_on()) is not None:
            return self._received_after(passing, before)
        self._received(before)
        return None

    async def end(self, lost: UpstreamError | None = None) -> None:
        """The stream has ended; `lost` says how it broke, None for a proper end."""
        self._stop_lingering()
        error = None if lost is None else as_api_error(lost)
        self.conversation.receive_eof(error, token=self._exchange.conduit)
        await self.pass_on()

    async def give_up(self, lost: UpstreamError) -> None:
        """The rest of the answer could not be followed to its end, for this reason."""
        await self.end(lost)
        if self.elsewhere is not None:
            self.conversation.give_up(timed_out=isinstance(lost, TIMEOUTS))
            await self.pass_on()

    async def leave(self) -> None:
        """The rest of the answer is not waited for."""
        self.conversation.leave()
        await self.pass_on()

    async def pass_on(self) -> None:
        """Take all events that there are, and deliver what they write."""
        if (passing := self._pass_on()) is not None:
            await passing

    def _pass_on(self) -> Awaitable[None] | None:
        out, wanted = self._take_events()
        if wanted is None:
            return self._client.deliver(out, begun=self._has_begun(out))
        return self._pass_on_with_pictures(out, wanted)

    async def _pass_on_with_pictures(self, out: bytes, wanted: Asset | None) -> None:
        while wanted is not None:
            begun = self._has_begun(out)
            if out and (delivering := self._client.deliver(out, begun=begun)) is not None:
                await delivering
            self.conversation.supply(await self._fetch(wanted))
            out, wanted = self._take_events()
        if (delivering := self._client.deliver(out, begun=self._has_begun(out))) is not None:
            await delivering

    def _take_events(self) -> tuple[bytes, Asset | None]:
        """What the events write, up to the first picture that has to be fetched, and that picture."""
        conversation, out = self.conversation, b""
        while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
            out += self._format.encode(event)
            match event:
                case TextDelta():
                    pass  # nearly all events
                case PictureWanted(asset):
                    return out, asset
                case PictureShown():
                    self.pictures += 1
                case ToolCalled(call):
                    self.calls.append(call)
                case Refused(text):
                    self.refusal = text
                case ExchangeEnded():
                    self.ended = event
                case GoesOn(elsewhere):
                    token = elsewhere.token or self._exchange.conduit
                    self.elsewhere = replace(elsewhere, token=token)
                case Finished(reason):
                    self.reason = reason
                case Failed(error):
                    self.failure = error
        return out, None

    async def _received_after(self, passing: Awaitable[None], before: int) -> None:
        await passing
        self._received(before)

    def _received(self, before: int) -> None:
        """What was received has been passed on; `before` it, the conversation had come so far."""
        conversation, exchange = self.conversation, self._exchange
        if conversation.progress != before:
            exchange.progressed()
        if conversation.complete:
            if self._lingering is None and (conversation.exchange_over or not self._following):
                end = exchange.abort if conversation.exchange_over else exchange.leave
                self._lingering = asyncio.get_running_loop().call_later(LINGER_SECONDS, end)
        elif conversation.exchange_over:
            exchange.abort()

    def _stop_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None

    def _has_begun(self, out: bytes) -> bool:
        """Whether the answer has begun well, so that a stream may be opened."""
        conversation, charge = self.conversation, self._charge
        answering = conversation.facts.answering
        if answering and charge is not None and not charge.answering:
            charge.answer_began()
            if self._trace is not None:
                self._trace.answer_began()
        good = self.well and self.failure is None
        return good and (bool(out) or (answering and not conversation.exchange_over))
