"""The open connections of clients: how many there are, and which one can be spared."""

import asyncio
import math
from collections.abc import Callable, Iterator

from front.client_stream import ClientStream
from front.departures import Departures
from front.fault_log import log_fault
from front.times import ConnectionTimes
from metrics import ClosedConnection, Metrics, ProtocolFault


class Connections:
    """At most `limit` connections. `on_room` is called when there may be room again.

    While there is no room, the client from which something has been awaited longest gives way to a new one.
    """

    def __init__(
        self,
        limit: int,
        times: ConnectionTimes,
        metrics: Metrics,
        departures: Departures,
        on_room: Callable[[], None],
    ) -> None:
        self._limit = limit
        self._times = times
        self._metrics = metrics
        self._departures = departures
        self._on_room = on_room
        self._open: set[ClientStream] = set()
        self._ends_at = math.inf
        self._waiting: dict[ClientStream, float] = {}
        """Those whose client has to send something, and the time of its last byte; the oldest comes first."""
        self._loop = asyncio.get_running_loop()
        self.all_sent = self._loop.create_future()
        """See `Owner`."""
        self.all_sent.set_result(None)

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def __iter__(self) -> Iterator[ClientStream]:
        """All of them."""
        return iter(list(self._open))

    @property
    def full(self) -> bool:
        """No further one may be opened."""
        return len(self._open) >= self._limit

    def opened(self, stream: ClientStream) -> None:
        """It was accepted."""
        self._open.add(stream)
        self._metrics.connection_accepted()

    def make_room(self) -> bool:
        """Close the connection that can best be spared; return whether there was one."""
        now = self._loop.time()
        for stream, since in self._waiting.items():
            if now - since < self._times.spared:
                return False
            if not stream.has_begun or now - since >= self._times.stalled:
                stream.shed(ClosedConnection.CROWDED)
                return True
        return False

    @property
    def ending(self) -> bool:
        """See `Owner`."""
        return self._loop.time() >= self._ends_at

    def end(self) -> None:
        """Answer each once more at most, from now on."""
        self._ends_at = self._loop.time()

    def close_quiet(self, most: int, *, at_once: bool = False) -> int:
        """Close those whose client may ask once more and has not done so for `ConnectionTimes.last`; with
        `at_once` all whose client says nothing. Return how many: `most`, if there may be others.

        A request that is on its way to a connection that is closed is lost, and its client may not dare to
        send it again.
        """
        too_late = self._loop.time() - (0.0 if at_once else self._times.last)
        closed = 0
        for stream, since in list(self._waiting.items()):
            if closed == most or max(since, self._ends_at) > too_late:
                break
            if stream.is_quiet:
                stream.shed(ClosedConnection.IDLE if stream.served else ClosedConnection.SILENT)
                closed += 1
        return closed

    def waits(self, stream: ClientStream) -> None:
        """See `Owner`."""
        self._waiting.pop(stream, None)
        self._waiting[stream] = self._loop.time()

    def complete(self, stream: ClientStream) -> None:
        """See `Owner`."""
        self._waiting.pop(stream, None)

    def closed(self, stream: ClientStream) -> None:
        """See `Owner`."""
        self._waiting.pop(stream, None)
        self._departures.forget(stream)
        self._open.discard(stream)
        self._metrics.connection_ended()
        self._on_room()

    def useless(self, reason: ClosedConnection) -> None:
        """See `Owner`."""
        self._metrics.connection_given_up(reason)

    def fault(self, fault: ProtocolFault, *, answered: bool) -> bytes:
        """See `Owner`."""
        self._metrics.protocol_fault(fault)
        return log_fault(fault, answered=answered)
