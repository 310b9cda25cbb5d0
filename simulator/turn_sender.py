"""Sends the steps of one turn on a wire: pace, pings and faults."""

import asyncio
from collections.abc import Iterable

from simulator.dialects import DeltaWriter, DeltaWriter2026, DialectWriter, Record, SnapshotWriter
from simulator.framing import StreamFramer
from simulator.live_turns import LiveWire
from simulator.messages import JsonObject
from simulator.refusals import REFUSALS, UNUSUAL_ACTIVITY
from simulator.state import ObservedStream
from simulator.turn import Turn
from simulator.turn_steps import AppendText, HandOff, Pause, SendRecord, TriggerFault, TurnStep
from simulator.wire import TrickleWire, Wire


class TurnBroken(Exception):
    """A fault ended the turn, and with `connection_lost` the connection too."""

    def __init__(self, *, connection_lost: bool = False) -> None:
        super().__init__(connection_lost)
        self.connection_lost = connection_lost


class TurnSender:
    """Sends one turn on `wire` and keeps `stream` up to date. Made and used on a running event loop."""

    def __init__(self, turn: Turn, wire: Wire, stream: ObservedStream) -> None:
        self._knobs = turn.knobs
        self._conversation = turn.conversation
        self._clock = turn.clock
        self._wire = wire
        self._live = wire if isinstance(wire, LiveWire) else None
        self._stream = stream
        self._writer = _dialect_writer(turn)
        self._framer = _framer(turn)
        self._time = asyncio.get_running_loop().time
        self._next_ping = self._time() + self._knobs.ping if self._knobs.ping else float("inf")
        self._due = 0.0
        """When the next record is to be sent, on the clock of the event loop."""
        self._cut_next = ""
        """The fault that cuts the next record: cut_character, cut_record or none."""
        self._damage_next = False

    async def send(self, steps: Iterable[TurnStep]) -> None:
        """Send all steps and the end of the stream; `stream.outcome` tells how it ended.

        Raises ConnectionError when the client is gone. To stop at any point, cancel the task.
        """
        self._stream.phase = "before_first_event"
        await self._wait(self._knobs.first_delay)
        self._due = self._time()
        try:
            for record in self._writer.opening():
                await self._send_record(record)
            for step in steps:
                await self._send_step(step)
            for record in self._writer.closing():
                await self._send_record(record)
            # A client that has read [DONE] may leave before the wire reports that it is sent.
            self._stream.outcome = "complete"
            await self._send_end()
            await self._wire.end_body()
        except TurnBroken as broken:
            self._stream.outcome = self._knobs.fault
            if not broken.connection_lost:
                await self._wire.end_body()
        self._conversation.update_time = self._clock()
        self._stream.phase = "over"

    async def _send_step(self, step: TurnStep) -> None:
        if isinstance(step, Pause):
            await self._wait(step.seconds)
            self._due = self._time()
        elif isinstance(step, TriggerFault):
            await self._apply_fault(step)
        elif isinstance(step, HandOff):
            await self._hand_off(step)
        else:
            before = self._conversation.message(step.message_id) if isinstance(step, AppendText) else None
            after = self._conversation.apply(step)
            for record in self._writer.write(step, before or after):
                await self._send_record(record)

    async def _send_record(self, record: Record) -> None:
        if self._knobs.pace and record.tokens:
            self._due += record.tokens / self._knobs.pace
            await self._wait(self._due - self._time())
        elif self._time() >= self._next_ping:
            await self._send_ping()
        data = self._framer.record_bytes(record)
        if self._live:
            self._live.turn.add(data.decode())
        if self._damage_next:
            self._damage_next = False
            data = b"\xff".join(data.rsplit(b"}", 1))
        if self._cut_next:
            await self._send_part(data)
        await self._send_bytes(data)
        self._stream.records += 1
        self._stream.phase = "streaming"

    async def _send_bytes(self, data: bytes) -> None:
        self._stream.bytes += len(data)
        await self._wire.send(data)

    async def _send_ping(self) -> None:
        self._next_ping += self._knobs.ping
        await self._send_bytes(self._framer.ping_bytes(self._clock()))

    async def _wait(self, seconds: float) -> None:
        """Sleep, with pings when they are due."""
        until = self._time() + seconds
        if seconds > 0:
            await self._wire.flush()
        while (now := self._time()) < until:
            await asyncio.sleep(min(until, self._next_ping) - now)
            if self._time() >= self._next_ping:
                await self._send_ping()
                await self._wire.flush()

    async def _hand_off(self, step: HandOff) -> None:
        """End the answer, if the turn can go on elsewhere; with `endless` it never ends there."""
        if self._live is None or not self._live.is_attached:
            return
        for part in step.records:
            for record in self._writer.write(part, None):
                await self._send_bytes(self._framer.record_bytes(record))
        await self._send_end()
        await self._leave(self._live)

    async def _leave(self, live: LiveWire) -> None:
        live.detach()
        if self._knobs.endless:
            await self._wait(float("inf"))

    async def _send_end(self) -> None:
        if self._knobs.empty:
            await self._send_bytes(self._framer.record_bytes(Record(())))
        if self._knobs.done:
            await self._send_bytes(self._framer.done_bytes(terminated=not self._knobs.unterminated))
        await self._wire.flush()

    async def _apply_fault(self, step: TriggerFault) -> None:
        """Do what the fault does from here on. Raises TurnBroken for those that end the turn."""
        action = step.fault.action
        if action in ("cut_character", "cut_record"):
            self._cut_next = action
        elif action == "damage_record":
            self._damage_next = True
        elif action == "drop" and self._wire.survives_disconnect:
            await self._wire.flush()
            self._wire.drop(reset=False)
            if self._live:
                await self._leave(self._live)
        elif action == "leave" and self._live:
            await self._wire.flush()
            await self._leave(self._live)
        elif action == "trickle":
            await self._wire.flush()
            self._wire = TrickleWire(self._wire)
        else:
            await self._wire.flush()
            await self._end_with_fault(action)

    async def _end_with_fault(self, action: str) -> None:
        if action in ("reset", "fin", "drop"):
            self._wire.drop(reset=action == "reset")
            raise TurnBroken(connection_lost=True)
        if action == "stall":
            self._stream.phase = "stalled"
            await asyncio.Event().wait()
        elif action == "only_pings":
            self._stream.phase = "stalled"
            await self._wait(float("inf"))
        elif action == "bare_json":
            await self._send_bytes(REFUSALS["unusual_activity"].body)
        elif action.startswith("error"):
            await self._send_error_record(action)
        if action in ("echo_only", "error_record", "error_object", "error_typed"):
            await self._send_end()
        await self._wire.flush()
        raise TurnBroken

    async def _send_error_record(self, action: str) -> None:
        """A record of the shapes in the protocol notes, section 14.2, and in the 2026 notes, section 2.2."""
        record = _error_record(action, self._conversation.id)
        if action == "error_root" and isinstance(self._writer, DeltaWriter2026):
            await self._send_record(self._writer.root_error(record))
            return
        for written in self._writer.write(SendRecord(record), None):
            await self._send_record(written)

    async def _send_part(self, data: bytes) -> None:
        """Send a record up to a point inside it, then FIN. Raises TurnBroken."""
        middle = len(data) // 2
        at = _offset_inside_a_character(data) if self._cut_next == "cut_character" else middle
        await self._send_bytes(data[: at or middle])
        await self._wire.flush()
        self._wire.drop(reset=False)
        raise TurnBroken(connection_lost=True)


