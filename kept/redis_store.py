"""Kept responses in a Redis, for several instances of the service behind one balancer.

    {pandora}:response:ID               the record, as JSON
    {pandora}:response-item:OWNER:ID    the id of the response that has this output item
    {pandora}:responses                 sorted set, ids by time
    {pandora}:response-sizes            hash, bytes by id
    {pandora}:response-bytes            their sum

A cluster has all of them on one node: a script is told one key, and makes the names of the others (see
`runtime.script_keys`).

The last three are of conversations too. Records and items expire by themselves; the rest is put right with
the next record.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, Final

from kept.records import KeptResponse, read, written
from kept.redis_books import BOOKS, PREFIX, failures
from kept.redis_conversations import RedisConversations
from kept.store import DAY, TOO_LARGE, KeepingFailed, KeptBounds
from runtime import COMPUTING, connect_redis, redis_failures, script_keys
from translate.values import JsonObject, text_at

RECORD: Final = PREFIX + "response:"
ITEM: Final = PREFIX + "response-item:"

PUT: Final = (
    BOOKS
    + """
local id, record, seconds, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(redis.call('TIME')[1])
local most, bytes, owner = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
drop(id)
redis.call('SET', KEYS[1], record, 'EX', seconds)
enter(id, #record, now)
for i = 7, #ARGV do redis.call('SET', P .. 'response-item:' .. owner .. ':' .. ARGV[i], id, 'EX', seconds) end
prune(now, seconds, most, bytes)
"""
)
DELETE: Final = BOOKS + "return drop(ARGV[1])"


class RedisResponses:
    """The store in the Redis at `url`."""

    def __init__(self, url: str, bounds: KeptBounds) -> None:
        self._redis = connect_redis(url)
        self._bounds = bounds
        self.conversations = RedisConversations(self._redis, bounds)

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
        with failures():
            await self._redis.eval(PUT, *script_keys(RECORD + record.id), *given)

    async def get(self, owner: str, id: str) -> KeptResponse | None:
        """See `ResponseStore`."""
        with failures():
            data = await self._bytes_at(RECORD + id)
            record = await COMPUTING.run(read, data) if data is not None else None
        return record if record is not None and record.owner == owner else None

    async def delete(self, owner: str, id: str) -> bool:
        """See `ResponseStore`."""
        if await self.get(owner, id) is None:
            return False
        with failures():
            return bool(await self._redis.eval(DELETE, *script_keys(RECORD + id), id))

    async def output_items(self, owner: str, ids: Collection[str]) -> Mapping[str, JsonObject]:
        """See `ResponseStore`."""
        found: dict[str, JsonObject] = {}
        left = self._bounds.at_once
        for id in ids:
            if id in found or left <= 0:
                continue
            with failures():
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
