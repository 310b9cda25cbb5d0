"""Whose key, whose turn: callers, accounts, credentials, and the waiting queue of each credential."""

from accounts.account import Account, Grant, Need, is_allowed
from accounts.caller import Caller, Lender
from accounts.credential import Credential, KeyKind
from accounts.queue import AccountQueue, Admission, Held, OnJoined, QueueMetrics, Slot
from accounts.shared_slots import SharedSlots, SlotTaken
from accounts.waiting_queues import Ticket

__all__ = [
    "Account",
    "AccountQueue",
    "Admission",
    "Caller",
    "Credential",
    "Grant",
    "Held",
    "KeyKind",
    "Lender",
    "Need",
    "OnJoined",
    "QueueMetrics",
    "SharedSlots",
    "Slot",
    "SlotTaken",
    "Ticket",
    "is_allowed",
]
