"""The descriptions of GPTs: fetched ahead, kept and refreshed, or fetched for whoever asks first.

With a key of the service's own, each GPT on offer is asked for at once and again from time to time.
Without one, and for GPTs that nobody listed, the description is fetched with the key of the caller who
needs it, and then serves all; the key is used for that and not kept. What was fetched of the GPTs on
offer is found on disk at the next start.

    asked for --> described <--> refreshed         every 12 h
        |  ^          |
        v  |          v  only if the backend says that there is no such GPT
       failed <-------+                            passing: again after 2 s, 4 s ... 5 min
                                                   lasting: again after 5 min, 10 min ... 1 h
"""

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from accounts import Credential
from translate.values import Gizmo
from upstream.gpts.source import Cause, Failure, fetch_gizmo
from upstream.gpts.store import GizmoStore
from upstream.http import HttpClient, UpstreamError

log = logging.getLogger("pandora")

REFRESH_SECONDS: Final = 12 * 3600.0
"""Descriptions change seldom, and the backend does not need the newest."""
PASSING_PAUSES: Final = (2.0, 300.0)
LASTING_PAUSES: Final = (300.0, 3600.0)
"""Seconds until the next attempt: after the first failure, and at most; each is twice the one before."""
AT_ONCE: Final = 4
MAX_UNLISTED: Final = 128
"""GPTs that nobody listed, of which the descriptions are remembered."""

PENDING: Final = Failure("its description has not come yet")
UNASKED: Final = Failure(
    "KEY_FOR_GPTS_INFO is not set: its description is fetched with the key of whoever uses it first"
)
REMOVED: Final = Failure("it is no longer offered", Cause.LASTING)
CLOSED: Final = Failure("the service is stopping")


class GizmoUnavailable(UpstreamError):
    """There is no description of a GPT for the `reason` given; if `lasting`, not soon either."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"the GPT is not available: {failure.reason}")
        self.reason = failure.reason
        self.lasting = failure.lasting


class Timer(Protocol):
    """A call that was scheduled."""

    def cancel(self) -> None:
        """Do not make the call."""


Later = Callable[[float, Callable[[], object]], Timer]
"""Calls a function after so many seconds, as `loop.call_later` does."""


@dataclass(slots=True, eq=False)
class _Entry:
    """What is known of one GPT. `credential` is the service's own, or None."""

    id: str
    credential: Credential | None
    on_disk: bool
    gizmo: Gizmo | None = None
    since: float = 0.0
    failure: Failure | None = None
    """Why the last attempt failed, if it did; there may be an older description all the same."""
    failures: int = 0
    tried_at: float = 0.0
    attempt: asyncio.Task[None] | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """There is a description, or the attempt is over."""
    timer: Timer | None = None
    dropped: bool = False


