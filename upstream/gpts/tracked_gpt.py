"""What is known of one GPT, and the attempt to fetch its description that is under way or comes next.

    state       description  failure  next attempt, with the service's own credential
    pending     no           no       at once
    described   yes          no       when the description is 12 h old
    failed      no           yes      after a pause, see `upstream.gpts.schedule`
    outdated    yes          yes      after such a pause; the old description serves all the same

A description that is fetched leads from any state to described; so does one that the first attempt finds on
disk. A failure leads from pending to failed, and from described to outdated. If the backend says that there
is no such GPT, its description goes: described and outdated become failed. That counts only if the service's
own credential asked; the account of a caller may just not see the GPT.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from accounts import Credential
from translate.values import Gizmo
from upstream.gpts.errors import FetchFailure


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Do not make it."""
        ...


@dataclass(slots=True, eq=False)
class TrackedGpt:
    """One GPT. `credential` is the service's own, or None if those of callers fetch its description.

    With `on_disk`, its description is kept on disk. Times are in Unix seconds.
    """

    id: str
    credential: Credential | None
    on_disk: bool
    description: Gizmo | None = None
    fetched_at: float = 0.0
    failure: FetchFailure | None = None
    """Why the last attempt failed, if it did."""
    failures: int = 0
    """How many attempts have failed since the last one that did not."""
    tried_at: float = 0.0
    """When the last attempt ended."""
    disk_read: bool = False
    attempt: "asyncio.Task[None] | None" = None
    next_attempt: Timer | None = None
    wait_over: asyncio.Event = field(default_factory=asyncio.Event)
    """Requests need not wait any longer: there is a description, or the attempt has ended."""
    removed: bool = False

    def found_on_disk(self, description: Gizmo, fetched_at: float) -> None:
        """There is a description from an earlier run of the service."""
        self.description, self.fetched_at = description, fetched_at
        self.wait_over.set()

    def fetched(self, description: Gizmo, now: float) -> None:
        """An attempt has succeeded."""
        self.description, self.fetched_at = description, now
        self.failure, self.failures, self.tried_at = None, 0, now
        self.wait_over.set()

    def failed(self, failure: FetchFailure, now: float, *, gone: bool) -> None:
        """An attempt has failed; if `gone`, the description is no longer valid."""
        if gone:
            self.description = None
        self.failure, self.tried_at = failure, now
        self.failures += 1

    def remove(self, reason: FetchFailure) -> None:
        """Ask for it no more, and tell those who wait for it the reason."""
        self.removed = True
        self.failure = reason
        if self.next_attempt is not None:
            self.next_attempt.cancel()
        if self.attempt is not None:
            self.attempt.cancel()
        self.wait_over.set()
