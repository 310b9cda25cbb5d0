"""What the backend tells of each account: asked for in the background, kept, refreshed, and bounded.

Nobody waits for a refresh: what is known serves until there is something newer. Only who comes first, when
nothing is known of the account, may wait for a short time.

    state       known  asked for again
    unknown     no     by the first who wants it
    fresh       yes    no
    stale       yes    when somebody wants it; what is known serves meanwhile
    failed      maybe  after `retry_seconds`

A backend that does not offer it at all says so to everybody: then no account is asked about for an hour. One
that has told it of some account does offer it, whatever it says to another key.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from accounts import Credential
from runtime import BackgroundTasks
from upstream.http import JsonAnswer, UpstreamError

T = TypeVar("T")

NOT_OFFERED: Final = (404, 405, 410, 501)
"""Statuses of a backend that does not have the path."""
NOT_OFFERED_SECONDS: Final = 3600.0
AT_ONCE: Final = 8
"""Questions of all accounts that are under way at the same time."""


class NotOffered(Exception):
    """The backend has no such thing, for no account."""


class NotTold(Exception):
    """The backend did not tell it this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepingLimits:
    """What is known is fresh for `fresh_seconds`; after a failure it is asked for again after
    `retry_seconds`. Of the `max_accounts` used last it is kept, as far as all of it weighs `max_bytes`.
    """

    fresh_seconds: float
    retry_seconds: float
    max_accounts: int
    max_bytes: int


@dataclass(slots=True, eq=False)
class _Account(Generic[T]):
    """What is known of one account; times are those of the clock."""

    known: T | None = None
    known_at: float = 0.0
    due_at: float = 0.0
    """When it may be asked for again."""
    attempt: "asyncio.Task[None] | None" = None
    asked_at: float = 0.0
    """When the attempt that is under way began."""
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    """An attempt has ended."""


class PerAccount(Generic[T]):
    """`fetch` asks the backend about one account; it raises UpstreamError, NotOffered or NotTold.

    `weigh` gives the bytes that a value takes; one that several accounts have in common counts once. `clock`
    gives Unix seconds. Call `close` at the end.
    """

    def __init__(
        self,
        fetch: Callable[[Credential], Awaitable[T]],
        weigh: Callable[[T], int],
        limits: KeepingLimits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetch = fetch
        self._weigh = weigh
        self._limits = limits
        self._clock = clock
        self._accounts: OrderedDict[str, _Account[T]] = OrderedDict()
        self._holders: Counter[int] = Counter()
        self._bytes = 0
        self._not_offered_until = 0.0
        self._offered = False
        self._tasks = BackgroundTasks()
        self._slots = asyncio.Semaphore(AT_ONCE)

    def items(self) -> Iterator[tuple[str, T, float]]:
        """Digest, value, and since when it is known, for each account of which something is known."""
        for digest, account in self._accounts.items():
            if account.known is not None:
                yield digest, account.known, account.known_at

    def latest(self, credential: Credential) -> tuple[T, float] | None:
        """What is known, and since when; asks for nothing."""
        account = self._accounts.get(credential.digest)
        return None if account is None or account.known is None else (account.known, account.known_at)

    def note(self, credential: Credential, value: T) -> None:
        """The backend has told it by itself."""
        account = self._account(credential.digest)
        self._learn(account, value)
        self._evict()

    def refresh(self, credential: Credential, after: float = 0.0) -> None:
        """Ask in the background, unless it is fresh, was tried just now, or is not offered.

        With `after`, begin so many seconds later.
        """
        now = self._clock()
        if 0 < self._not_offered_until - now <= NOT_OFFERED_SECONDS:
            return
        account = self._account(credential.digest)
        waiting = 0 < account.due_at - now <= self._limits.fresh_seconds + self._limits.retry_seconds
        if account.attempt is None and not waiting:
            account.asked_at = now
            account.attempt = self._tasks.start(self._attempt(account, credential, after))
        self._evict()

    def would_wait(self, credential: Credential, seconds: float) -> bool:
        """Whether `wait_first` would wait at all."""
        now = self._clock()
        if 0 < self._not_offered_until - now <= NOT_OFFERED_SECONDS:
            return False
        account = self._accounts.get(credential.digest)
        if account is None:
            return True
        in_time = account.attempt is None or 0 <= now - account.asked_at < seconds
        return account.known is None and not account.tried.is_set() and in_time

    async def wait_first(self, credential: Credential, seconds: float) -> None:
        """Have it asked for; if nothing is known yet, wait for the first attempt, at most so long."""
        waits = self.would_wait(credential, seconds)
        self.refresh(credential)
        account = self._accounts.get(credential.digest)
        if waits and account is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await account.tried.wait()

    async def close(self) -> None:
        """Ask for nothing any more."""
        await self._tasks.cancel()

    def _account(self, digest: str) -> _Account[T]:
        """The account, from now on the one used last."""
        account = self._accounts.setdefault(digest, _Account())
        self._accounts.move_to_end(digest)
        return account

    async def _attempt(self, account: _Account[T], credential: Credential, after: float) -> None:
        try:
            await asyncio.sleep(after)
            async with self._slots:
                value = await self._fetch(credential)
            self._offered = True
            if self._accounts.get(credential.digest) is account:  # it was not forgotten meanwhile
                self._learn(account, value)
                self._evict()
        except (NotOffered, NotTold, UpstreamError, ValueError) as error:
            account.due_at = self._clock() + self._limits.retry_seconds
            if isinstance(error, NotOffered) and not self._offered:
                self._not_offered_until = self._clock() + NOT_OFFERED_SECONDS
        finally:
            account.attempt = None
            account.tried.set()

    def _learn(self, account: _Account[T], value: T) -> None:
        now = self._clock()
        if account.known is not None:
            self._release(account.known)
        if not self._holders[id(value)]:
            self._bytes += self._weigh(value)
        self._holders[id(value)] += 1
        account.known, account.known_at = value, now
        account.due_at = now + self._limits.fresh_seconds

    def _release(self, value: T) -> None:
        self._holders[id(value)] -= 1
        if not self._holders[id(value)]:
            del self._holders[id(value)]
            self._bytes -= self._weigh(value)

    def _evict(self) -> None:
        """Forget the accounts used longest ago, but never the last one."""
        limits = self._limits
        while len(self._accounts) > 1 and (
            len(self._accounts) > limits.max_accounts or self._bytes > limits.max_bytes
        ):
            _, account = self._accounts.popitem(last=False)
            if account.known is not None:
                self._release(account.known)
                account.known = None


def told(answer: JsonAnswer) -> bytes:
    """The body of a good answer. Raises NotOffered, or NotTold for any other answer."""
    if answer.status in NOT_OFFERED:
        raise NotOffered
    if not answer.successful:
        raise NotTold
    return answer.body
