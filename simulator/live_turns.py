"""Turns of 2026 while they run and some time after: what was sent, for those who follow them elsewhere.

A turn is kept as its records, in order. The answer to POST conversation is one reader of it, the user's
socket, the resume endpoint and polling are others (protocol notes, section 20.7).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from simulator.exchange import Exchange
from simulator.knobs import Knobs
from simulator.wire import HttpWire

MAX_LIVE_TURNS = 500
MAX_STORED_CHARACTERS = 32 * 1024 * 1024


class LiveTurn:
    """The records of one turn of the account `key`, each as text with its line ends.

    `task` sends the turn, and cancelling it stops the turn. `size` is that of the records, in characters.
    """

    def __init__(self, exchange: Exchange, conversation_id: str, key: str, knobs: Knobs) -> None:
        self.exchange = exchange
        self.conversation_id = conversation_id
        self.key = key
        self.knobs = knobs
        self.records: list[str] = []
        self.size = 0
        self.over = asyncio.Event()
        self.failed = False
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def is_over(self) -> bool:
        """Whether all records are there."""
        return self.over.is_set()

    def add(self, record: str) -> None:
        """One more record."""
        self.records.append(record)
        self.size += len(record)
        self._wake()

    def finish(self, *, failed: bool) -> None:
        """The turn is over."""
        self.failed = failed
        self.over.set()
        self._wake()

    async def follow(self, start: int) -> AsyncIterator[str]:
        """The records from number `start` on, as they come, to the end of the turn."""
        index = start
        while True:
            while index < len(self.records):
                yield self.records[index]
                index += 1
            if self.is_over:
                return
            await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class LiveTurns:
    """All live turns, the oldest first; of those that are over the oldest are dropped beyond either limit."""

    def __init__(self, max_turns: int = MAX_LIVE_TURNS, max_characters: int = MAX_STORED_CHARACTERS) -> None:
        self._max_turns = max_turns
        self._max_characters = max_characters
        self._by_id: dict[str, LiveTurn] = {}

    def add(self, turn: LiveTurn) -> None:
        """Keep a turn."""
        self._by_id[turn.exchange.id] = turn
        stored = sum(each.size for each in self._by_id.values())
        for old in [each for each in self._by_id.values() if each.is_over]:
            if len(self._by_id) <= self._max_turns and stored <= self._max_characters:
                break
            stored -= old.size
            del self._by_id[old.exchange.id]

    def of_topic(self, key: str, topic_id: str) -> LiveTurn | None:
        """The turn of a topic of the user's socket; None if the account has none of that name."""
        turn = self._by_id.get(topic_id.removeprefix("conversation-turn-"))
        return turn if turn and turn.key == key else None

    def latest(self, conversation_id: str) -> LiveTurn | None:
        """The last turn of a conversation, None without one."""
        found = [turn for turn in self._by_id.values() if turn.conversation_id == conversation_id]
        return found[-1] if found else None

    def is_running(self, conversation_id: str) -> bool:
        """Whether a turn of the conversation is not over."""
        latest = self.latest(conversation_id)
        return latest is not None and not latest.is_over


class LiveWire:
    """The answer that shows a live turn, until it is handed off or dropped; the turn goes on without it.

    `outlives`: so it does when the client leaves.
    """

    survives_disconnect = True

    def __init__(self, http: HttpWire, turn: LiveTurn, *, outlives: bool) -> None:
        self.turn = turn
        self.detached = asyncio.Event()
        self._http = http
        self._outlives = outlives

    @property
    def is_attached(self) -> bool:
        """Whether the answer still shows the turn."""
        return not self.detached.is_set()

    def detach(self) -> None:
        """From here on the turn goes on elsewhere."""
        self.detached.set()

    async def send(self, data: bytes) -> None:
        """See `Wire`."""
        await self._while_attached(self._http.send, data)

    async def flush(self) -> None:
        """See `Wire`."""
        await self._while_attached(self._http.flush)

    def limit_writes(self, size: int) -> None:
        """See `Wire`."""
        self._http.limit_writes(size)

    async def end_body(self) -> None:
        """See `Wire`."""
        await self._http.end_body()

    def drop(self, *, reset: bool) -> None:
        """See `Wire`."""
        if self.is_attached:
            self._http.drop(reset=reset)
            self.detach()

    async def _while_attached(self, work: Callable[..., Awaitable[None]], *data: bytes) -> None:
        if not self.is_attached:
            return
        try:
            await work(*data)
        except ConnectionError:
            if not self._outlives:
                raise
            self.detach()
