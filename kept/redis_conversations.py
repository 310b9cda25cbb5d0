"""Kept conversations in a Redis.

    {pandora}:conversation:ID           hash: owner, created, metadata, standing, version, size in bytes
    {pandora}:conversation-items:ID     hash, items by their ids
    {pandora}:conversation-order:ID     list of those ids
    {pandora}:conversations-of:OWNER    sorted set, ids of conversations by time

They are among the `{pandora}:responses` of `redis_store`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from kept.records import (
    ITEM_BYTES,
    KeptConversation,
    Page,
    Standing,
    page_of,
    read_standing,
    written_items,
    written_standing,
)
from kept.redis_books import BOOKS, PREFIX, failures
from kept.store import DAY, ConversationFull, KeptBounds
from runtime import COMPUTING, script_keys
from translate.values import JsonObject, json_bytes, parsed_json

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

HEAD: Final = PREFIX + "conversation:"
ITEMS: Final = PREFIX + "conversation-items:"
ORDER: Final = PREFIX + "conversation-order:"
FULL: Final = 2
"""What a script gives if the items do not fit; else 1, or 0 where there is no such thing."""

_BEGIN: Final = (
    BOOKS
    + """
local id, owner = ARGV[1], ARGV[2]
local seconds, most, bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local head = KEYS[1]
local items, order = P .. 'conversation-items:' .. id, P .. 'conversation-order:' .. id
local owned = P .. 'conversations-of:' .. owner
local now = tonumber(redis.call('TIME')[1])
local function changed(more)
  local size = redis.call('HINCRBY', head, 'size', more)
  redis.call('ZADD', owned, now, id)
  for _, key in ipairs({head, items, order, owned}) do redis.call('EXPIRE', key, seconds) end
  enter(id, size, now)
  prune(now, seconds, most, bytes)
end
local function set(name, value)
  local before = redis.call('HGET', head, name)
  redis.call('HSET', head, name, value)
  return #value - (before and #before or 0)
