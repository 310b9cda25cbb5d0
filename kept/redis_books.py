"""What the stores in a Redis have in common: the books on what there is, and what its failures become."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kept.store import KeepingFailed
from runtime import redis_failures

PREFIX: Final = "{pandora}:"
BOOKS: Final = """
local P = '{pandora}:'
local function forget(id)
  local size = redis.call('HGET', P .. 'response-sizes', id)
  if size then redis.call('DECRBY', P .. 'response-bytes', size) end
  redis.call('HDEL', P .. 'response-sizes', id)
  redis.call('ZREM', P .. 'responses', id)
end
local function drop(id)
  forget(id)
  local owner = redis.call('HGET', P .. 'conversation:' .. id, 'owner')
  if owner then redis.call('ZREM', P .. 'conversations-of:' .. owner, id) end
  redis.call('DEL', P .. 'conversation-items:' .. id, P .. 'conversation-order:' .. id)
  return redis.call('DEL', P .. 'response:' .. id, P .. 'conversation:' .. id)
end
local function enter(id, size, now)
  forget(id)
  redis.call('ZADD', P .. 'responses', now, id)
  redis.call('HSET', P .. 'response-sizes', id, size)
  redis.call('INCRBY', P .. 'response-bytes', size)
end
local function prune(now, seconds, most, bytes)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', P .. 'responses', '-inf', now - seconds)) do drop(old) end
  while redis.call('ZCARD', P .. 'responses') > 1 and (redis.call('ZCARD', P .. 'responses') > most
      or tonumber(redis.call('GET', P .. 'response-bytes')) > bytes) do
    drop(redis.call('ZRANGE', P .. 'responses', 0, 0)[1])
  end
end
"""
"""Functions that scripts begin with: `drop` deletes a response or a conversation, `enter` books its size and
its time, and `prune` deletes what is too old, and the oldest of what is too much."""


@contextmanager
def failures() -> Iterator[None]:
    """Turn failures of Redis and damaged records into `KeepingFailed`; their texts may hold an address."""
    try:
        yield
    except redis_failures() as error:
        raise KeepingFailed(f"Redis: {type(error).__name__}") from None
    except (ValueError, TypeError):
        raise KeepingFailed("Redis: a record is damaged") from None
