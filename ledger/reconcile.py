"""Conversations whose outcome never became known are looked for at the backend, and settled.

After a crash, or when a connection broke before the backend said anything, an entry of the ledger has the
outcome `unknown` and counts as spent. The next time that the account is used which it was posted to, the
account's own list of conversations tells whether the message arrived. An entry becomes free only if that
proves that it did not: an empty conversation that was begun at that time counts for the entry, and any doubt
leaves the entry as it is. The list proves nothing about conversations that are never listed or taken off it,
nor about those of a pool key, behind which another account may answer (protocol notes, section 15).
"""

from collections import OrderedDict
from typing import Final

from accounts import Credential, KeyKind
from ledger.ledger import Ledger
from ledger.records import Posted, Settled, Subject
from metrics import Attempt
from runtime import BackgroundTasks
from upstream import Found, History

GRACE_SECONDS: Final = 60.0
"""Only what is older is looked for: the backend may list a conversation late."""
SHARED_GRACE_SECONDS: Final = 7200.0
"""The same where other instances may still be at work on what is unknown here."""
SKEW_SECONDS: Final = 120.0
"""How far the clocks of the backend and of this machine may be apart."""
LATE_SECONDS: Final = 600.0
"""How long after its entry a conversation may have begun at the backend."""
MAX_OWNERS: Final = 10_000
"""How many owners of accounts are remembered as having been looked at."""


class Reconciler:
    """Looks for the conversations of one account at a time, by its owner: see `Posted.owner`.

    `listed` says that conversations appear on the account's list, and stay there. Only entries older than
    `grace` seconds are looked for, and an account's at most once in that time.
    """

    def __init__(self, ledger: Ledger, history: History, *, listed: bool, grace: float) -> None:
        self.listed = listed
        self._ledger = ledger
        self._history = history
        self._grace = grace
        self._looked_at: OrderedDict[Subject, float] = OrderedDict()
        self._tasks = BackgroundTasks()

    def start(self, owner: Subject, credential: Credential) -> None:
        """Reconcile in the background, if the account of `owner` was not looked at just before."""
        now = self._ledger.clock()
        recently = abs(now - self._looked_at.get(owner, 0.0)) < self._grace
        if recently or not self.listed or credential.kind is KeyKind.POOL:
            return
        self._looked_at[owner] = now
        while len(self._looked_at) > MAX_OWNERS:
            self._looked_at.popitem(last=False)
        self._tasks.start(self.reconcile(owner, credential))

    async def reconcile(self, owner: Subject, credential: Credential) -> None:
        """Ask the backend with `credential` for the account's entries of unknown outcome, and settle them."""
        before = self._ledger.clock() - self._grace
        entries = [entry for entry in await self._ledger.unsettled(owner, before) if entry.message_id]
        if not entries:
            return
        times = [entry.at for entry in entries]
        messages = {entry.message_id for entry in entries}
        found = await self._history.received(
            credential, messages, min(times) - SKEW_SECONDS, max(times) + LATE_SECONDS
        )
        if found is not None:
            for entry in entries:
                await self._ledger.settle_unknown(entry, _settled(entry, found))

    async def close(self) -> None:
        """Stop asking."""
        await self._tasks.cancel()


def _settled(entry: Posted, found: Found) -> Settled:
    """What the history says of an entry: it holds the message, or where that may be missing, or neither."""
    since, until = entry.at - SKEW_SECONDS, entry.at + LATE_SECONDS
    begun = (empty for empty, at in found.empty.items() if since <= at <= until)
    conversation_id = found.conversations.get(entry.message_id) or next(begun, "")
    outcome = Attempt.FAILED if conversation_id else Attempt.UNSENT
    return Settled(entry.id, outcome, conversation_id=conversation_id)
