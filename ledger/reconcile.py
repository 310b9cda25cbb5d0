"""Conversations whose outcome never became known are looked for at the backend, and settled.

After a crash, or when a connection broke before the backend said anything, an entry of the ledger is
``unknown`` and counts as spent. With the key at hand, the next time it is used, the account's own list tells
whether the message arrived. It cannot tell of conversations that are never listed, nor of pool keys, behind
which another account may answer: those stay as they are.
"""

import asyncio
from collections import OrderedDict

from accounts.queue import kind_of
from ledger.ledger import Ledger
from ledger.records import Posted, Settled
from metrics import Attempt
from upstream.history import History

GRACE_SECONDS = 60.0
"""Only what is older is looked for: the backend may list a conversation late."""
SHARED_GRACE_SECONDS = 7200.0
"""The same where other instances may be at work on what is unknown here."""
SKEW_SECONDS = 120.0
"""How far the clocks of the backend and of this machine may be apart."""
MAX_KEYS = 10_000


class Reconciler:
    """``listed`` says that conversations appear on the account's list at all."""

    def __init__(self, ledger: Ledger, history: History, *, listed: bool, shared: bool) -> None:
        self._ledger = ledger
        self._history = history
        self._listed = listed
        self._grace = SHARED_GRACE_SECONDS if shared else GRACE_SECONDS
        self._looked: OrderedDict[str, float] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def used(self, key: str, alias: str) -> None:
        """The backend has just answered this key: a good moment to ask it, in the background."""
        now = self._ledger.clock()
        if not self._listed or kind_of(key) == "pk" or abs(now - self._looked.get(alias, 0.0)) < self._grace:
            return
        self._looked[alias] = now
        while len(self._looked) > MAX_KEYS:
            self._looked.popitem(last=False)
        task = asyncio.create_task(self.reconcile(key, alias))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reconcile(self, key: str, alias: str) -> None:
        """Settle what can be settled."""
        before = self._ledger.clock() - self._grace
        entries = [entry for entry in await self._ledger.unknown(alias, before) if entry.message_id]
        if not entries:
            return
        times = [entry.at for entry in entries]
        messages = {entry.message_id for entry in entries}
        found = await self._history.received(
            key, messages, min(times) - SKEW_SECONDS, max(times) + SKEW_SECONDS
        )
        if found is not None:
            for entry in entries:
                await self._ledger.resolve(entry, _outcome(entry, found))

    async def close(self) -> None:
        """Stop asking."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


def _outcome(entry: Posted, found: dict[str, str]) -> Settled:
    conversation_id = found.get(entry.message_id, "")
    outcome = Attempt.FAILED if conversation_id else Attempt.UNSENT
    return Settled(entry.id, outcome, conversation_id=conversation_id)
