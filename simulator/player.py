"""Plays the steps of one turn over a wire: time, pings, faults."""

import asyncio
from collections.abc import Callable, Iterable

from simulator.conversations import Conversation
from simulator.dialects import Dialect, Frame
from simulator.framing import Framer
from simulator.knobs import Knobs
from simulator.refusals import REFUSALS, UNUSUAL_ACTIVITY
from simulator.state import StreamSeen
from simulator.steps import Break, Grow, Note, Pause, Step
from simulator.wire import Wire

_TRICKLE_SECONDS = 0.05


class TurnBroken(Exception):
    """A fault ended the turn, and perhaps the connection with it."""

    def __init__(self, *, connection_lost: bool = False) -> None:
        super().__init__(connection_lost)
        self.connection_lost = connection_lost


class Player:
    """Plays one turn. ``clock`` gives Unix seconds (for pings); waiting is done by the event loop."""

    def __init__(
        self,
        knobs: Knobs,
        dialect: Dialect,
        framer: Framer,
        wire: Wire,
        conversation: Conversation,
        seen: StreamSeen,
        clock: Callable[[], float],
    ) -> None:
        self._knobs = knobs
        self._dialect = dialect
        self._framer = framer
        self._wire = wire
        self._conversation = conversation
        self._seen = seen
        self._clock = clock
        self._time = asyncio.get_running_loop().time
        self._next_ping = self._time() + knobs.ping if knobs.ping else float("inf")
        self._due = 0.0
        self._tear_next = ""

    async def play(self, steps: Iterable[Step]) -> None:
        """Play all steps and the end. ``seen`` tells how it ended.

        Raises ConnectionError when the client is gone; cancel the task to stop at any point.
        """
        self._seen.phase = "before_first_event"
        await self._wait(self._knobs.first_delay)
        self._due = self._time()
        try:
            for frame in self._dialect.opening():
                await self._send(frame)
            for step in steps:
                await self._step(step)
            for frame in self._dialect.closing():
                await self._send(frame)
            # Who has read [DONE] may leave before we are told that it was sent.
            self._seen.outcome = "complete"
            await self._end()
            await self._wire.end()
        except TurnBroken as broken:
            self._seen.outcome = self._knobs.fault
            if not broken.connection_lost:
                await self._wire.end()
        self._conversation.update_time = self._clock()
        self._seen.phase = "over"

    async def _step(self, step: Step) -> None:
        if isinstance(step, Pause):
            await self._wait(step.seconds)
            self._due = self._time()
        elif isinstance(step, Break):
            await self._break(step)
        else:
            before = self._conversation.message(step.message_id) if isinstance(step, Grow) else None
            after = self._conversation.apply(step)
            for frame in self._dialect.write(step, before or after):
                await self._send(frame)

    async def _send(self, frame: Frame) -> None:
        if self._knobs.pace and frame.tokens:
            self._due += frame.tokens / self._knobs.pace
            await self._wait(self._due - self._time())
        elif self._time() >= self._next_ping:
            await self._ping()
        data = self._framer.record(frame)
        if self._tear_next:
            await self._tear(data)
        await self._put(data)
        self._seen.records += 1
        self._seen.phase = "streaming"

    async def _put(self, data: bytes) -> None:
        self._seen.bytes += len(data)
        await self._wire.send(data)

    async def _ping(self) -> None:
        self._next_ping += self._knobs.ping
        await self._put(self._framer.ping(self._clock()))

    async def _wait(self, seconds: float) -> None:
        """Sleep, with pings on their time."""
        until = self._time() + seconds
        if seconds > 0:
            await self._wire.flush()
        while (now := self._time()) < until:
            await asyncio.sleep(min(until, self._next_ping) - now)
            if self._time() >= self._next_ping:
                await self._ping()
                await self._wire.flush()

    async def _end(self) -> None:
        if self._knobs.empty:
            await self._put(self._framer.record(Frame(())))
        if self._knobs.done:
            await self._put(self._framer.last(terminated=not self._knobs.unterminated))
        await self._wire.flush()

    async def _break(self, step: Break) -> None:
        """What a fault does from here on; most end the turn."""
        action = step.fault.action
        if action in ("cut_character", "cut_record"):
            self._tear_next = action
        elif action == "drop" and self._wire.survives:
            await self._wire.flush()
            self._wire.cut(reset=False)
        elif action == "trickle":
            await self._wire.flush()
            self._wire.split(1)
            self._wire = _Trickle(self._wire)
        else:
            await self._wire.flush()
            await self._end_with(action)

    async def _end_with(self, action: str) -> None:
        if action in ("reset", "fin", "drop"):
            self._wire.cut(reset=action == "reset")
            raise TurnBroken(connection_lost=True)
        if action == "stall":
            self._seen.phase = "stalled"
            await asyncio.Event().wait()
        elif action == "only_pings":
            self._seen.phase = "stalled"
            await self._wait(float("inf"))
        elif action == "bare_json":
            await self._put(REFUSALS["unusual_activity"].body)
        elif action.startswith("error"):
            error = {"message": UNUSUAL_ACTIVITY} if action == "error_object" else UNUSUAL_ACTIVITY
            await self._note({"message": None, "conversation_id": self._conversation.id, "error": error})
        if action in ("echo_only", "error_record", "error_object"):
            await self._end()
        await self._wire.flush()
        raise TurnBroken

    async def _note(self, record: dict[str, object]) -> None:
        for frame in self._dialect.write(Note(record), None):
            await self._send(frame)

    async def _tear(self, data: bytes) -> None:
        """Send a record up to a point inside it, then FIN."""
        middle = len(data) // 2
        at = _inside_a_character(data) if self._tear_next == "cut_character" else middle
        await self._put(data[: at or middle])
        await self._wire.flush()
        self._wire.cut(reset=False)
        raise TurnBroken(connection_lost=True)


class _Trickle:
    """A wire on which each byte takes its time."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.survives = wire.survives
        self.flush = wire.flush
        self.end = wire.end
        self.split = wire.split
        self.cut = wire.cut

    async def send(self, data: bytes) -> None:
        """See `Wire`."""
        for index in range(len(data)):
            await asyncio.sleep(_TRICKLE_SECONDS)
            await self._wire.send(data[index : index + 1])


def _inside_a_character(data: bytes) -> int:
    """An offset within the last character of several bytes, raw or as an escape; 0 if there is none."""
    for index in range(len(data) - 1, 0, -1):
        if data[index] & 0xC0 == 0x80:
            return index
    escape = data.rfind(b"\\u")
    return escape + 4 if escape >= 0 else 0
