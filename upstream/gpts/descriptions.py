"""The descriptions of GPTs: fetched ahead, kept and refreshed, or fetched for whoever asks first.

With a credential of the service's own, each GPT on offer is asked for at once and again from time to time.
Without one, and for GPTs that are not on offer, the description is fetched with the credential of the caller
who needs it, and then serves all; that credential is not kept. Descriptions of the GPTs on offer are found on
disk at the next start. The states of one GPT are in `upstream.gpts.tracked_gpt`.
"""

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Final

from accounts import Credential
from runtime import BackgroundTasks
from translate.values import Gizmo
from upstream.gpts.errors import FailureKind, FetchFailure, GptUnavailable
from upstream.gpts.schedule import AFTER_PERMANENT, AFTER_TRANSIENT, REFRESH_SECONDS, pause_before_refresh
from upstream.gpts.source import fetch_description
from upstream.gpts.store import GptDescriptionStore
from upstream.gpts.tracked_gpt import Timer, TrackedGpt
from upstream.http import HttpClient

log = logging.getLogger("pandora")

WAIT_SECONDS: Final = 8.0
"""How long a request waits for a description."""
MAX_UNLISTED: Final = 128
"""GPTs that are not on offer, of which the descriptions are remembered."""
FETCHES_AT_ONCE: Final = 4
"""With the service's own credential."""

PENDING: Final = FetchFailure("its description has not come yet")
NO_CREDENTIAL: Final = FetchFailure(
    "it is looked up with the key of whoever uses it first: set KEY_FOR_GPTS_INFO to have it looked up before"
)
REMOVED: Final = FetchFailure("it is no longer offered", FailureKind.PERMANENT)
STOPPING: Final = FetchFailure("the service is stopping")

CallLater = Callable[[float, Callable[[], object]], Timer]
"""Calls a function after so many seconds, as `loop.call_later` does."""


