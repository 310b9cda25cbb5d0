"""Who is next: one waiting line per key, first come, first served. Pure decisions, no I/O.

A ticket waits, then holds one of the key's places, then is gone; :meth:`Lines.leave` ends it in either
state, any number of times, so whoever joined can leave without knowing how far it came. A place that
becomes free goes to the first in line in the same step: nobody who comes later can take it, and a line
exists only while somebody waits or holds a place.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

ASSUMED_TURN_SECONDS = 10.0
"""How long a turn takes, while none has ended yet."""
NEWEST_WEIGHT = 0.2
"""Of the last turn in the running mean."""


class LineFull(Exception):
    """Nobody can join this line now."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One who waits for a place, or has one. ``admit`` is called once, when the place is there."""

    key: str
    admit: Callable[[], None]
    joined: float
    admitted: float | None = None


@dataclass(slots=True)
class _Line:
    places: int
    turn_seconds: float
    waiting: deque[Ticket] = field(default_factory=deque)
    holding: set[Ticket] = field(default_factory=set)


class Lines:
    """The lines of all keys; ``max_waiting`` bounds each. ``clock`` gives seconds."""

    def __init__(self, max_waiting: int, clock: Callable[[], float]) -> None:
        self._max_waiting = max_waiting
        self._clock = clock
        self._lines: dict[str, _Line] = {}
        self._turn_seconds = ASSUMED_TURN_SECONDS

    def __len__(self) -> int:
        """How many keys have a line."""
        return len(self._lines)

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return sum(len(line.waiting) for line in self._lines.values())

    def join(self, key: str, places: int, admit: Callable[[], None]) -> Ticket:
        """Stand in line for one of the key's ``places``; ``admit`` may be called at once. Raises LineFull."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(places, self._turn_seconds)
        if len(line.holding) >= line.places and len(line.waiting) >= self._max_waiting:
            raise LineFull
        ticket = Ticket(key, admit, self._clock())
        line.waiting.append(ticket)
        self._advance(line)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Give up the place, or the wait for it."""
        line = self._lines.get(ticket.key)
        if line is None:
            return
        if ticket in line.holding:
            line.holding.discard(ticket)
            self._learn(line, ticket)
            self._advance(line)
        elif ticket in line.waiting:
            line.waiting.remove(ticket)
        if not line.holding and not line.waiting:
            del self._lines[ticket.key]

    def until_served(self, key: str) -> float:
        """Seconds that one who joined now would wait, judging by how long recent turns took."""
        line = self._lines.get(key)
        if line is None or len(line.holding) < line.places:
            return 0.0
        return (len(line.waiting) + 1) * line.turn_seconds / line.places

    def until_moved(self, key: str) -> float:
        """Seconds until the line has probably moved by one."""
        line = self._lines.get(key)
        return line.turn_seconds / line.places if line else 0.0

    def _advance(self, line: _Line) -> None:
        while line.waiting and len(line.holding) < line.places:
            ticket = line.waiting.popleft()
            ticket.admitted = self._clock()
            line.holding.add(ticket)
            ticket.admit()

    def _learn(self, line: _Line, ticket: Ticket) -> None:
        if ticket.admitted is not None:
            seconds = max(0.0, self._clock() - ticket.admitted)
            line.turn_seconds += NEWEST_WEIGHT * (seconds - line.turn_seconds)
            self._turn_seconds += NEWEST_WEIGHT * (seconds - self._turn_seconds)
