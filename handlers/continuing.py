"""Whether an answer goes on in a conversation that the backend has: what is known of those, who may do it,
and how the client is told.
"""

from dataclasses import dataclass
from typing import Final

from accounts import Caller, KeyKind
from continuity import ConversationTable, Fingerprints
from ledger import KeyNames

CONVERSATION_HEADER: Final = "x-conversation"
"""Says whether an answer is in a new conversation of the backend, or in one that it had."""
NEW: Final = "new"
CONTINUED: Final = "continued"


@dataclass(frozen=True, slots=True)
class Lasting:
    """What conversations that last are found with. `keys` name callers in the `table`, and have the secret of
    its hashes.
    """

    table: ConversationTable
    keys: KeyNames

    def fingerprints(self) -> Fingerprints:
        """What makes fingerprints now: the secret is replaced where instances agree on one."""
        return Fingerprints(self.keys.secret)


def lasts(caller: Caller) -> bool:
    """Whether a conversation of the caller can be gone on with: with a key of a pool, each request may reach
    another account.
    """
    return caller.grant is not None or caller.own.kind is not KeyKind.POOL


def may_use(caller: Caller, home: str) -> bool:
    """Whether the caller's requests may go to the account `home`."""
    if caller.grant is not None:
        return home in caller.grant.accounts
    return lasts(caller) and home == caller.own.digest
