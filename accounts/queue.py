"""One message at a time: the backend refuses a second one on the same account, so requests wait here.

Each credential, and each account of the operator's, has a waiting queue of its own (protocol notes, sections
14.1 and 15). How many messages may be under way at once depends on the kind of its key: a share token or an
access token stands for one account, a pool token for several.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from accounts.account import Account
from accounts.credential import Credential, KeyKind
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
class Held:
    """A place in use: the ticket of this instance's queue and, if slots are shared, the lease."""

    ticket: Ticket
    lease: Lease | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """A message may go out: with this credential, on this account of the operator's if it is one of them.

    `held` is what is held meanwhile, None where there is no limit.
    """

    credential: Credential
    account: Account | None = None
    held: Held | None = None


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
        self._queues = WaitingQueues(max_waiting, clock, lambda name: self.on_free(name))
        self.max_waiting = max_waiting
        self.max_wait = max_wait
        self._metrics = metrics
        self._shared = shared
        self._clock = clock
        self._leaving = BackgroundTasks()
        self.on_free: Callable[[str], None] = lambda _: None
        """Is told the name of a queue when a slot of it is free that nobody here waits for."""

    def __len__(self) -> int:
        """How many credentials are in use."""
        return len(self._queues)

    @property
    def waiting(self) -> int:
        """How many requests wait, for all credentials together."""
        return self._queues.waiting

    @property
    def turn_seconds(self) -> float:
        """How long a turn takes, as far as recent ones of all keys show."""
        return self._queues.turn_seconds

    def slots_of(self, credential: Credential) -> int:
        """How many messages may be under way at once with this kind of key; 0 for no limit."""
        return self._slots[credential.kind]

    async def admit(self, name: str, credential: Credential, on_joined: OnJoined, slots: int) -> Admission:
        """Wait in the queue `name` for one of its `slots`, 0 for no limit. Raises NotAdmitted."""
        if not slots:
            on_joined(credential)
            return Admission(credential)
        admitted, lease = asyncio.Event(), None
        try:
            ticket = self._queues.join(name, slots, admitted.set)
        except QueueFull:
            raise self._refusal(name, "Too many requests wait for this key already.") from None
        self._metrics.queued()
        try:
            on_joined(credential)
            async with asyncio.timeout(self.max_wait):
                await admitted.wait()
                if self._shared is not None:
                    lease = await self._shared.acquire(name, slots)
        except TimeoutError:
            refusal = self._refusal(name, "The account of this key was busy for too long.")
            self.give_back(Held(ticket, lease), 0.0)
            raise refusal from None
        except BaseException:
            self.give_back(Held(ticket, lease), 0.0)
            raise
        finally:
            self._metrics.dequeued(self._clock() - ticket.joined)
        return Admission(credential, None, Held(ticket, lease))

    def take(self, name: str, slots: int) -> Ticket | None:
        """A slot of the queue `name` here, if one is free at once; see `share` and `give_back`."""
        return self._queues.take(name, slots)

    def leave(self, ticket: Ticket) -> None:
        """Give back a slot that was taken here, and not used."""
        self._queues.leave(ticket, used=False)

    async def share(self, ticket: Ticket, slots: int) -> Held:
        """Make a slot of ours one among all instances. Raises SlotTaken: another instance has it."""
        lease = await self._shared.take(ticket.queue, slots) if self._shared is not None else None
        return Held(ticket, lease)

    def in_use(self, name: str) -> int:
        """How many slots of the queue `name` are held here."""
        return self._queues.holding(name)

    def release(self, admission: Admission, after: float) -> None:
        """Give the place to the next request, `after` seconds from now."""
        if admission.held is not None:
            self.give_back(admission.held, after)

    async def close(self) -> None:
        """Give back what is still held."""
        await self._leaving.wait()
        if self._shared is not None:
            await self._shared.close()

    def _refusal(self, queue: str, reason: str) -> NotAdmitted:
        """The error, with the seconds after which a new request would be served within the longest wait."""
        self._metrics.rejected("queue")
        moved, served = self._queues.seconds_until_moved(queue), self._queues.seconds_until_served(queue)
        wait = max(moved, served - self.max_wait)
        return NotAdmitted(f"{reason} It answers one message at a time.", retry_after=wait)

    def give_back(self, held: Held, after: float = 0.0) -> None:
        """Let the next one have it, `after` seconds from now."""
        if held.lease is None and not after:
            self._queues.leave(held.ticket)
        else:
            self._leaving.start(self._leave(held, after))

    async def _leave(self, held: Held, after: float) -> None:
        try:
            await asyncio.sleep(after)
            if held.lease is not None:
                await held.lease.release()
        finally:
            self._queues.leave(held.ticket)


class Slot:
    """One turn's place at an account. Release it only when nothing is under way at the backend any more.

    `admit` waits for it, and says with which credential; `release` gives it back.
    """

    __slots__ = ("_admission", "_admit", "_held", "_release")

    def __init__(
        self,
        admit: Callable[[OnJoined], Awaitable[Admission]],
        release: Callable[[Admission, float], None],
    ) -> None:
        self._admit = admit
        self._release = release
        self._admission: Admission | None = None
        self._held = False

    @property
    def credential(self) -> Credential:
        """What the backend is asked with. It is known once the slot was acquired, and after its release too.

        Raises:
            RuntimeError: the slot was never acquired.
        """
        if self._admission is None:
            raise RuntimeError("the slot was not acquired")
        return self._admission.credential

    @property
    def account(self) -> Account | None:
        """The account of the operator's; None before the slot was acquired, and for a key of the caller's."""
        return None if self._admission is None else self._admission.account

    @property
    def home(self) -> str:
        """What names the account wherever something of it is kept: its alias, or the digest of the caller's
        key.
        """
        return self.credential.digest if self.account is None else self.account.alias

    async def acquire(self, on_joined: OnJoined = lambda _: None) -> None:
        """Wait for the slot; when that fails or is cancelled, nothing is held.

        `on_joined` gets the credential once it is sure that the request may wait, or later.

        Raises:
            ApiError: `NotAdmitted` if the queue is full, or the wait took too long.
        """
        self._admission = await self._admit(on_joined)
        self._held = True

    def release(self, after: float = 0.0) -> None:
        """Give the slot to the next request, `after` seconds from now. Further calls do nothing."""
        held, self._held = self._held, False
        if held and self._admission is not None:
            self._release(self._admission, after)
