"""Whose key, whose turn: callers, credentials, and the waiting queue of each credential."""

from accounts.credential import Caller, Credential, KeyKind, credential_for
from accounts.queue import AccountQueue, Slot
from accounts.shared_slots import SharedSlots

__all__ = [
    "AccountQueue",
    "Caller",
    "Credential",
    "KeyKind",
    "SharedSlots",
    "Slot",
    "credential_for",
]
