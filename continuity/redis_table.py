"""The answers in a Redis, for several instances of the service behind one balancer.

    {pandora}:answers:OWNER:STRICT      hash: for each conversation its node as JSON, and `taken:` and its id
    {pandora}:similar:OWNER:TOLERANT    set: the strict fingerprints that are similar
    {pandora}:answers-of:OWNER          sorted set, strict fingerprints by time
    {pandora}:answers                   sorted set, OWNER:STRICT by time

A cluster has all of it on one node: a script is told one key, and makes the names of the others (see
`runtime.script_keys`). The clock is that of Redis. All of it expires by itself; what is too much goes with
the next answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from continuity.fingerprint import Fingerprint
from continuity.table import MOST_LOOKED_AT, Bounds, Known, Node, TableFailed, chosen, read, written
from runtime import connect_redis, redis_failures, script_keys
from translate.values import json_text, parsed_json

PREFIX: Final = "{pandora}:"
TAKEN: Final = "taken:"

ADD: Final = """
local P = '{pandora}:'
local owner, strict, tolerant, conversation, node = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local seconds, mine, all, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local function drop(whose, told)
  redis.call('DEL', P .. 'answers:' .. whose .. ':' .. told)
  redis.call('ZREM', P .. 'answers-of:' .. whose, told)
  redis.call('ZREM', P .. 'answers', whose .. ':' .. told)
end
local at = KEYS[1]
local similar = P .. 'similar:' .. owner .. ':' .. tolerant
local conversations = 0
for _, field in ipairs(redis.call('HKEYS', at)) do
  if string.sub(field, 1, 6) ~= 'taken:' then conversations = conversations + 1 end
end
if conversations <= most then
  redis.call('HSET', at, conversation, node)
  redis.call('HDEL', at, 'taken:' .. conversation)
end
redis.call('EXPIRE', at, seconds)
if redis.call('SCARD', similar) <= most then redis.call('SADD', similar, strict) end
redis.call('EXPIRE', similar, seconds)
redis.call('ZADD', P .. 'answers-of:' .. owner, now, strict)
redis.call('EXPIRE', P .. 'answers-of:' .. owner, seconds)
redis.call('ZADD', P .. 'answers', now, owner .. ':' .. strict)
redis.call('EXPIRE', P .. 'answers', seconds)
local function drop_old(key, bound, whose)
  local old = redis.call('ZRANGEBYSCORE', key, '-inf', now - seconds, 'LIMIT', 0, 100)
  local over = redis.call('ZCARD', key) - #old - bound
  if over > 0 then old = redis.call('ZRANGE', key, 0, #old + math.min(over, 100) - 1) end
  for _, told in ipairs(old) do
    if whose then drop(whose, told) else
      local cut = string.find(told, ':', 1, true)
      drop(string.sub(told, 1, cut - 1), string.sub(told, cut + 1))
    end
  end
end
drop_old(P .. 'answers-of:' .. owner, mine, owner)
drop_old(P .. 'answers', all, nil)
"""
FORGET: Final = """
redis.call('HDEL', KEYS[1], ARGV[1], 'taken:' .. ARGV[1])
"""
TAKE: Final = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], 'taken:' .. ARGV[1], '1') end
"""


class RedisConversations:
    """The table in the Redis at `url`."""

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self._redis = connect_redis(url, decode_responses=True)
        self._bounds = bounds or Bounds()

    async def add(self, node: Node) -> None:
        """See `ConversationTable`."""
        bounds, told = self._bounds, node.fingerprint
        given: tuple[Any, ...] = (
            node.owner, told.strict, told.tolerant, node.place.conversation_id, json_text(written(node)),
            int(bounds.seconds), bounds.per_owner, bounds.answers, MOST_LOOKED_AT,
        )  # fmt: skip
        with _failures():
            await self._redis.eval(ADD, *script_keys(_answers(told.strict, node.owner)), *given)

    async def take(self, owner: str, fingerprint: Fingerprint) -> Node | None:
        """See `ConversationTable`."""
        with _failures():
            strict = await self._known(owner, fingerprint.strict)
            similar: list[Known] = []
            if not strict:
                redis: Any = self._redis
                others = await redis.smembers(f"{PREFIX}similar:{owner}:{fingerprint.tolerant}")
                for other in others:
                    similar += await self._known(owner, other)
            if max(len(strict), len(similar)) > MOST_LOOKED_AT:
                return None
            node = chosen(strict, similar)
            if node is not None:
                await self._redis.eval(TAKE, *_told(node))
        return node

    async def forget(self, node: Node) -> None:
        """See `ConversationTable`."""
        with _failures():
            await self._redis.eval(FORGET, *_told(node))

    async def close(self) -> None:
        """See `ConversationTable`."""
        with suppress(*redis_failures()):
            await self._redis.aclose()

    async def _known(self, owner: str, strict: str) -> list[Known]:
        redis: Any = self._redis
        found: Mapping[str, str] = await redis.hgetall(_answers(strict, owner))
        known = [
            Known(read(parsed_json(value)), f"{TAKEN}{field}" in found)
            for field, value in found.items()
            if not field.startswith(TAKEN)
        ]
        return sorted(known, key=lambda one: one.node.at)


def _answers(strict: str, owner: str) -> str:
    return f"{PREFIX}answers:{owner}:{strict}"


def _told(node: Node) -> tuple[int, str, str, str]:
    return *script_keys(_answers(node.fingerprint.strict, node.owner)), node.place.conversation_id


@contextmanager
def _failures() -> Iterator[None]:
    """Turn failures of Redis and damaged nodes into `TableFailed`; their texts may hold an address."""
    try:
        yield
    except redis_failures() as error:
        raise TableFailed(f"Redis: {type(error).__name__}") from None
    except (ValueError, TypeError):
        raise TableFailed("Redis: a node is damaged") from None
