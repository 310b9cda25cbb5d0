"""Plays streams through one conversation and one format, as the service does, without the service."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from translate import Conversation
from translate.values import (
    NEED_DATA,
    PAUSED,
    AnswerEnd,
    AnswerFormat,
    ApiError,
    Asset,
    Elsewhere,
    Event,
    ExchangeEnded,
    Failed,
    Finished,
    GoesOn,
    Picture,
    PictureWanted,
    SentMessage,
    Usage,
)

Fetch = Callable[[Asset], str | None]
Follow = Callable[[Elsewhere], tuple[bool, Iterable[bytes]] | None]
"""The stream that brings the rest of an answer, and whether it begins anew; None where nobody follows."""
MAX_PICTURES = 10_000


def address(asset: Asset) -> str:
    """Where a picture is to be found once it was fetched."""
    return f"https://files.example/{asset.file_id}.png"


def nowhere(_elsewhere: Elsewhere) -> None:
    """Follows no turn."""


class Player:
    """Give it streams with `play`, and end with `close`; `out` is what a client gets."""

    def __init__(
        self,
        conversation: Conversation,
        format: AnswerFormat,
        fetch: Fetch = address,
        follow: Follow = nowhere,
        *,
        behind: bool = False,
    ) -> None:
        self._behind = behind
        self.conversation = conversation
        self.events: list[Event] = []
        self.out = format.open()
        self.ended: ExchangeEnded | None = None
        """How the last exchange ended, if it ended well."""
        self.error: ApiError | None = None
        self._format = format
        self.elsewhere: Elsewhere | None = None
        """Where the answer goes on."""
        self._fetch = fetch
        self._follow = follow

    def play(self, chunks: Iterable[bytes]) -> bytes:
        """Feed one stream, to its end or to that of the exchange; returns what it adds to `out`."""
        return b"".join(self.play_piecewise(chunks))

    def play_piecewise(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The same, piece by piece: what can be written after each chunk."""
        self.ended = self.elsewhere = None
        yield from self._feed(chunks)
        while (elsewhere := self.elsewhere) is not None:
            self.elsewhere, followed = None, self._follow(elsewhere)
            if followed is None:
                self.conversation.give_up()
                yield self.drain()
            else:
                fresh, rest = followed
                self.conversation.continue_stream(fresh=fresh)
                yield from self._feed(rest)
        assert self.conversation.exchange_over

    def _feed(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """One stream, to its end, or to that of the exchange."""
        for chunk in chunks:
            self.conversation.receive_data(chunk, behind=self._behind)
            yield self.drain()
            if self.conversation.exchange_over or self.elsewhere is not None:
                return
        self.conversation.receive_eof()
        yield self.drain()

    def go_on(self, sent: Sequence[SentMessage]) -> None:
        """Begin the next exchange, which the last one must ask for."""
        assert self.ended is not None, "the turn does not know that it can go on"
        assert self.ended.cut or self.ended.confirmation is not None
        self.conversation.start_next_exchange(sent, seamless=self.ended.cut)

    def close(self, usage: Usage | None = None) -> bytes:
        """End the answer as it stands; returns what that adds to `out`."""
        before = len(self.out)
        if self.error is None:
            self.conversation.conclude()
            self.drain()
            reason = next(event.reason for event in reversed(self.events) if isinstance(event, Finished))
            conversation = self.conversation
            end = AnswerEnd(reason, usage or Usage(1, 1), conversation.answer, conversation.citations)
            self.out += self._format.finish(end)
        else:
            self.out += self._format.fail(self.error)
        return self.out[before:]

    def drain(self) -> bytes:
        """Take all events, fetching pictures on the way."""
        out = b""
        while True:
            event = self.conversation.next_event()
            if event is NEED_DATA or event is PAUSED:
                self.out += out
                return out
            assert not isinstance(event, type(NEED_DATA))
            self.events.append(event)
            out += self._format.encode(event)
            if isinstance(event, PictureWanted):
                assert len(self.events) < MAX_PICTURES, "pictures without end"
                found = self._fetch(event.asset)
                self.conversation.supply(None if found is None else Picture(found))
            elif isinstance(event, ExchangeEnded):
                self.ended = event
            elif isinstance(event, GoesOn):
                self.elsewhere = event.elsewhere
            elif isinstance(event, Failed):
                self.error = event.error