def _error_record(action: str, conversation_id: str) -> JsonObject:
    if action == "error_typed":
        return {"type": "error", "message": UNUSUAL_ACTIVITY, "conversation_id": conversation_id}
    record: JsonObject = {"message": None, "conversation_id": conversation_id, "error": UNUSUAL_ACTIVITY}
    if action == "error_object":
        return record | {"error": {"message": UNUSUAL_ACTIVITY}}
    if action == "error_code":
        coded = {"error_code": "rate_limit_exceeded", "error_reason": "limit", "can_retry": True}
        return record | {"error": "You have hit your limit. Please try again later."} | coded
    if action == "error_root":
        coded = {"error_code": "conversation_too_large", "can_retry": False}
        return record | {"error": "This conversation is too long, please start a new one."} | coded
    return record


def _dialect_writer(turn: Turn) -> DialectWriter:
    knobs, conversation_id = turn.knobs, turn.conversation.id
    if turn.dialect == "delta" and turn.version.is_2026:
        loose = knobs.forms == "loose"
        return DeltaWriter2026(conversation_id, turn.version, escape=knobs.ascii, loose=loose)
    if turn.dialect == "delta":
        return DeltaWriter(conversation_id, turn.version, escape=knobs.ascii, surrogates=knobs.surrogates)
    return SnapshotWriter(conversation_id, turn.version, escape=knobs.ascii, fffd=knobs.fffd)


def _framer(turn: Turn) -> StreamFramer:
    knobs, version = turn.knobs, turn.version
    usual_padding = version.delta_padding if turn.dialect == "delta" else version.snapshot_padding
    return StreamFramer(
        knobs.newline,
        usual_padding if knobs.padding is None else knobs.padding,
        comments=knobs.comments,
        delays_line_end=knobs.unterminated and not knobs.done,
    )


def _offset_inside_a_character(data: bytes) -> int:
    """An offset within the last character of several bytes, raw or as an escape; 0 if there is none."""
    for index in range(len(data) - 1, 0, -1):
        if data[index] & 0xC0 == 0x80:
            return index
    escape = data.rfind(b"\\u")
    return escape + 4 if escape >= 0 else 0
