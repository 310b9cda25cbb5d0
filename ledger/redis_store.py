"""The ledger in a Redis, for several instances of the service behind one balancer.

Limits are checked and the conversation is recorded in one step there, so instances cannot overshoot them
together. How durable it is, is up to that Redis: ``appendonly yes`` with ``appendfsync always`` loses
nothing, ``everysec`` up to a second.
"""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ledger.key_names import KeyNames, keep_secret
from ledger.limits import DAY, HOUR, Limits, Standing
from ledger.records import Capped, Counted, Posted, Settled, Spent
from ledger.redis_scripts import COUNT, POST, PREFIX, SEPARATOR, SETTLE, TALLY_SECONDS
from ledger.store import Item, Recent, StoreError, Verdict

log = logging.getLogger("pandora")

SECONDS = 2.0
"""For each command: a Redis that is slower than that is down."""
MAX_UNKNOWN = 20
DAYS_AT_ONCE = 100


class RedisStore:
    """``keys`` take over the secret that the instances share, which is then kept in ``secret_file`` too."""

    def __init__(self, url: str, limits: Limits, keys: KeyNames, secret_file: Path, retention: int) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=SECONDS,
            socket_connect_timeout=SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._limits = limits
        self._keys = keys
        self._secret_file = secret_file
        self._retention = retention

    async def load(self, since: float) -> Recent:
        """Agree on the secret; what was spent is asked anew with each conversation."""
        name = PREFIX + "secret"
        with _told():
            await self._redis.set(name, self._keys.secret.hex(), nx=True)
            shared = bytes.fromhex(str(await self._redis.get(name)))
        if shared != self._keys.secret:
            self._keys.secret = shared
            with suppress(OSError):
                await asyncio.to_thread(keep_secret, self._secret_file, shared)
        return Recent()

    async def write(self, items: Sequence[Item]) -> Sequence[Verdict | None]:
        """See Store."""
        pipeline = self._redis.pipeline(transaction=False)
        for item in items:
            match item.record:
                case Capped(alias, slug, until):
                    pipeline.set(f"{PREFIX}cap:{alias}:{slug}", until, exat=int(until) + 1)
                case record:
                    pipeline.eval(*self._step(record, item.forced))
        with _told():
            answers = await pipeline.execute()
        return [
            _verdict(answer) if isinstance(item.record, Posted) else None
            for item, answer in zip(items, answers, strict=True)
        ]

    async def usage(self, since: float, until: float, bucket: int, alias: str | None) -> list[Spent]:
        """See Store. Hours are known for some days only."""
        name, offset = ("day", self._limits.reset_hour * HOUR) if bucket == DAY else ("hour", 0)
        first, last = int((since - offset) // bucket), int((until - offset - 1) // bucket)
        rows: list[Spent] = []
        for begin in range(first, last + 1, DAYS_AT_ONCE):
            numbers = range(begin, min(begin + DAYS_AT_ONCE, last + 1))
            pipeline = self._redis.pipeline(transaction=False)
            for number in numbers:
                pipeline.hgetall(f"{PREFIX}{name}:{number}")
            with _told():
                found = await pipeline.execute()
            for number, sums in zip(numbers, found, strict=True):
                rows += _rows(number * bucket + offset, sums, alias)
        return rows

    async def unknown(self, alias: str, before: float) -> list[Posted]:
        """See Store."""
        with _told():
            ids = await self._redis.zrevrangebyscore(
                f"{PREFIX}unknown:{alias}", before, "-inf", start=0, num=MAX_UNKNOWN
            )
            entries: list[tuple[Any, Any]] = [
                (id, await self._redis.hgetall(f"{PREFIX}entry:{id!s}")) for id in ids
            ]
        return [_posted(id, entry) for id, entry in entries if entry]

    async def forget(self, before: float) -> None:
        """Nothing to do: everything there expires by itself."""

    async def close(self) -> None:
        """Let go of the connections."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()

    def _step(self, record: Posted | Settled | Counted, forced: bool) -> tuple[Any, ...]:
        match record:
            case Posted():
                limits = self._limits
                return (
                    POST, 0, record.id, repr(record.at), record.alias, record.model, record.slug,
                    record.units, int(record.windowed), record.message_id, int(forced),
                    limits.day(record.at), int(record.at // HOUR), limits.per_day, limits.per_key,
                    limits.window_messages, limits.window, self._retention, TALLY_SECONDS,
                )  # fmt: skip
            case Settled():
                ttft = "" if record.ttft is None else record.ttft
                return (
                    SETTLE, 0, record.id, record.outcome.value, int(record.free), record.served,
                    record.conversation_id, record.duration, ttft,
                )  # fmt: skip
            case Counted():
                return COUNT, 0, record.id, record.prompt, record.completion


@contextmanager
def _told() -> Iterator[None]:
    """Failures of Redis as StoreError; their own texts may hold its address."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreError(f"Redis: {type(error).__name__}") from None


def _verdict(answer: Any) -> Verdict:
    taken, units, key_units, capped, window = answer
    times = [float(pair[1]) for pair in window] if window and isinstance(window[0], list) else window[1::2]
    return Verdict(
        bool(int(taken)), Standing(int(units), int(key_units), [float(at) for at in times], float(capped))
    )


def _rows(start: int, sums: dict[str, str], alias: str | None) -> Iterable[Spent]:
    known: dict[tuple[str, str], dict[str, int]] = {}
    for field, value in sums.items():
        model, whose, what = field.split(SEPARATOR)
        if alias is None or whose == alias:
            known.setdefault((model, whose), {})[what] = int(value)
    for (model, whose), values in sorted(known.items()):
        yield Spent(
            start,
            model,
            whose,
            values.get("conversations", 0),
            values.get("free", 0),
            values.get("unknown", 0),
            values.get("units", 0),
            values.get("prompt_tokens", 0),
            values.get("completion_tokens", 0),
        )


def _posted(id: str, entry: dict[str, str]) -> Posted:
    return Posted(
        id,
        float(entry["at"]),
        entry["alias"],
        entry["model"],
        entry["slug"],
        int(entry["units"]),
        entry["windowed"] == "1",
        entry["message_id"],
    )
