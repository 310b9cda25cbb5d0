"""Slots that several instances of the service share, on a Redis: leases, so that a dead instance holds none.

For each waiting queue there are three sorted sets: who holds a slot and until when, who waits in which order,
and until when each waiter counts as alive. Only the first of an instance's own waiting queue comes here, so
the instances take turns, and within each instance the first to come is the first to be served.

A Redis that stands still answers late, but does what it was asked all the same: it would give a slot to a
request that has given up. So a lease of which it is not known whether Redis has it is given back as soon as
Redis answers again, and its id goes into a fourth set: whatever still comes for it is refused.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from runtime import BackgroundTasks, connect_redis, redis_failures

log = logging.getLogger("pandora")

LEASE_SECONDS: Final = 15.0
"""After that, the slots of an instance that died are free again."""
RENEWAL_SECONDS: Final = 4.0
"""How often a lease is renewed."""
WAITER_SECONDS: Final = 5.0
"""After that, a waiter that no longer asks is out of the queue."""
RETRY_SECONDS: Final = 5.0
"""For how long a Redis that is out of reach is not asked again."""
SHORTEST_PAUSE: Final = 0.02
"""Pause between the first two questions of a waiter, in seconds."""
LONGEST_PAUSE: Final = 0.1
"""Longest pause between its later questions."""

GIVE_BACK_SECONDS: Final = 0.5
"""Pause between two tries to give back what is left at a Redis out of reach."""
REFUSED_SECONDS: Final = 60.0
"""How long commands for a lease that was given back are refused; those that are under way come sooner."""
MAX_OWED: Final = 10_000
"""Leases that wait to be given back; beyond that the oldest run out by themselves."""

_ACQUIRE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held, waiting, alive = KEYS[1], KEYS[2], KEYS[3]
local me, slots, lease, patience = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('ZSCORE', KEYS[4], me) then return 0 end
redis.call('ZREMRANGEBYSCORE', held, '-inf', now)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', alive, '-inf', now)) do
  redis.call('ZREM', waiting, gone)
  redis.call('ZREM', alive, gone)
end
if not redis.call('ZSCORE', waiting, me) then
  local last = redis.call('ZREVRANGE', waiting, 0, 0, 'WITHSCORES')
  redis.call('ZADD', waiting, (tonumber(last[2]) or 0) + 1, me)
end
local admitted = redis.call('ZRANK', waiting, me) < slots - redis.call('ZCARD', held)
if admitted then
  redis.call('ZREM', waiting, me)
  redis.call('ZREM', alive, me)
  redis.call('ZADD', held, now + lease, me)
elseif patience > 0 then
  redis.call('ZADD', alive, now + patience, me)
else
  redis.call('ZREM', waiting, me)
end
for index = 1, 3 do redis.call('PEXPIRE', KEYS[index], 2 * lease) end
return admitted and 1 or 0
"""
# A turn that still runs holds its slot, even if its lease had run out in between.
_RENEW: Final = """
if redis.call('ZSCORE', KEYS[4], ARGV[1]) then return end
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
"""
_WITHDRAW: Final = """
for index = 1, 3 do redis.call('ZREM', KEYS[index], ARGV[1]) end
local refused = tonumber(ARGV[2])
if refused > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
  redis.call('ZADD', KEYS[4], now + refused, ARGV[1])
  redis.call('PEXPIRE', KEYS[4], refused)
end
"""


class SlotTaken(Exception):
    """No slot is free at once: other instances hold them all, or somebody waits for them."""