class GizmoBook:
    """All that is known of GPTs. Needs a running loop; ids must be well-formed.

    `credential` is the service's own, or None. `patience` is how many seconds a request may wait for a
    description. `clock` gives Unix seconds, `later` makes timers, `jitter` gives numbers from 0 to 1.
    """

    def __init__(
        self,
        client: HttpClient,
        store: GizmoStore,
        credential: Credential | None = None,
        *,
        patience: float = 8.0,
        clock: Callable[[], float] = time.time,
        later: Later | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._store = store
        self._credential = credential
        self._patience = patience
        self._clock = clock
        self._later: Later = later or asyncio.get_running_loop().call_later
        self._jitter = jitter
        self._listed: dict[str, _Entry] = {}
        self._unlisted: OrderedDict[str, _Entry] = OrderedDict()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._attempts: set[asyncio.Task[None]] = set()
        self._said = False

    def want(self, gizmo_ids: Iterable[str]) -> None:
        """Offer these and no others from now on; of what is not described yet, ask (again) at once."""
        wanted = set(gizmo_ids)
        if wanted and not self._credential and not self._said:
            self._said = True
            log.warning("KEY_FOR_GPTS_INFO is not set: GPTs are described with the keys of their first users")
        for gizmo_id in self._listed.keys() - wanted:
            _drop(self._listed.pop(gizmo_id), REMOVED)
        for gizmo_id in wanted:
            entry = self._listed.get(gizmo_id)
            if entry is None:
                entry = self._listed[gizmo_id] = _Entry(gizmo_id, self._credential, on_disk=True)
                self._begin(entry, self._credential, first=True)
            elif entry.gizmo is None and self._credential:
                self._begin(entry, self._credential)

    async def get(self, gizmo_id: str, credential: Credential) -> Gizmo:
        """Return a description, waiting for it if need be. `credential` is the caller's.

        Raises:
            GizmoUnavailable: there is none.
            ResponseRefused: the backend refused the caller's key.
        """
        entry = self._listed.get(gizmo_id) or self._visit(gizmo_id)
        failure = None
        if entry.gizmo is None:
            try:
                async with asyncio.timeout(self._patience):
                    failure = await (
                        self._own_attempt(entry) if entry.credential else self._for_caller(entry, credential)
                    )
            except TimeoutError:
                failure = entry.failure if entry.credential else PENDING
        elif not entry.credential and self._is_due(entry):
            self._begin(entry, credential)
        if entry.gizmo is not None:
            return entry.gizmo
        failure = failure or PENDING
        if failure.answer is not None and not entry.credential:
            raise failure.answer.refusal()
        raise GizmoUnavailable(failure)

    def why_not(self, gizmo_id: str) -> str | None:
        """Return why a wanted GPT can't be used, None if it can."""
        entry = self._listed[gizmo_id]
        if entry.gizmo is not None:
            return None
        return (entry.failure or (PENDING if entry.credential else UNASKED)).reason

    async def close(self) -> None:
        """Stop whatever is under way, and do nothing by itself any more."""
        for entry in (*self._listed.values(), *self._unlisted.values()):
            _drop(entry, CLOSED)
        for attempt in self._attempts:
            attempt.cancel()
        if self._attempts:
            await asyncio.wait(self._attempts)

    def _visit(self, gizmo_id: str) -> _Entry:
        entry = self._unlisted.setdefault(gizmo_id, _Entry(gizmo_id, None, on_disk=False))
        self._unlisted.move_to_end(gizmo_id)
        if len(self._unlisted) > MAX_UNLISTED:
            self._unlisted.popitem(last=False)
        return entry

    async def _own_attempt(self, entry: _Entry) -> Failure | None:
        """Wait for what is under way with our own key; an outage may be over, so look again."""
        failure = entry.failure
        rested = not 0 <= self._clock() - entry.tried_at < PASSING_PAUSES[0]
        if failure is None or (not failure.lasting and rested):
            self._begin(entry, entry.credential)
        if entry.attempt is not None:
            await entry.settled.wait()
        return entry.failure

    async def _for_caller(self, entry: _Entry, credential: Credential) -> Failure | None:
        """Fetch with the caller's key, unless somebody else's attempt, awaited first, succeeds."""
        while entry.gizmo is None and not entry.dropped:
            mine = self._begin(entry, credential)
            await entry.settled.wait()
            if mine:
                break
        return entry.failure

    def _is_due(self, entry: _Entry) -> bool:
        now = self._clock()
        return now - entry.since >= REFRESH_SECONDS and now - entry.tried_at >= LASTING_PAUSES[0]

    def _begin(self, entry: _Entry, credential: Credential | None, *, first: bool = False) -> bool:
        """Start an attempt, unless one is under way."""
        if entry.attempt is not None or entry.dropped:
            return False
        if entry.timer is not None:
            entry.timer.cancel()
        if entry.gizmo is None:
            entry.settled.clear()
        entry.attempt = asyncio.create_task(self._attempt(entry, credential, first))
        self._attempts.add(entry.attempt)
        entry.attempt.add_done_callback(self._attempts.discard)
        return True

    async def _attempt(self, entry: _Entry, credential: Credential | None, first: bool) -> None:
        try:
            if first:
                await self._look_up(entry)
            if credential is not None and not (first and self._is_fresh(entry)):
                await self._fetch(entry, credential)
        finally:
            entry.attempt = None
            entry.settled.set()
            if entry.credential and not entry.dropped:
                # No partial: debug logs of the loop would show its arguments.
                entry.timer = self._later(self._pause(entry), lambda: self._begin(entry, entry.credential))

    async def _look_up(self, entry: _Entry) -> None:
        if (stored := await self._store.load(entry.id)) is not None:
            entry.gizmo, since = stored
            entry.since = min(since, self._clock())
            entry.settled.set()

    def _is_fresh(self, entry: _Entry) -> bool:
        return entry.gizmo is not None and self._clock() - entry.since < REFRESH_SECONDS

    async def _fetch(self, entry: _Entry, credential: Credential) -> None:
        async with self._slots if entry.credential else nullcontext():
            outcome = await fetch_gizmo(self._client, entry.id, credential)
        entry.tried_at = self._clock()
        if isinstance(outcome, Failure):
            await self._failed(entry, outcome)
            return
        if entry.gizmo is None or entry.failure is not None:
            log.info("GPT %s is available", entry.id)
        entry.gizmo, entry.since = outcome, entry.tried_at
        entry.failure, entry.failures = None, 0
        entry.settled.set()
        if entry.on_disk:
            await self._store.save(entry.id, outcome, entry.since)

    async def _failed(self, entry: _Entry, failure: Failure) -> None:
        is_gone = failure.cause is Cause.GONE and bool(entry.credential)
        if is_gone:
            entry.gizmo = None
        if entry.failure is None or entry.failure.reason != failure.reason:
            level = logging.WARNING if entry.credential else logging.INFO  # the caller's key may be the cause
            state = "is not available" if entry.gizmo is None else "could not be refreshed"
            log.log(level, "GPT %s %s: %s", entry.id, state, failure.reason)
        entry.failure = failure
        entry.failures += 1
        if is_gone:
            await self._store.discard(entry.id)

    def _pause(self, entry: _Entry) -> float:
        failure = entry.failure
        if failure is None and entry.gizmo is not None:
            left = entry.since + REFRESH_SECONDS - self._clock()
            return min(max(LASTING_PAUSES[0], left), REFRESH_SECONDS) * (0.9 + 0.1 * self._jitter())
        first, longest = LASTING_PAUSES if failure is not None and failure.lasting else PASSING_PAUSES
        doublings = min(max(entry.failures - 1, 0), 20)
        return min(longest, first * 2.0**doublings) * (0.5 + 0.5 * self._jitter())


def _drop(entry: _Entry, failure: Failure) -> None:
    """Drop an entry; all who wait for it get `failure`."""
    entry.dropped = True
    entry.failure = failure
    if entry.timer is not None:
        entry.timer.cancel()
    if entry.attempt is not None:
        entry.attempt.cancel()
    entry.settled.set()
