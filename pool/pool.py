"""Gives each turn an account: one that can take it and is free, else the first that becomes so.

Requests wait for all accounts of their key together, in the order in which they came: an account that becomes
free goes to the first one that it can serve. To whom it goes is decided in one step, without waiting; only
then is it asked of the other instances, if there are any.
"""

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from typing import Final, Protocol

from accounts import (
    Account,
    AccountQueue,
    Admission,
    Caller,
    Credential,
    Grant,
    Need,
    OnJoined,
    QueueMetrics,
    Slot,
    SlotTaken,
    Ticket,
)
from pool.candidate import Candidate, Obstacle, Policy
from pool.choice import Refusal, choose, refusal
from pool.refusal import REJECTIONS, refusal_error, revoked
from pool.rotation import Rotation
from pool.survey import Sources, survey
from roster import Roster
from translate.values import ApiError, HomeUnavailable

UNLIMITED: Final = 1 << 30
"""Messages at once of an account without a limit."""
LOOK_SECONDS: Final = 0.1
"""How often somebody looks, while requests wait, whether more accounts are able again; and for how long an
account counts as in use that another instance was faster to take."""
RESTING_SECONDS: Final = 30.0
"""How long a request waits for an account that rests: longer waits are told, since nobody sees that one."""
HOME_SECONDS: Final = 5.0
"""How long a conversation waits for its own account to be able again; then it begins anew on another one."""
AGAIN_SECONDS: Final = 2.0
"""When to try again after each account has failed once in a turn, though some are able again by now."""
MAX_CALLERS: Final = 10_000
"""How many callers are remembered with the account that they had last."""
MAX_CREDENTIALS: Final = 10_000
"""Credentials that are known to be, or to have been, those of accounts; the earliest are forgotten."""
ANYTHING: Final = Need()


async def no_wait() -> None:
    """All that can be known is known."""


class CurrentRoster(Protocol):
    """The accounts and keys that there are now."""

    @property
    def current(self) -> Roster:
        """The accounts, in the order of the file, and the keys."""
        ...

    def grant_of(self, caller: Caller) -> Grant | None:
        """What the caller's key may do now, None if it is no key of this service any more."""
        ...


@dataclass(eq=False, slots=True)
class _Waiter:
    """A request that waits for an account; `number` is its place among all. `grant` is what its key may do by
    now. `given` is done with the account and the ticket of its queue.
    """

    number: int
    caller: Caller
    grant: Grant
    need: Need
    avoid: frozenset[str]
    until: float
    given: asyncio.Future[tuple[Account, Credential, Ticket]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True)
class _Outlook:
    """What those who wait for the same see: their `candidates`, and which of these are `free`. With `hope`
    one of them is able, and merely in use.
    """

    candidates: list[Candidate]
    free: list[Candidate]
    hope: bool


_Surveyed = dict[tuple[Need, str], Candidate]
"""What was found out of accounts in one step, by need and alias, so that it is asked once."""


