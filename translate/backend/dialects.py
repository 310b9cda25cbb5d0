"""The two ways in which a record says how the turn stands; both end at the one interpreter.

A reader has a fast road (:meth:`run`) for records that do nothing but lengthen the visible text, and
a slow one (:meth:`read`) for all others.
"""

from typing import Protocol

from translate.backend.delta import DELTA_FIELDS, DeltaMismatch, DeltaState
from translate.backend.fast_path import MAX_PASSED, Growth, Receiver, begins_with
from translate.backend.interpreter import Interpreter
from translate.backend.sse import Record, SseSplitter
from translate.text.escape import PASSABLE, unescaped
from translate.values import JsonObject, concatenate


class Reader(Protocol):
    """One dialect."""

    @property
    def armed(self) -> bool:
        """The fast road is open."""
        ...

    def run(self, sse: SseSplitter, to: Receiver) -> None:
        """Consume records as long as they merely lengthen the text."""
        ...

    def waits(self, sse: SseSplitter) -> bool:
        """After :meth:`run`: what is left is not whole, but looks like one for here."""
        ...

    def read(self, value: JsonObject, record: Record) -> None:
        """Take a record, parsed to ``value``."""
        ...

    def settle(self) -> None:
        """Tell the interpreter what the fast road has added."""
        ...


class SnapshotReader:
    """Each record is a whole envelope."""

    def __init__(self, interpreter: Interpreter, *, fast: bool) -> None:
        self._interpreter = interpreter
        self._fast = fast
        self._growth = Growth()

    @property
    def armed(self) -> bool:
        return self._growth.armed

    def run(self, sse: SseSplitter, to: Receiver) -> None:
        self._growth.run(sse, to)

    def waits(self, sse: SseSplitter) -> bool:
        return self._growth.waits(sse)

    def read(self, value: JsonObject, record: Record) -> None:
        self.settle()
        self._interpreter.envelope(value)
        message = self._interpreter.current
        if message is not None and self._fast:
            self._growth.arm(record.data, message.text)
        else:
            self._growth.armed = False

    def settle(self) -> None:
        if self._growth.grown:
            self._interpreter.catch_up(self._growth.disarm())


class DeltaReader:
    """Records change a tree; a bare ``{"v": "..."}`` appends to a text once that path has been set."""

    STARTS = (b'{"v": "', b'{"v":"')

    def __init__(self, interpreter: Interpreter, *, fast: bool) -> None:
        self._interpreter = interpreter
        self._fast = fast
        self._delta = DeltaState()
        self._start = self.STARTS[0]
        self._head = b""  # how the next bare append will begin, framed as the last append was
        self._pending = bytearray()  # escaped text that the tree does not have yet
        self.armed = False

    def run(self, sse: SseSplitter, to: Receiver) -> None:
        buffer, head, pos = sse.buffer, self._head, sse.pos
        transparent = to.transparent
        while buffer.startswith(head, pos):
            start = pos + len(head)
            end = buffer.find(b"\n\n", start)
            if end < 0:
                break
            piece = bytes(buffer[start:end]).rstrip(b" ")
            if not piece.endswith(b'"}'):
                break
            piece = piece[:-2]
            if not piece:
                pass
            elif transparent and len(piece) <= MAX_PASSED and PASSABLE.fullmatch(piece):
                to.passed(piece)
            else:
                try:
                    text = unescaped(piece)
                except ValueError:
                    break
                to.grew(text)
                transparent = to.transparent
            self._pending += piece
            pos = end + 2
            sse.pos = pos

    def waits(self, sse: SseSplitter) -> bool:
        return self.armed and begins_with(sse, self._head)

    def read(self, value: JsonObject, record: Record) -> None:
        self.settle()
        self.armed = False
        if DELTA_FIELDS.isdisjoint(value):
            self._interpreter.envelope(value)  # a snapshot among deltas
            return
        delta = self._delta
        try:
            delta.apply(value)
        except DeltaMismatch:
            self._interpreter.state.count_unknown("delta")
        if "message" in delta.tree:
            self._interpreter.envelope(delta.tree)
        message = self._interpreter.current
        # The text at the path must be all of the message's: it has no other parts, nothing was taken back.
        if self._fast and delta.op == "append" and message is not None and delta.text() == message.text:
            self._start = next((s for s in self.STARTS if record.data.startswith(s)), self._start)
            self._head = (b"event: %b\n" % record.event if record.event else b"") + b"data: " + self._start
            self.armed = True

    def settle(self) -> None:
        if not self._pending:
            return
        text = concatenate(self._delta.text() or "", unescaped(self._pending))
        self._pending.clear()
        self._delta.set_text(text)
        self._interpreter.catch_up(text)