class SharedSlots:
    """The slots on the Redis at `url`. While that is out of reach no leases are given, and the log says so.

    `lease`, `renewal`, `waiter` and `retry` are the times above, in seconds; `clock` gives seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        lease: float = LEASE_SECONDS,
        renewal: float = RENEWAL_SECONDS,
        waiter: float = WAITER_SECONDS,
        retry: float = RETRY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = connect_redis(url)
        self._acquire = self._redis.register_script(_ACQUIRE)
        self._renew = self._redis.register_script(_RENEW)
        self._withdraw = self._redis.register_script(_WITHDRAW)
        self._lease_milliseconds = int(lease * 1000)
        self._waiter_milliseconds = int(waiter * 1000)
        self._renewal = renewal
        self._retry = retry
        self._clock = clock
        self._unreachable_until: float | None = None
        self._commands = BackgroundTasks()
        self._renewals = BackgroundTasks()
        self._owed: dict[str, Lease] = {}
        """Leases to be given back, by id: Redis has them perhaps."""
        self._giving_back = BackgroundTasks()
        self._giver: asyncio.Task[None] | None = None

    async def acquire(self, name: str, slots: int) -> "Lease | None":
        """Wait for one of the `slots` of the queue `name`; when cancelled, nothing is held.

        Returns None at once while Redis is out of reach: then each instance uses its own queue alone.
        """
        if self._unreachable_until is not None and self._clock() < self._unreachable_until:
            return None
        return await self._lease(name, slots, self._waiter_milliseconds)

    async def take(self, name: str, slots: int) -> "Lease | None":
        """Take one of the `slots` of the queue `name` at once; when cancelled, nothing is held.

        Returns None while Redis is out of reach. Raises SlotTaken.
        """
        if self._unreachable_until is not None and self._clock() < self._unreachable_until:
            return None
        return await self._lease(name, slots, 0)

    async def _lease(self, name: str, slots: int, patience: int) -> "Lease | None":
        """See `acquire`, and without `patience` (in ms) `take`."""
        lease = Lease(self, name)
        pause = SHORTEST_PAUSE
        asking = self._commands.start(self._ask(lease, slots, patience))
        try:
            while not await asyncio.shield(asking):
                if not patience:
                    raise SlotTaken
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
                asking = self._commands.start(self._ask(lease, slots, patience))
        except redis_failures():
            self._note_unreachable()
            self._owe(lease)
            return None
        except SlotTaken:
            raise  # nothing is left in Redis
        except BaseException:
            self._commands.start(self._withdraw_after(asking, lease))
            raise
        lease.renewal = self._renewals.start(self._keep_renewing(lease))
        return lease

    async def withdraw(self, lease: "Lease") -> None:
        """Give up the slot, or the wait for it. Raises nothing."""
        try:
            await self._give_back(lease)
        except redis_failures():
            self._note_unreachable()
            self._owe(lease)

    async def close(self) -> None:
        """Stop renewing, and close the connections; to be called when nobody waits any more."""
        await self._renewals.cancel()
        await self._commands.wait()
        await self._giving_back.cancel()
        with suppress(*redis_failures()):
            await self._give_all_back()
        await self._redis.aclose()

    async def _ask(self, lease: "Lease", slots: int, patience: int) -> bool:
        await self._give_all_back()
        times = self._lease_milliseconds, patience
        lease.in_doubt = True
        admitted = await self._acquire(keys=lease.names, args=[lease.id, slots, *times])
        lease.in_doubt = False
        if self._unreachable_until is not None:
            self._unreachable_until = None
            log.info("Redis is back: the queue is shared by all instances again")
        return bool(admitted)

    async def _withdraw_after(self, asking: asyncio.Task[bool], lease: "Lease") -> None:
        # A question under way could otherwise put the waiter into the queue again.
        await asyncio.wait([asking])
        if not asking.cancelled():
            asking.exception()  # so that asyncio does not log it
        await self.withdraw(lease)

    async def _keep_renewing(self, lease: "Lease") -> None:
        while True:
            await asyncio.sleep(self._renewal)
            try:
                lease.in_doubt = True
                await self._renew(keys=lease.names, args=[lease.id, self._lease_milliseconds])
                lease.in_doubt = False
            except redis_failures():
                self._note_unreachable()

    async def _give_back(self, lease: "Lease") -> None:
        """Have Redis forget a lease, and refuse what may still be under way for it."""
        refused = REFUSED_SECONDS if lease.in_doubt else 0.0
        await self._withdraw(keys=lease.names, args=[lease.id, int(refused * 1000)])
        self._owed.pop(lease.id, None)

    def _owe(self, lease: "Lease") -> None:
        """Give the lease back as soon as Redis is there again."""
        lease.in_doubt = True
        self._owed[lease.id] = lease
        if len(self._owed) > MAX_OWED:
            del self._owed[next(iter(self._owed))]
        if self._giver is None or self._giver.done():
            self._giver = self._giving_back.start(self._keep_giving_back())

    async def _keep_giving_back(self) -> None:
        while self._owed:
            await asyncio.sleep(GIVE_BACK_SECONDS)
            with suppress(*redis_failures()):
                await self._give_all_back()

    async def _give_all_back(self) -> None:
        for lease in list(self._owed.values()):
            if lease.id in self._owed:  # nobody else was faster
                await self._give_back(lease)

    def _note_unreachable(self) -> None:
        if self._unreachable_until is None:
            log.warning("Redis is out of reach: until it is back, each instance queues by itself")
        self._unreachable_until = self._clock() + self._retry


class Lease:
    """One slot of the queue `name`, held until released. `names` are its keys in Redis."""

    def __init__(self, shared: SharedSlots, name: str) -> None:
        self.id = secrets.token_hex(8)
        self.names = [f"pandora:queue:{{{name}}}:{part}" for part in ("held", "waiting", "alive", "refused")]
        self.in_doubt = False
        """A command for it was sent, and not answered."""
        self.renewal: asyncio.Task[None] | None = None
        """What renews it, once it is held."""
        self._shared = shared

    async def release(self) -> None:
        """Give the slot to the next waiter, in any instance. Raises nothing."""
        if self.renewal is not None:
            self.renewal.cancel()
        await self._shared.withdraw(self)
