"""Which requests go on with a conversation that the backend has: a history is recognised by its hashes."""

from continuity.fingerprint import Fingerprint, Fingerprints, History, weight
from continuity.redis_table import RedisConversations
from continuity.sqlite_table import SqliteConversations
from continuity.table import Bounds, ConversationTable, Node, TableFailed

__all__ = [
    "Bounds",
    "ConversationTable",
    "Fingerprint",
    "Fingerprints",
    "History",
    "Node",
    "RedisConversations",
    "SqliteConversations",
    "TableFailed",
    "weight",
]