class GptDescriptions:
    """The descriptions of GPTs, by id. Ids are well-formed: short, or with the slug.

    `credential` is the service's own, if it has one. A request waits up to `wait_seconds` for a description.
    Of GPTs that are not on offer, the `max_unlisted` used last are remembered. `clock` gives Unix seconds,
    `call_later` makes timers, `jitter` gives numbers from 0 to 1; attempts run in `tasks`. Needs a running
    loop; call `close` at the end.
    """

    def __init__(
        self,
        client: HttpClient,
        store: GptDescriptionStore,
        credential: Credential | None = None,
        *,
        wait_seconds: float = WAIT_SECONDS,
        max_unlisted: int = MAX_UNLISTED,
        clock: Callable[[], float] = time.time,
        call_later: CallLater | None = None,
        jitter: Callable[[], float] = random.random,
        tasks: BackgroundTasks | None = None,
    ) -> None:
        self._client = client
        self._store = store
        self._credential = credential
        self._wait_seconds = wait_seconds
        self._max_unlisted = max_unlisted
        self._clock = clock
        self._call_later: CallLater = call_later or asyncio.get_running_loop().call_later
        self._jitter = jitter
        self._attempts = BackgroundTasks() if tasks is None else tasks
        self._fetch_slots = asyncio.Semaphore(FETCHES_AT_ONCE)
        self._offered: dict[str, TrackedGpt] = {}
        self._unlisted: OrderedDict[str, TrackedGpt] = OrderedDict()
        self._told_of_missing_credential = False

    def offer(self, gizmo_ids: Iterable[str]) -> None:
        """Offer these GPTs and no others from now on; returns at once.

        Those without a description are asked for now, also where an earlier attempt has failed.
        """
        wanted = set(gizmo_ids)
        if wanted and self._credential is None and not self._told_of_missing_credential:
            self._told_of_missing_credential = True
            log.warning("KEY_FOR_GPTS_INFO is not set: GPTs are described with the keys of their first users")
        for gizmo_id in self._offered.keys() - wanted:
            self._offered.pop(gizmo_id).remove(REMOVED)
        for gizmo_id in wanted:
            gpt = self._offered.get(gizmo_id)
            if gpt is None:
                gpt = self._offered[gizmo_id] = TrackedGpt(gizmo_id, self._credential, on_disk=True)
                self._begin_attempt(gpt, self._credential)
            elif gpt.description is None and self._credential is not None:
                self._begin_attempt(gpt, self._credential)

    def missing_reason(self, gizmo_id: str) -> str | None:
        """Why there is no description of a GPT on offer; None if there is one, and it can be used."""
        gpt = self._offered[gizmo_id]
        if gpt.description is not None:
            return None
        return (gpt.failure or (PENDING if self.is_looked_up(gizmo_id) else NO_CREDENTIAL)).reason

    def is_looked_up(self, gizmo_id: str) -> bool:
        """Whether the backend was or is being asked for a GPT on offer. Without a credential of the service's
        own it is not before a caller uses the GPT, which may work then.
        """
        gpt = self._offered[gizmo_id]
        return gpt.credential is not None or gpt.description is not None or gpt.failure is not None

    async def get(self, gizmo_id: str, credential: Credential) -> Gizmo:
        """Return the description of a GPT, after waiting for it if need be. `credential` is the caller's.

        Raises:
            GptUnavailable: there is none, or it did not come in time.
            ResponseRefused: the backend refused the caller's credential.
        """
        gpt = self._offered.get(gizmo_id) or self._unlisted_gpt(gizmo_id)
        if gpt.description is not None:
            if gpt.credential is None and self._is_refresh_due(gpt):
                self._begin_attempt(gpt, credential)  # in the background
            return gpt.description
        failure = await self._wait_for_description(gpt, credential)
        if gpt.description is not None:
            return gpt.description
        if failure.answer is not None and gpt.credential is None:
            raise failure.answer.refusal()
        raise GptUnavailable(failure)

    async def save_again(self) -> None:
        """Write the descriptions of the GPTs on offer to the disk, where they were lost."""
        for gpt in list(self._offered.values()):
            if gpt.description is not None:
                await self._store.save(gpt.id, gpt.description, gpt.fetched_at)

    async def close(self) -> None:
        """Stop all attempts and begin no others; requests that wait fail."""
        for gpt in (*self._offered.values(), *self._unlisted.values()):
            gpt.remove(STOPPING)
        await self._attempts.cancel()

    def _unlisted_gpt(self, gizmo_id: str) -> TrackedGpt:
        """A GPT that is not on offer, from now on the one used last."""
        gpt = self._unlisted.setdefault(gizmo_id, TrackedGpt(gizmo_id, None, on_disk=False))
        self._unlisted.move_to_end(gizmo_id)
        if len(self._unlisted) > self._max_unlisted:
            self._unlisted.popitem(last=False)
        return gpt

    async def _wait_for_description(self, gpt: TrackedGpt, credential: Credential) -> FetchFailure:
        """Wait until there is a description; if there is none in the end, return why."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                if gpt.credential is not None:
                    await self._wait_for_own_attempt(gpt, gpt.credential)
                else:
                    await self._wait_for_callers_attempt(gpt, credential)
        except TimeoutError:
            if gpt.credential is None:
                return PENDING  # the last failure may be about the credential of another caller
        return gpt.failure or PENDING

    async def _wait_for_own_attempt(self, gpt: TrackedGpt, credential: Credential) -> None:
        """Wait for the attempt that is under way; begin one if the last failure may be over by now."""
        rested = not 0 <= self._clock() - gpt.tried_at < AFTER_TRANSIENT.first
        if gpt.failure is None or (not gpt.failure.permanent and rested):
            self._begin_attempt(gpt, credential)
        if gpt.attempt is not None:
            await gpt.wait_over.wait()

    async def _wait_for_callers_attempt(self, gpt: TrackedGpt, credential: Credential) -> None:
        """Wait for the attempts of other callers, and if all of them fail, for one with this credential."""
        while gpt.description is None and not gpt.removed:
            is_ours = self._begin_attempt(gpt, credential)
            await gpt.wait_over.wait()
            if is_ours:
                break

    def _is_refresh_due(self, gpt: TrackedGpt) -> bool:
        now = self._clock()
        return now - gpt.fetched_at >= REFRESH_SECONDS and now - gpt.tried_at >= AFTER_PERMANENT.first

    def _begin_attempt(self, gpt: TrackedGpt, credential: Credential | None) -> bool:
        """Begin to fetch a description, unless an attempt is under way; return whether one was begun.

        Without a credential, the description can only be found on disk.
        """
        if gpt.attempt is not None or gpt.removed:
            return False
        if gpt.next_attempt is not None:
            gpt.next_attempt.cancel()
        if gpt.description is None:
            gpt.wait_over.clear()
        gpt.attempt = self._attempts.start(self._attempt(gpt, credential))
        return True

    async def _attempt(self, gpt: TrackedGpt, credential: Credential | None) -> None:
        try:
            if gpt.on_disk and not gpt.disk_read:
                await self._read_disk(gpt)
                if self._is_fresh(gpt):
                    return
            if credential is not None:
                await self._fetch(gpt, credential)
        finally:
            gpt.attempt = None
            gpt.wait_over.set()
            self._schedule_next_attempt(gpt)

    async def _read_disk(self, gpt: TrackedGpt) -> None:
        gpt.disk_read = True
        if (stored := await self._store.load(gpt.id)) is not None:
            description, fetched_at = stored
            gpt.found_on_disk(description, min(fetched_at, self._clock()))

    def _is_fresh(self, gpt: TrackedGpt) -> bool:
        return gpt.description is not None and self._clock() - gpt.fetched_at < REFRESH_SECONDS

    async def _fetch(self, gpt: TrackedGpt, credential: Credential) -> None:
        async with self._fetch_slots if gpt.credential is not None else nullcontext():
            outcome = await fetch_description(self._client, gpt.id, credential)
        if isinstance(outcome, FetchFailure):
            await self._failed(gpt, outcome)
        else:
            await self._fetched(gpt, outcome)

    async def _fetched(self, gpt: TrackedGpt, description: Gizmo) -> None:
        if gpt.description is None or gpt.failure is not None:
            log.info("GPT %s is available", gpt.id)
        gpt.fetched(description, self._clock())
        if gpt.on_disk:
            await self._store.save(gpt.id, description, gpt.fetched_at)

    async def _failed(self, gpt: TrackedGpt, failure: FetchFailure) -> None:
        last_failure = gpt.failure
        gone = failure.kind is FailureKind.GONE and gpt.credential is not None
        gpt.failed(failure, self._clock(), gone=gone)
        if last_failure is None or last_failure.reason != failure.reason:
            # Without a credential of our own, the caller's may be the reason.
            level = logging.INFO if gpt.credential is None else logging.WARNING
            state = "is not available" if gpt.description is None else "could not be refreshed"
            log.log(level, "GPT %s %s: %s", gpt.id, state, failure.reason)
        if gone:
            await self._store.discard(gpt.id)

    def _schedule_next_attempt(self, gpt: TrackedGpt) -> None:
        """With the service's own credential; no timer ever holds a caller's."""
        if gpt.credential is None or gpt.removed:
            return
        if gpt.failure is None and gpt.description is not None:
            pause = pause_before_refresh(self._clock() - gpt.fetched_at, self._jitter())
        else:
            is_permanent = gpt.failure is not None and gpt.failure.permanent
            pause = (AFTER_PERMANENT if is_permanent else AFTER_TRANSIENT).pause(gpt.failures, self._jitter())
        # A function without arguments: debug logs of the loop show the arguments of timers.
        gpt.next_attempt = self._call_later(pause, lambda: self._begin_attempt(gpt, gpt.credential))
