"""One message at a time: the backend refuses a second one on the same account, so requests wait here.

Each credential has a waiting queue of its own (protocol notes, sections 14.1 and 15). How many messages may
be under way at once depends on the kind of its key: a share token or an access token stands for one account,
a pool token for several.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from accounts.credential import Caller, Credential, KeyKind, credential_for
from accounts.shared_slots import Lease, SharedSlots
from accounts.waiting_queues import QueueFull, Ticket, WaitingQueues
from runtime import BackgroundTasks
from translate.values import NotAdmitted

OnJoined = Callable[[Credential], None]


class QueueMetrics(Protocol):
    """Where waiting is counted."""

    def queued(self) -> None:
        """A request began to wait."""
        ...

    def dequeued(self, wait: float) -> None:
        """A request no longer waits, after `wait` seconds: it goes on, or gave up."""
        ...

    def rejected(self, reason: str) -> None:
        """A request was turned away."""
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """A slot that is held: the ticket of this instance's queue and, if slots are shared, the lease."""

    ticket: Ticket
    lease: Lease | None = None


class AccountQueue:
    """Gives each turn a slot of its credential.

    `slots` says how many messages may be under way at once by kind of key (see `KeyKind`), 0 for no limit.
    At most `max_waiting` requests wait for one credential, each for at most `max_wait` seconds. With `shared`
    the slots are those of all instances, and the first of the queue here waits for one of them.
    """

    def __init__(
        self,
        slots: Mapping[KeyKind, int],
        *,
        max_waiting: int,
        max_wait: float,
        metrics: QueueMetrics,
        shared: SharedSlots | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots = slots
        self._queues = WaitingQueues(max_waiting, clock)
        self._max_wait = max_wait
        self._metrics = metrics
        self._shared = shared
        self._clock = clock
        self._leaving = BackgroundTasks()

    def __len__(self) -> int:
        """How many credentials are in use."""
        return len(self._queues)

    @property
    def waiting(self) -> int:
        """How many requests wait, for all credentials together."""
        return self._queues.waiting

    def slot(self, caller: Caller) -> "Slot":
        """A slot for one turn of `caller`; acquire it, and release it in any case."""
        return Slot(caller, self._admit, self._release)

    async def close(self) -> None:
        """Give back what is still held."""
        await self._leaving.wait()
        if self._shared is not None:
            await self._shared.close()

    async def _admit(self, credential: Credential, on_joined: OnJoined) -> Admission | None:
        """Wait for a slot; None where there is no limit. Raises NotAdmitted."""
        slots = self._slots[credential.kind]
        if not slots:
            on_joined(credential)
            return None
        name, admitted, lease = credential.digest, asyncio.Event(), None
        try:
            ticket = self._queues.join(name, slots, admitted.set)
        except QueueFull:
            raise self._refusal(name, "Too many requests wait for this key already.") from None
        self._metrics.queued()
        try:
            on_joined(credential)
            async with asyncio.timeout(self._max_wait):
                await admitted.wait()
                if self._shared is not None:
                    lease = await self._shared.acquire(credential, slots)
        except TimeoutError:
            refusal = self._refusal(name, "The account of this key was busy for too long.")
            self._release(Admission(ticket, lease), 0.0)
            raise refusal from None
        except BaseException:
            self._release(Admission(ticket, lease), 0.0)
            raise
        finally:
            self._metrics.dequeued(self._clock() - ticket.joined)
        return Admission(ticket, lease)

    def _refusal(self, queue: str, reason: str) -> NotAdmitted:
        """The error, with the seconds after which a new request would be served within the longest wait."""
        self._metrics.rejected("queue")
        moved, served = self._queues.seconds_until_moved(queue), self._queues.seconds_until_served(queue)
        wait = max(moved, served - self._max_wait)
        return NotAdmitted(f"{reason} It answers one message at a time.", retry_after=wait)

    def _release(self, admission: Admission, after: float) -> None:
        if admission.lease is None and not after:
            self._queues.leave(admission.ticket)
        else:
            self._leaving.start(self._leave(admission, after))

    async def _leave(self, admission: Admission, after: float) -> None:
        try:
            await asyncio.sleep(after)
            if admission.lease is not None:
                await admission.lease.release()
        finally:
            self._queues.leave(admission.ticket)


class Slot:
    """One turn's place at an account. Release it only when nothing is under way at the backend any more.

    The credential is chosen where the slot is taken: see `credential_for`.
    """

    __slots__ = ("_admission", "_admit", "_caller", "_credential", "_release")

    def __init__(
        self,
        caller: Caller,
        admit: Callable[[Credential, OnJoined], Awaitable[Admission | None]],
        release: Callable[[Admission, float], None],
    ) -> None:
        self._caller = caller
        self._admit = admit
        self._release = release
        self._credential: Credential | None = None
        self._admission: Admission | None = None

    @property
    def credential(self) -> Credential:
        """What the backend is asked with. It is known once the slot was acquired, and after its release too.

        Raises:
            RuntimeError: the slot was never acquired.
        """
        if self._credential is None:
            raise RuntimeError("the slot was not acquired")
        return self._credential

    async def acquire(self, on_joined: OnJoined = lambda _: None) -> None:
        """Wait for the slot; when that fails or is cancelled, nothing is held.

        `on_joined` gets the credential once it is sure that the request may wait.

        Raises:
            NotAdmitted: the queue is full, or the wait took too long.
        """
        credential = credential_for(self._caller)
        self._admission = await self._admit(credential, on_joined)
        self._credential = credential

    def release(self, after: float = 0.0) -> None:
        """Give the slot to the next request, `after` seconds from now. Further calls do nothing."""
        admission, self._admission = self._admission, None
        if admission is not None:
            self._release(admission, after)
