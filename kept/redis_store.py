"""Kept responses in a Redis, for several instances of the service behind one balancer.

    {pandora}:response:ID               the record, as JSON
    {pandora}:response-item:OWNER:ID    the id of the response that has this output item
    {pandora}:responses                 sorted set, ids by time
    {pandora}:response-sizes            hash, bytes by id
    {pandora}:response-bytes            their sum

Records and items expire by themselves; the rest is put right with the next record.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from kept.records import KeptResponse, read, written
from kept.store import DAY, TOO_LARGE, KeepingFailed, KeptBounds
from runtime import COMPUTING, connect_redis, redis_failures
from translate.values import JsonObject, text_at

PREFIX: Final = "{pandora}:"
RECORD: Final = PREFIX + "response:"
ITEM: Final = PREFIX + "response-item:"

_DROP: Final = """
local P = '{pandora}:'
local function drop(id)
  local size = redis.call('HGET', P .. 'response-sizes', id)
  if size then redis.call('DECRBY', P .. 'response-bytes', size) end
  redis.call('HDEL', P .. 'response-sizes', id)
  redis.call('ZREM', P .. 'responses', id)
  return redis.call('DEL', P .. 'response:' .. id)
end
"""
PUT: Final = (
    _DROP
    + """
local id, record, seconds, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(redis.call('TIME')[1])
local most, bytes, owner = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
drop(id)
redis.call('SET', P .. 'response:' .. id, record, 'EX', seconds)
redis.call('ZADD', P .. 'responses', now, id)
redis.call('HSET', P .. 'response-sizes', id, #record)
redis.call('INCRBY', P .. 'response-bytes', #record)
for i = 7, #ARGV do redis.call('SET', P .. 'response-item:' .. owner .. ':' .. ARGV[i], id, 'EX', seconds) end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', P .. 'responses', '-inf', now - seconds)) do drop(old) end
while redis.call('ZCARD', P .. 'responses') > 1 and (redis.call('ZCARD', P .. 'responses') > most
    or tonumber(redis.call('GET', P .. 'response-bytes')) > bytes) do
  drop(redis.call('ZRANGE', P .. 'responses', 0, 0)[1])
end
"""
)
DELETE: Final = _DROP + "return drop(ARGV[1])"


class RedisResponses:
    """The store in the Redis at `url`."""

    def __init__(self, url: str, bounds: KeptBounds) -> None:
        self._redis = connect_redis(url)
        self._bounds = bounds

    async def put(self, record: KeptResponse) -> None:
        """See `ResponseStore`; how durable it is depends on the Redis."""
        bounds = self._bounds
        data = await COMPUTING.run(written, record)
        if len(data) > bounds.largest:
            raise KeepingFailed(TOO_LARGE)
        given: tuple[Any, ...] = (
            record.id, data, int(bounds.days * DAY), bounds.responses, bounds.size, record.owner,
            *record.output_ids,
        )  # fmt: skip
        with _failures():
            await self._redis.eval(PUT, 0, *given)

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        """See `ResponseStore`."""
        with _failures():
            data = await self._bytes_at(RECORD + id)
            record = await COMPUTING.run(read, data) if data is not None else None
        return record if record is not None and record.owner == owner else None

    async def delete(self, owner: str, id: str) -> bool:
        """See `ResponseStore`."""
        if await self.get(owner, id) is None:
            return False
        with _failures():
            return bool(await self._redis.eval(DELETE, 0, id))

    async def output_items(self, owner: str, ids: Collection[str]) -> Mapping[str, JsonObject]:
        """See `ResponseStore`."""
        found: dict[str, JsonObject] = {}
        left = self._bounds.at_once
        for id in ids:
            if id in found or left <= 0:
                continue
            with _failures():
                response = await self._bytes_at(f"{ITEM}{owner}:{id}")
            if response is not None and (record := await self.get(owner, response.decode())) is not None:
                found |= {text_at(item, "id"): item for item in record.output}
                left -= record.size
        return found

    async def _bytes_at(self, key: str) -> bytes | None:
        value: Any = await self._redis.get(key)
        return bytes(value) if value is not None else None

    async def close(self) -> None:
        """See `ResponseStore`."""
        with suppress(*redis_failures()):
            await self._redis.aclose()


@contextmanager
def _failures() -> Iterator[None]:
    """Turn failures of Redis and damaged records into `KeepingFailed`; their texts may hold an address."""
    try:
        yield
    except redis_failures() as error:
        raise KeepingFailed(f"Redis: {type(error).__name__}") from None
    except (ValueError, TypeError):
        raise KeepingFailed("Redis: a record is damaged") from None
