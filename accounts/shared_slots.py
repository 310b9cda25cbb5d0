"""Places of a key that several instances share, on a Redis: leases, so that a dead instance holds none.

For each key there are three sorted sets: who holds a place and until when, who waits in which order, and
until when each waiter counts as alive. Only those who are first in an instance's own line come here, so
the instances take turns, and within each of them it goes by who came first. Keys are stored as digests.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

T = TypeVar("T")

log = logging.getLogger("pandora")

LEASE_SECONDS: Final = 15.0
"""After that, the places of an instance that died are free again."""
RENEWAL_SECONDS: Final = 4.0
WAITER_SECONDS: Final = 5.0
"""After that, a waiter that no longer asks is out of the line."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.1
"""Between two questions of one who waits."""
ANSWER_SECONDS = 2.0
"""What Redis may take for an answer; then it is out of reach."""
CONNECTIONS: Final = 20
"""Further questions wait for one of them."""
AWAY_SECONDS = 5.0
"""How long a Redis out of reach is not asked again."""

_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held, waiting, alive = KEYS[1], KEYS[2], KEYS[3]
local me, places, lease, patience = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', alive, '-inf', now)) do
  redis.call('ZREM', waiting, gone)
  redis.call('ZREM', alive, gone)
end
if not redis.call('ZSCORE', waiting, me) then
  local last = redis.call('ZREVRANGE', waiting, 0, 0, 'WITHSCORES')
  redis.call('ZADD', waiting, (tonumber(last[2]) or 0) + 1, me)
end
local admitted = redis.call('ZRANK', waiting, me) < places - redis.call('ZCARD', held)
if admitted then
  redis.call('ZREM', waiting, me)
  redis.call('ZREM', alive, me)
  redis.call('ZADD', held, now + lease, me)
else
  redis.call('ZADD', alive, now + patience, me)
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, 2 * lease) end
return admitted and 1 or 0
"""
# What still runs holds its place, even if its lease had run out in between.
_RENEW = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
"""
_AWAY = (RedisError, OSError, TimeoutError)


class SharedPlaces:
    """The places on the Redis at ``url``. Out of reach, it hands out nothing and says so once."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=ANSWER_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._take = self._redis.register_script(_TAKE)
        self._renew = self._redis.register_script(_RENEW)
        self._clock = clock
        self._away_until: float | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._renewals: set[asyncio.Task[None]] = set()

    async def take(self, key: str, places: int) -> "Lease | None":
        """Wait for one of the key's ``places``; when cancelled, nothing is held.

        Gives None at once while Redis is out of reach: then each instance has to do with its own line.
        """
        if self._away_until is not None and self._clock() < self._away_until:
            return None
        lease = Lease(self, key)
        pause = SHORTEST_PAUSE
        asking = self._spawn(self._ask(lease, places))
        try:
            while not await asyncio.shield(asking):
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
                asking = self._spawn(self._ask(lease, places))
        except _AWAY:
            self._lost()
            return None
        except BaseException:
            self._spawn(self._withdraw_after(asking, lease))
            raise
        lease.renewal = self._spawn(self._keep(lease))
        self._renewals.add(lease.renewal)
        lease.renewal.add_done_callback(self._renewals.discard)
        return lease

    async def withdraw(self, lease: "Lease") -> None:
        """Give the place back, or the wait for it."""
        try:
            async with self._redis.pipeline(transaction=True) as pipeline:
                for name in lease.names:
                    pipeline.zrem(name, lease.id)
                await pipeline.execute()
        except _AWAY:
            self._lost()  # and the lease runs out

    async def _withdraw_after(self, asking: asyncio.Task[bool], lease: "Lease") -> None:
        # A question under way could put it in line again behind our back.
        await asyncio.wait([asking])
        if not asking.cancelled():
            asking.exception()  # seen, and of no interest any more
        await self.withdraw(lease)

    async def close(self) -> None:
        """Stop renewing, and close the connections; to be called when nobody waits any more."""
        for renewal in self._renewals:
            renewal.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def _ask(self, lease: "Lease", places: int) -> bool:
        times = [int(LEASE_SECONDS * 1000), int(WAITER_SECONDS * 1000)]
        admitted = await self._take(keys=lease.names, args=[lease.id, places, *times])
        if self._away_until is not None:
            self._away_until = None
            log.info("Redis is back: the queue is shared by all instances again")
        return bool(admitted)

    async def _keep(self, lease: "Lease") -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            try:
                await self._renew(keys=lease.names[:1], args=[lease.id, int(LEASE_SECONDS * 1000)])
            except _AWAY:
                self._lost()

    def _lost(self) -> None:
        if self._away_until is None:
            log.warning("Redis is out of reach: until it is back, each instance queues by itself")
        self._away_until = self._clock() + AWAY_SECONDS

    def _spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class Lease:
    """One place of a key, held until released."""

    def __init__(self, shared: SharedPlaces, key: str) -> None:
        digest = hashlib.sha256(key.encode()).hexdigest()[:32]
        self.id = secrets.token_hex(8)
        self.names = [f"pandora:queue:{{{digest}}}:{part}" for part in ("held", "waiting", "alive")]
        self.renewal: asyncio.Task[None] | None = None
        self._shared = shared

    async def release(self) -> None:
        """Let the next one have it, wherever it waits. Raises nothing."""
        if self.renewal is not None:
            self.renewal.cancel()
        await self._shared.withdraw(self)
