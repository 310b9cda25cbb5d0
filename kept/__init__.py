"""Responses and conversations that are kept, so that they can be asked for again and gone on with: a file,
or a Redis.
"""

from kept.records import KeptConversation, KeptResponse, Page, Standing
from kept.redis_store import RedisResponses
from kept.sqlite_store import SqliteResponses
from kept.store import ConversationFull, ConversationStore, KeepingFailed, KeptBounds, ResponseStore

__all__ = [
    "ConversationFull",
    "ConversationStore",
    "KeepingFailed",
    "KeptBounds",
    "KeptConversation",
    "KeptResponse",
    "Page",
    "RedisResponses",
    "ResponseStore",
    "SqliteResponses",
    "Standing",
]
