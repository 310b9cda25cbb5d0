"""Whose key, whose turn: callers, accounts, credentials, and the waiting queue of each credential."""

from accounts.account import Account, Grant, Need, is_allowed
from accounts.caller import Caller, Lender, OwnKeys
from accounts.credential import Credential, KeyKind
from accounts.queue import AccountQueue, Slot
from accounts.shared_slots import SharedSlots

__all__ = [
    "Account",
    "AccountQueue",
    "Caller",
    "Credential",
    "Grant",
    "KeyKind",
    "Lender",
    "Need",
    "OwnKeys",
    "SharedSlots",
    "Slot",
    "is_allowed",
]