class Pool:
    """One per service; a `Lender` too.

    `roster` gives the accounts of now. `queue` has the slots of all keys; `metrics` counts who waits. `ready`
    waits until enough is known of the accounts to choose among them. Where nothing else makes a difference,
    an instance with a `salt` of its own begins with another account than those with which it shares them;
    with 0 it begins with the first of the file. `clock` gives Unix seconds, `monotonic` seconds that never
    jump.
    """

    def __init__(
        self,
        roster: CurrentRoster,
        queue: AccountQueue,
        sources: Sources,
        policy: Policy,
        metrics: QueueMetrics,
        *,
        ready: Callable[[], Awaitable[None]] = no_wait,
        salt: int = 0,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._roster = roster
        self._queue = queue
        self._sources = sources
        self._policy = policy
        self._metrics = metrics
        self._ready = ready
        self._salt = 0 if policy is Policy.FILL else salt
        self._clock = clock
        self._monotonic = monotonic
        self._waiters: list[_Waiter] = []
        self._noted: Roster | None = None
        self._places: dict[str, tuple[int, Account]] = {}
        """The accounts of `_noted` with their places in the file, by alias."""
        self._owners: OrderedDict[str, str] = OrderedDict()
        """Accounts by the digests of present and earlier credentials."""
        self._numbers = itertools.count()
        self._used: dict[str, float] = {}
        self._rotation = Rotation()
        self._elsewhere: dict[str, float] = {}
        self._last: OrderedDict[str, str] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        queue.on_free = self._freed
        self._note_roster()

    def __len__(self) -> int:
        """How many requests wait for an account."""
        return len(self._waiters)

    def slot(self, caller: Caller, need: Need, avoid: frozenset[str] = frozenset()) -> Slot:
        """A slot for one turn of `caller`; acquire it, and release it in any case.

        For a key of this service none of the accounts `avoid` is taken. To acquire it raises an ApiError:
        `HomeUnavailable` if the account that has the conversation cannot take the turn, else the one that
        `check` would raise.
        """
        if caller.grant is None:
            return Slot(partial(self._admit_own, caller.own), self._queue.release)
        return Slot(partial(self._admit, caller, caller.grant, need, avoid), self._queue.release)

    def check(self, caller: Caller, need: Need) -> None:
        """Raise an ApiError if no account of the caller's key will be able to take the turn in time."""
        if caller.grant is not None:
            candidates = self._candidates(caller.grant, need)
            if self._hopeless(candidates, self._queue.max_wait):
                raise self._refusal(candidates)

    def has_other(self, caller: Caller, need: Need, avoid: frozenset[str]) -> bool:
        """Whether another account than those could take the turn, now or once it is free."""
        if caller.grant is None:
            return False
        candidates = self._candidates(caller.grant, need)
        return any(not found.obstacle for found in candidates if found.alias not in avoid)

    def credential(self, caller: Caller) -> Credential:
        """See `Lender`."""
        if caller.grant is None:
            return caller.own
        accounts = self._accounts(caller.grant)
        candidates = self._candidates(caller.grant, ANYTHING)
        at_rest = [candidate for candidate in candidates if not candidate.obstacle]
        for candidate in sorted(at_rest, key=lambda candidate: not candidate.free):
            for account in accounts:
                if account.alias == candidate.alias and account.credential is not None:
                    return account.credential
        raise self._refusal(candidates)

    def credentials(self, caller: Caller) -> tuple[Credential, ...]:
        """See `Lender`."""
        if caller.grant is None:
            return (caller.own,)
        accounts = self._accounts(caller.grant)
        able = {found.alias for found in self._candidates(caller.grant, ANYTHING) if not found.obstacle}
        accounts = sorted(accounts, key=lambda account: account.alias not in able)
        return tuple(account.credential for account in accounts if account.credential is not None)

    def in_use(self, account: Account) -> int:
        """How many messages are under way on the account, from here."""
        return self._queue.in_use(queue_name(account))

    def changed(self) -> None:
        """Something was learned of the accounts: somebody who waits may go on, or wait in vain."""
        self._give()

    async def _admit_own(self, credential: Credential, on_joined: OnJoined) -> Admission:
        """Wait for a slot of the caller's own key, which may be that of an account of the operator's."""
        self._note_roster()
        name, slots = credential.digest, self._queue.slots_of(credential)
        account = self._roster.current.account(self._owners.get(name, ""))
        if account is not None:
            name, slots = queue_name(account), self._slots(account, credential)
        return await self._queue.admit(name, credential, on_joined, slots)

    async def _admit(
        self, caller: Caller, grant: Grant, need: Need, avoid: frozenset[str], on_joined: OnJoined
    ) -> Admission:
        """Wait for an account. Raises ApiError."""
        await self._ready()
        began = self._monotonic()
        waiter = _Waiter(next(self._numbers), caller, grant, need, avoid, began + self._queue.max_wait)
        self._metrics.queued()
        try:
            async with asyncio.timeout(self._queue.max_wait):
                admission = await self._admitted(waiter)
        except TimeoutError:
            raise self._refusal(self._outlook(waiter, {}).candidates) from None
        finally:
            self._metrics.dequeued(self._monotonic() - began)
        on_joined(admission.credential)
        return admission

    async def _admitted(self, waiter: _Waiter) -> Admission:
        """Take what is given to the waiter, until all instances agree that it is free."""
        while True:
            waiter.grant = self._granted(waiter)
            account, credential, ticket = await self._given(waiter)
            try:
                held = await self._queue.share(ticket, self._slots(account, credential))
            except SlotTaken:
                self._elsewhere[account.alias] = self._monotonic() + LOOK_SECONDS
                self._queue.leave(ticket)
                waiter.given = asyncio.get_running_loop().create_future()
                continue
            except BaseException:
                self._queue.leave(ticket)
                raise
            admission = Admission(credential, account, held)
            try:
                if account.alias in self._granted(waiter).accounts:
                    return admission
            except ApiError:
                self._queue.release(admission, 0.0)
                raise
            self._queue.release(admission, 0.0)  # the key was told that it may not use it, meanwhile
            waiter.given = asyncio.get_running_loop().create_future()

    def _granted(self, waiter: _Waiter) -> Grant:
        """What the waiter's key may do now. Raises an ApiError: nothing any more."""
        grant = self._roster.grant_of(waiter.caller)
        if grant is None:
            raise revoked()
        return grant

    async def _given(self, waiter: _Waiter) -> tuple[Account, Credential, Ticket]:
        """Wait in line. When cancelled, nothing is held."""
        self._check_length(waiter)
        self._waiters.append(waiter)
        self._waiters.sort(key=lambda other: other.number)  # one that was given something in vain goes first
        self._give()
        try:
            return await waiter.given
        except BaseException:
            if waiter.given.done() and not waiter.given.cancelled() and waiter.given.exception() is None:
                self._queue.leave(waiter.given.result()[2])
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _check_length(self, waiter: _Waiter) -> None:
        """Raise an ApiError if as many wait already as may wait for the accounts of this key."""
        before = self._waiting_for(waiter.grant.accounts)
        if before < self._queue.max_waiting * max(1, len(self._accounts(waiter.grant))):
            return
        outlook = self._outlook(waiter, {})
        if not outlook.free:
            raise self._refusal(outlook.candidates)

    def _give(self) -> None:
        """Give each free account to the first who waits for it, and tell those who wait in vain."""
        self._note_roster()
        surveyed: _Surveyed = {}
        seen: dict[tuple[frozenset[str], Need, frozenset[str]], _Outlook] = {}
        for waiter in tuple(self._waiters):
            if waiter.given.done():
                continue  # it was cancelled, or told of its key, and goes in a moment
            alike = waiter.grant.accounts, waiter.need, waiter.avoid
            if (outlook := seen.get(alike)) is None:
                outlook = seen[alike] = self._outlook(waiter, surveyed)
            last = self._last.get(waiter.grant.alias, "")
            if outlook.free and (chosen := choose(outlook.free, self._policy, last)) is not None:
                self._give_to(waiter, chosen.alias)
                surveyed = {key: self._now_in_use(found, chosen.alias) for key, found in surveyed.items()}
                for other in seen.values():
                    self._note_in_use(other, chosen.alias)
            elif not outlook.hope and (error := self._refused(waiter, outlook.candidates)) is not None:
                self._waiters.remove(waiter)
                waiter.given.set_exception(error)
        self._look_again()

    def _note_roster(self) -> None:
        """Have those who wait be granted what the roster says now, and note whose credentials are whose."""
        if (roster := self._roster.current) is self._noted:
            return
        self._noted = roster
        self._places = {account.alias: (order, account) for order, account in enumerate(roster.accounts)}
        for account in roster.accounts:
            if account.credential is not None:
                self._owners[account.credential.digest] = account.alias
                self._owners.move_to_end(account.credential.digest)
        while len(self._owners) > MAX_CREDENTIALS:
            self._owners.popitem(last=False)
        for waiter in self._waiters:
            try:
                waiter.grant = self._granted(waiter)
            except ApiError as error:
                if not waiter.given.done():
                    waiter.given.set_exception(error)

    def _outlook(self, waiter: _Waiter, surveyed: _Surveyed) -> _Outlook:
        """What the waiter sees; accounts that it avoids count as in use."""
        found = self._candidates(waiter.grant, waiter.need, surveyed, waiter.need.home)
        left = [candidate for candidate in found if candidate.alias not in waiter.avoid]
        free = [candidate for candidate in left if candidate.free]
        return _Outlook(found, free, any(not candidate.obstacle for candidate in left))

    def _note_in_use(self, outlook: _Outlook, alias: str) -> None:
        for at, candidate in enumerate(outlook.free):
            if candidate.alias == alias:
                now = self._now_in_use(candidate, alias)
                outlook.free[at : at + 1] = [now] if now.free else []
                return

    def _give_to(self, waiter: _Waiter, alias: str) -> None:
        account = self._roster.current.account(alias)
        if account is None or (credential := account.credential) is None:
            return
        ticket = self._queue.take(queue_name(account), self._slots(account, credential))
        if ticket is not None:
            self._waiters.remove(waiter)
            self._note_use(waiter, account)
            waiter.given.set_result((account, credential, ticket))

    def _now_in_use(self, candidate: Candidate, alias: str) -> Candidate:
        """The candidate, after the account `alias` was given to somebody."""
        if candidate.alias != alias:
            return candidate
        due = self._rotation.due(alias)
        return replace(candidate, in_use=candidate.in_use + 1, used_at=self._used.get(alias, 0.0), due=due)

    def _refused(self, waiter: _Waiter, candidates: Sequence[Candidate]) -> ApiError | None:
        """Why there is no sense in waiting longer, if so."""
        within = waiter.until - self._monotonic()
        left = [found for found in candidates if found.alias not in waiter.avoid]
        if waiter.need.home:
            if left and not self._hopeless(left, min(HOME_SECONDS, within)):
                return None
            return HomeUnavailable("The account of this conversation cannot take the message now.")
        if left and not self._hopeless(left, within):
            return None
        if any(not candidate.obstacle for candidate in candidates):
            self._metrics.rejected(REJECTIONS[Obstacle.COOLING])
            return refusal_error(Refusal(obstacle=Obstacle.COOLING, retry_after=AGAIN_SECONDS))
        return self._refusal(candidates)

    def _hopeless(self, candidates: Sequence[Candidate], within: float) -> bool:
        """Whether none of them will be able within so many seconds, or soon enough to be waited for."""
        until = self._clock() + min(within, RESTING_SECONDS)
        return all(candidate.obstacle and candidate.ready_at > until for candidate in candidates)

    def _refusal(self, candidates: Sequence[Candidate]) -> ApiError:
        """What is told where none of them can take the turn."""
        told = refusal(candidates, self._clock())
        if told.only_busy:
            told = replace(told, retry_after=self._busy_seconds(candidates))
        self._metrics.rejected(REJECTIONS[told.obstacle])
        return refusal_error(told)

    def _busy_seconds(self, candidates: Sequence[Candidate]) -> float:
        """After how long a new request would be served within the longest wait, where all are in use."""
        places = sum(candidate.slots for candidate in candidates if not candidate.obstacle)
        moved = self._queue.turn_seconds / max(1, places)
        before = self._waiting_for(frozenset(candidate.alias for candidate in candidates))
        return max(moved, (before + 1) * moved - self._queue.max_wait)

    def _waiting_for(self, aliases: frozenset[str]) -> int:
        """How many wait for some of these accounts."""
        return sum(not aliases.isdisjoint(waiter.grant.accounts) for waiter in self._waiters)

    def _look_again(self) -> None:
        """Have a look when the next account may be able, as long as somebody waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiters:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._give)

    def _freed(self, name: str) -> None:
        if self._waiters:
            self._give()

    def _candidates(
        self, grant: Grant, need: Need, surveyed: _Surveyed | None = None, home: str = ""
    ) -> list[Candidate]:
        """The accounts of a grant, or that one of them which is `home`, as they are for a need; what is in
        `surveyed` is not asked again.
        """
        known, found = {} if surveyed is None else surveyed, []
        now, monotonic = self._clock(), self._monotonic()
        for order, account in self._placed(grant.accounts & {home} if home else grant.accounts):
            alias = account.alias
            if (candidate := known.get((need, alias))) is None:
                candidate = known[need, alias] = self._survey(account, need, now, monotonic, order)
            found.append(candidate)
        return found

    def _survey(self, account: Account, need: Need, now: float, monotonic: float, order: int) -> Candidate:
        alias, credential = account.alias, account.credential
        slots = 1 if credential is None else self._slots(account, credential)
        return survey(
            account,
            need,
            self._sources,
            now=now,
            slots=slots,
            in_use=slots if self._elsewhere.get(alias, 0.0) > monotonic else self.in_use(account),
            used_at=self._used.get(alias, 0.0),
            due=self._rotation.due(alias),
            order=hash((self._salt, alias)) if self._salt else order,
        )

    def _accounts(self, grant: Grant) -> list[Account]:
        return [account for _, account in self._placed(grant.accounts)]

    def _placed(self, aliases: frozenset[str]) -> list[tuple[int, Account]]:
        """Those of the accounts that there are, with their places in the file, in its order. It takes as long
        as there are `aliases`, not as there are accounts.
        """
        self._note_roster()
        return sorted((self._places[alias] for alias in aliases if alias in self._places), key=itemgetter(0))

    def _slots(self, account: Account, credential: Credential) -> int:
        known = account.concurrency
        return (self._queue.slots_of(credential) if known is None else known) or UNLIMITED

    def _note_use(self, waiter: _Waiter, account: Account) -> None:
        self._used[account.alias] = self._monotonic()
        self._rotation.took(account.alias, account.weight)
        self._last[waiter.grant.alias] = account.alias
        self._last.move_to_end(waiter.grant.alias)
        if len(self._last) > MAX_CALLERS:
            self._last.popitem(last=False)


def queue_name(account: Account) -> str:
    """The name of the account's waiting queue, which stays when its credential changes."""
    return f"account:{account.alias}"
