"""Responses that are kept, so that they can be asked for again and gone on with: a file, or a Redis."""

from kept.records import KeptResponse
from kept.redis_store import RedisResponses
from kept.sqlite_store import SqliteResponses
from kept.store import KeepingFailed, KeptBounds, ResponseStore

__all__ = [
    "KeepingFailed",
    "KeptBounds",
    "KeptResponse",
    "RedisResponses",
    "ResponseStore",
    "SqliteResponses",
]
