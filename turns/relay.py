"""What a conversation says, on its way to the client: events to the format, bytes to the client."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from ledger import Charge
from translate import Conversation
from translate.values import (
    NEED_DATA,
    PAUSED,
    AnswerFormat,
    ApiError,
    Asset,
    ExchangeEnded,
    Failed,
    Finished,
    Picture,
    PictureShown,
    PictureWanted,
    TextDelta,
)


class Client(Protocol):
    """Whoever gets the answer."""

    async def deliver(self, out: bytes, *, begun: bool) -> None:
        """Take what can be written, in order; `begun` says that the backend has begun to answer well."""
        ...

    async def quiet(self) -> None:
        """Nothing more is delivered; wait until all is written."""
        ...


class AnswerRelay:
    """Call `pass_on` after each piece that `conversation` has received, and after each end.

    `fetch` gives the picture of an asset, or None. The attributes say what has been passed on so far.
    """

    def __init__(
        self,
        conversation: Conversation,
        format: AnswerFormat,
        client: Client,
        fetch: Callable[[Asset], Awaitable[Picture | None]],
    ) -> None:
        self.charge: Charge | None = None
        """That of the present exchange; it learns when the answer begins."""
        self.ended = ExchangeEnded()
        """How the last exchange ended, if that was a good end."""
        self.failure: ApiError | None = None
        """The failure that the stream reported."""
        self.reason = "stop"
        """The finish reason, once the conversation has finished."""
        self.pictures = 0
        """How many pictures the answer shows."""
        self.conversation = conversation
        self._format = format
        self._client = client
        self._fetch = fetch

    async def pass_on(self, *, well: bool = True) -> None:
        """Take all events that there are, and deliver what they write. `well` is false after a failure."""
        conversation, out = self.conversation, b""
        while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
            out += self._format.encode(event)
            match event:
                case TextDelta():
                    pass  # nearly all events
                case PictureWanted(asset):
                    begun = self._has_begun(out, well)
                    if out:
                        await self._client.deliver(out, begun=begun)
                        out = b""
                    conversation.supply(await self._fetch(asset))
                case PictureShown():
                    self.pictures += 1
                case ExchangeEnded():
                    self.ended = event
                case Finished(reason):
                    self.reason = reason
                case Failed(error):
                    self.failure = error
        await self._client.deliver(out, begun=self._has_begun(out, well))

    def _has_begun(self, out: bytes, well: bool) -> bool:
        """Whether the answer has begun well, so that a stream may be opened."""
        conversation, charge = self.conversation, self.charge
        answering = conversation.facts.answering
        if answering and charge is not None and not charge.answering:
            charge.answer_began()
        good = well and self.failure is None
        return good and (bool(out) or (answering and not conversation.exchange_over))
