"""Who is next: one waiting queue per credential, first come, first served. Pure decisions, no I/O.

A ticket waits, then holds one of the slots, then is gone. `WaitingQueues.leave` ends it in either state, any
number of times, so whoever has joined can leave without knowing how far the ticket came. A slot that becomes
free goes to the first ticket of the queue in the same step, so nobody who comes later can take it. A queue
exists only while somebody waits or holds a slot.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

ASSUMED_TURN_SECONDS: Final = 10.0
"""How long a turn takes, while none has ended yet."""
NEWEST_WEIGHT: Final = 0.2
"""The weight of the last turn in the running mean of their times."""


class QueueFull(Exception):
    """Nobody can join this waiting queue now."""


@dataclass(eq=False, slots=True)
class Ticket:
    """A request that waits for a slot, or holds one.

    `queue` is the name of its waiting queue. `admit` is called once, when the slot is there. `joined` and
    `admitted` are times of the queues' clock, in seconds.
    """

    queue: str
    admit: Callable[[], None]
    joined: float
    admitted: float | None = None


@dataclass(slots=True)
class _WaitingQueue:
    slots: int
    turn_seconds: float
    waiting: deque[Ticket] = field(default_factory=deque)
    holding: set[Ticket] = field(default_factory=set)


class WaitingQueues:
    """All waiting queues, by name. `max_waiting` bounds each of them; `clock` gives seconds.

    `on_free` is told the name of a queue when a slot of it is free that nobody waits for.
    """

    def __init__(
        self, max_waiting: int, clock: Callable[[], float], on_free: Callable[[str], None] = lambda _: None
    ) -> None:
        self._max_waiting = max_waiting
        self._clock = clock
        self._on_free = on_free
        self._queues: dict[str, _WaitingQueue] = {}
        self.turn_seconds = ASSUMED_TURN_SECONDS
        """How long a turn takes, as far as recent ones show."""

    def __len__(self) -> int:
        """How many queues there are."""
        return len(self._queues)

    @property
    def waiting(self) -> int:
        """How many tickets wait, in all queues."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    def join(self, name: str, slots: int, admit: Callable[[], None]) -> Ticket:
        """Wait in the queue `name` for one of its `slots`; `admit` may be called before this returns.
        How many slots there are counts from now on for all who wait there.

        Raises:
            QueueFull: as many as allowed wait already.
        """
        queue = self._queues.get(name)
        if queue is None:
            queue = self._queues[name] = _WaitingQueue(slots, self.turn_seconds)
        queue.slots = slots
        if len(queue.holding) >= queue.slots and len(queue.waiting) >= self._max_waiting:
            raise QueueFull
        ticket = Ticket(name, admit, self._clock())
        queue.waiting.append(ticket)
        self._advance(queue)
        return ticket

    def take(self, name: str, slots: int) -> Ticket | None:
        """A slot of the queue `name`, if there is one at once; nobody who waits there is overtaken."""
        queue = self._queues.get(name)
        if queue is not None and (queue.waiting or len(queue.holding) >= slots):
            return None
        return self.join(name, slots, lambda: None)

    def holding(self, name: str) -> int:
        """How many tickets of the queue hold a slot."""
        queue = self._queues.get(name)
        return len(queue.holding) if queue is not None else 0

    def leave(self, ticket: Ticket, *, used: bool = True) -> None:
        """Give up the slot, which is the end of a turn if it was `used`, or the wait for it."""
        queue, freed = self._queues.get(ticket.queue), False
        if queue is None:
            return
        if ticket in queue.holding:
            queue.holding.discard(ticket)
            if used:
                self._record_turn_time(queue, ticket)
            self._advance(queue)
            freed = len(queue.holding) < queue.slots
        elif ticket in queue.waiting:
            queue.waiting.remove(ticket)
        if not queue.holding and not queue.waiting:
            del self._queues[ticket.queue]
        if freed:
            self._on_free(ticket.queue)

    def seconds_until_served(self, name: str) -> float:
        """How long a ticket that joins now would wait, estimated from how long recent turns took."""
        queue = self._queues.get(name)
        if queue is None or len(queue.holding) < queue.slots:
            return 0.0
        return (len(queue.waiting) + 1) * queue.turn_seconds / queue.slots

    def seconds_until_moved(self, name: str) -> float:
        """How long it takes until the queue has probably moved by one."""
        queue = self._queues.get(name)
        return queue.turn_seconds / queue.slots if queue else 0.0

    def _advance(self, queue: _WaitingQueue) -> None:
        while queue.waiting and len(queue.holding) < queue.slots:
            ticket = queue.waiting.popleft()
            ticket.admitted = self._clock()
            queue.holding.add(ticket)
            ticket.admit()

    def _record_turn_time(self, queue: _WaitingQueue, ticket: Ticket) -> None:
        if ticket.admitted is not None:
            seconds = max(0.0, self._clock() - ticket.admitted)
            queue.turn_seconds += NEWEST_WEIGHT * (seconds - queue.turn_seconds)
            self.turn_seconds += NEWEST_WEIGHT * (seconds - self.turn_seconds)