end
"""
)
_OWNED: Final = "if redis.call('HGET', head, 'owner') ~= owner then return 0 end\n"
_ADD: Final = """
local size, longest, count, overhead = 0, tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local standing, seen, metadata, created = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local own = tonumber(ARGV[13])
for i = 14, #ARGV, 2 do size = size + #ARGV[i + 1] + overhead end
local there = tonumber(redis.call('HGET', head, 'size') or 0)
if there + size + #standing + #metadata > longest
  or redis.call('LLEN', order) + (#ARGV - 13) / 2 > count then return 2 end
if created ~= '' then
  redis.call('HSET', head, 'owner', owner, 'created', created, 'version', 0)
  size = size + set('metadata', metadata)
  redis.call('ZREMRANGEBYSCORE', owned, '-inf', now - seconds)
  while redis.call('ZCARD', owned) >= own do drop(redis.call('ZPOPMIN', owned)[1]) end
end
if created == '' and redis.call('HGET', head, 'version') ~= seen then standing = '' end
size = size + set('standing', standing)
for i = 14, #ARGV, 2 do
  redis.call('RPUSH', order, ARGV[i])
  redis.call('HSET', items, ARGV[i], ARGV[i + 1])
end
redis.call('HINCRBY', head, 'version', 1)
changed(size)
return 1
"""
CREATE: Final = _BEGIN + _ADD
APPEND: Final = _BEGIN + _OWNED + _ADD
DESCRIBE: Final = _BEGIN + _OWNED + "changed(set('metadata', ARGV[6]))\nreturn 1"
DELETE: Final = _BEGIN + _OWNED + "return drop(id)"
REMOVE: Final = (
    _BEGIN
    + _OWNED
    + """
local item = redis.call('HGET', items, ARGV[6])
if not item then return 0 end
redis.call('HDEL', items, ARGV[6])
redis.call('LREM', order, 1, ARGV[6])
redis.call('HINCRBY', head, 'version', 1)
changed(set('standing', '') - #item - tonumber(ARGV[7]))
return 1
"""
)


class RedisConversations:
    """The conversations in that Redis; how durable they are depends on it."""

    def __init__(self, redis: "Redis | RedisCluster", bounds: KeptBounds) -> None:
        self._redis = redis
        self._bounds = bounds

    async def create(self, conversation: KeptConversation, items: Sequence[JsonObject]) -> None:
        """See `ConversationStore`."""
        about = written_standing(conversation.standing), "", json_bytes(conversation.metadata)
        created = repr(conversation.created)
        await self._add(CREATE, conversation.owner, conversation.id, items, *about, created)

    async def get(self, owner: str, id: str) -> KeptConversation | None:
        """See `ConversationStore`."""
        names = ("owner", "created", "metadata", "standing", "version", "size")
        with failures():
            found: Any = await self._redis.hmget(HEAD + id, names)
            if found[0] is None or found[0].decode() != owner:
                return None
            _, created, metadata, standing, version, size = found
            count: Any = await self._redis.llen(ORDER + id)
            return KeptConversation(
                id=id,
                owner=owner,
                created=float(created),
                metadata=parsed_json(metadata),
                standing=read_standing(standing),
                version=int(version),
                room=self._bounds.conversation - int(size),
                free=self._bounds.items - count,
            )

    async def describe(self, owner: str, id: str, metadata: Mapping[str, str]) -> bool:
        """See `ConversationStore`."""
        return bool(await self._run(DESCRIBE, owner, id, json_bytes(metadata)))

    async def delete(self, owner: str, id: str) -> bool:
        """See `ConversationStore`."""
        return bool(await self._run(DELETE, owner, id))

    async def append(
        self,
        owner: str,
        id: str,
        items: Sequence[JsonObject],
        standing: Standing | None = None,
        seen: int | None = None,
    ) -> bool:
        """See `ConversationStore`."""
        about = written_standing(standing), "" if seen is None else str(seen), b"", ""
        return await self._add(APPEND, owner, id, items, *about)

    async def remove(self, owner: str, id: str, item_id: str) -> bool:
        """See `ConversationStore`."""
        return bool(await self._run(REMOVE, owner, id, item_id, ITEM_BYTES))

    async def item(self, owner: str, id: str, item_id: str) -> JsonObject | None:
        """See `ConversationStore`."""
        if await self.get(owner, id) is None:
            return None
        return next(iter((await self._page(id, [item_id], 1)).items), None)

    async def items(
        self, owner: str, id: str, *, limit: int, after: str = "", newest_first: bool = False
    ) -> Page | None:
        """See `ConversationStore`."""
        if await self.get(owner, id) is None:
            return None
        with failures():
            place: Any = await self._redis.lpos(ORDER + id, after) if after else None
            if after and place is None:
                return None
            if not newest_first:
                begin = 0 if place is None else place + 1
                ids: Any = await self._redis.lrange(ORDER + id, begin, begin + limit)
            elif place == 0:
                ids = ()
            else:  # -1 is the last one
                end = -1 if place is None else place - 1
                ids = await self._redis.lrange(
                    ORDER + id, max(end - limit, 0) if end >= 0 else end - limit, end
                )
                ids = ids[::-1]
        return await self._page(id, ids, limit)

    async def all_items(self, owner: str, id: str) -> Sequence[JsonObject]:
        """See `ConversationStore`."""
        if await self.get(owner, id) is None:
            return ()
        with failures():
            ids: Any = await self._redis.lrange(ORDER + id, 0, -1)
        return (await self._page(id, ids, len(ids), self._bounds.conversation)).items

    async def _page(self, id: str, ids: Sequence[Any], limit: int, most: int = 0) -> Page:
        """The items of these ids, as far as there are any."""
        if not ids:
            return Page((), more=False)
        with failures():
            found: Any = await self._redis.hmget(ITEMS + id, ids)
            there = [data for data in found if data is not None]
            return await COMPUTING.run(page_of, there, limit, most or self._bounds.largest)

    async def _add(
        self, script: str, owner: str, id: str, items: Sequence[JsonObject], *about: str | bytes
    ) -> bool:
        """Run a script that adds items; `about` are the standing, the version seen, metadata, the time."""
        written = await COMPUTING.run(written_items, items)
        limits = self._bounds.conversation, self._bounds.items, ITEM_BYTES
        pairs = (part for item in written for part in (item.id, item.data))
        done = await self._run(script, owner, id, *limits, *about, self._bounds.conversations, *pairs)
        if done == FULL:
            raise ConversationFull
        return bool(done)

    async def _run(self, script: str, owner: str, id: str, *more: str | bytes | int) -> int:
        bounds = self._bounds
        with failures():
            return int(
                await self._redis.eval(
                    script,
                    *script_keys(HEAD + id),
                    id,
                    owner,
                    int(bounds.days * DAY),
                    bounds.responses,
                    bounds.size,
                    *more,
                )
            )
