"""The ledger in a Redis, for several instances of the service behind one balancer.

Limits are checked and the conversation is recorded in one step there, so the instances cannot exceed them
together. How durable that is depends on the Redis: `appendonly yes` with `appendfsync always` loses nothing.
With `everysec`, or where a replica takes over, the last moments may be lost; each instance writes its own
records of them again.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger.counters import MAX_CAP_SECONDS
from ledger.key_names import KeyNames, save_secret
from ledger.limits import DAY, HOUR, UNLIMITED, Allowed, CurrentUsage, Limits
from ledger.recent_writes import RecentWrites
from ledger.records import Capped, Counted, Posted, Record, Settled, Subject, UsageRow, free_alias
from ledger.redis_scripts import (
    ACCOUNT_SEPARATOR,
    BORN,
    CAP_ACCOUNT,
    COUNT,
    FULLEST_WINDOW,
    IN_USE,
    IN_USE_SECONDS,
    POST,
    PREFIX,
    RECENT_SECONDS,
    REPEAT_SECONDS,
    RESTORING,
    SCHEMA,
    SCHEMA_VERSION,
    SECRET,
    SEPARATOR,
    SETTLE,
)
from ledger.store import (
    GO_BACK,
    MAX_UNSETTLED,
    AccountRecord,
    LedgerRefused,
    PendingRecord,
    RecentRecords,
    StoreDecision,
    StoreError,
    refuse_schema,
)
from runtime import connect_redis, redis_failures, script_keys

if TYPE_CHECKING:
    from redis.asyncio.client import Pipeline
    from redis.asyncio.cluster import ClusterPipeline

DAYS_AT_ONCE: Final = 100
"""How many hashes of sums are asked for in one go."""
ACCOUNTS_AT_ONCE: Final = 10
"""The same for accounts: more answers at once would hold up the event loop when they are read."""
RECORDS_AT_ONCE: Final = 100
"""And for records that are written again."""
WRITTEN_SECONDS: Final = 2 * DAY
"""How long the number of an instance's records is kept when the instance is gone; a living one looks at the
ledger more often."""

log = logging.getLogger("pandora")


class RedisStore:
    """The store on the Redis at `url`, which decides by `limits`. Entries are kept for `retention` seconds.

    `keys` take over the secret that the instances share, which is then kept in `secret_file` too.
    """

    shared = True
    """All instances use it."""

    def __init__(self, url: str, limits: Limits, keys: KeyNames, secret_file: Path, retention: int) -> None:
        self._redis = connect_redis(url, decode_responses=True)
        self._limits = limits
        self._keys = keys
        self._secret_file = secret_file
        self._retention = retention
        self._born = ""
        self._looked = False
        """What is there was looked at, and nothing has failed since."""
        self._lost_at = -float(DAY)
        self._recent = RecentWrites()
        self._written = f"{PREFIX}written:{self._recent.name}"
        self._writing = asyncio.Lock()

    @property
    def incomplete(self) -> bool:
        """See `Store`."""
        return time.monotonic() - self._lost_at < DAY

    async def refuse_newer(self) -> None:
        """See `Store`."""
        with self._errors():
            schema, restoring = await self._redis.mget(SCHEMA, RESTORING)
        if restoring:
            raise LedgerRefused(
                "a backup is being brought back into Redis, or that was broken off: wait, or run "
                f"'{GO_BACK}' again"
            )
        refuse_schema("the ledger in Redis", int(schema or SCHEMA_VERSION), SCHEMA_VERSION)

    async def load(self, since: float, after: str = "") -> RecentRecords:
        """Agree on the secret. The decision on each conversation tells what was spent."""
        await self.check(write=False)
        return RecentRecords()

    async def write(self, pending: Sequence[PendingRecord]) -> Sequence[StoreDecision | None]:
        """See `Store`."""
        async with self._writing:
            answers = await self._write(pending)
            if not self._recent.all_there:
                await self._write_again()
                answers = await self._write(pending)  # it may have needed what was not there
            decisions = [
                _decision(answer) if isinstance(each.record, Posted) else None
                for each, answer in zip(pending, answers, strict=True)
            ]
            done = zip(pending, decisions, strict=True)
            self._recent.add(
                [each.record for each, of in done if of is None or of.accepted], time.monotonic()
            )
        return decisions

    async def usage(self, since: float, until: float, bucket: int, alias: str | None) -> list[UsageRow]:
        """See `Store`. Hours are known for some days only."""
        name, offset = ("day", self._limits.reset_hour * HOUR) if bucket == DAY else ("hour", 0)
        first, last = int((since - offset) // bucket), int((until - offset - 1) // bucket)
        rows: list[UsageRow] = []
        for begin in range(first, last + 1, DAYS_AT_ONCE):
            numbers = range(begin, min(begin + DAYS_AT_ONCE, last + 1))
            pipeline = self._redis.pipeline(transaction=False)
            for number in numbers:
                pipeline.hgetall(f"{PREFIX}{name}:{number}")
            with self._errors():
                found = await pipeline.execute()
            for number, sums in zip(numbers, found, strict=True):
                rows += _rows(number * bucket + offset, sums, alias)
        return rows

    async def accounts(self, messages: Mapping[str, int], day: int) -> Mapping[str, AccountRecord]:
        """See `Store`."""
        wanted, known = list(messages.items()), dict[str, AccountRecord]()
        for begin in range(0, len(wanted), ACCOUNTS_AT_ONCE):
            some = wanted[begin : begin + ACCOUNTS_AT_ONCE]
            pipeline = self._new_pipeline()
            pipeline.get(f"{PREFIX}units:{day}")
            for alias, newest in some:
                first, last = (0, newest - 1) if newest else (1, 0)
                pipeline.hget(f"{PREFIX}account-units:{day}", alias)
                pipeline.zrevrange(f"{PREFIX}account-window:{alias}", first, last, withscores=True)
                pipeline.hgetall(f"{PREFIX}account-caps:{alias}")
            units, *answers = await self._execute(pipeline)
            each_of = zip(answers[::3], answers[1::3], answers[2::3], strict=True)
            for (alias, _), (own_units, window, caps) in zip(some, each_of, strict=True):
                times = [float(at) for _, at in window]
                usage = CurrentUsage(int(units or 0), int(own_units or 0), times, 0.0)
                known[alias] = AccountRecord(usage, {slug: float(until) for slug, until in caps.items()})
        return known

    async def total(self, day: int) -> int | None:
        """See `Store`."""
        pipeline = self._new_pipeline()
        pipeline.get(f"{PREFIX}units:{day}")
        (units,) = await self._execute(pipeline)
        return int(units or 0)

    async def fullest_window(self, now: float) -> tuple[Subject, CurrentUsage] | None:
        """See `Store`."""
        since = now - self._limits.window
        hours = range(int(since // HOUR), int(now // HOUR) + 1)
        with self._errors():
            found = await self._redis.eval(
                FULLEST_WINDOW, *script_keys(SECRET), since, self._limits.day(now), *hours
            )
        if not found:
            return None
        alias, units, own_units, window = found
        return Subject(alias), _usage(int(units), own_units, "0", window)

    async def unsettled(self, owner: Subject, before: float) -> list[Posted]:
        """See `Store`."""
        name = f"{PREFIX}{'account-' if owner.is_account else ''}unknown:{owner.name}"
        with self._errors():
            ids = await self._redis.zrevrangebyscore(name, before, "-inf", start=0, num=MAX_UNSETTLED)
            entries: list[tuple[Any, Any]] = [
                (id, await self._redis.hgetall(f"{PREFIX}entry:{id!s}")) for id in ids
            ]
        return [_posted(id, entry) for id, entry in entries if entry]

    async def delete_before(self, before: float) -> None:
        """Do nothing: everything there expires by itself."""

    async def any_between(self, begin: float, end: float) -> bool:
        """Say that there is none: nothing is deleted by us."""
        return False

    async def check(self, *, write: bool) -> None:
        """Agree on the secret, which Redis may have lost with all else: the first here keeps its own."""
        pipeline = self._new_pipeline()
        pipeline.set(IN_USE, 1, ex=IN_USE_SECONDS)
        pipeline.expire(self._written, WRITTEN_SECONDS)
        await self._execute(pipeline)
        async with self._writing:
            await self._write_again()

    async def close(self) -> None:
        """Close the connections."""
        with suppress(*redis_failures()):
            await self._redis.aclose()

    def _new_pipeline(self) -> "Pipeline | ClusterPipeline":
        """Commands for `_execute`. The first have Redis keep our secret if it has none, and tell which one it
        has, since when it has anything, and up to which one it has our writes.
        """
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(SECRET, self._keys.secret.hex(), nx=True)
        pipeline.get(SECRET)
        pipeline.set(BORN, secrets.token_hex(16), nx=True)
        pipeline.get(BORN)
        pipeline.get(self._written)
        return pipeline

    async def _execute(self, pipeline: "Pipeline | ClusterPipeline") -> list[Any]:
        """What the commands behind those of `_new_pipeline` give.

        At first, and when something has failed, it is looked before whether the ledger is of use: who was
        away may have come back with another one. Raises StoreError, and LedgerRefused if it is not.
        """
        if not self._looked:
            await self.refuse_newer()
            self._looked = True
        before = self._recent.number
        with self._errors():
            _, secret, _, born, number, *answers = await pipeline.execute()
        self._recent.found(int(number or 0), before)
        await self._take_over(secret, born)
        return answers

    async def _write(self, pending: Iterable[PendingRecord]) -> list[Any]:
        """The answers of Redis to the records."""
        pipeline = self._new_pipeline()
        for each in pending:
            self._add_step(pipeline, each.record, each.allowed)
        pipeline.set(self._written, self._recent.number + 1, ex=WRITTEN_SECONDS)
        *answers, _ = await self._execute(pipeline)
        return answers

    async def _write_again(self) -> None:
        """Write what Redis has forgotten, if that is so."""
        if self._recent.all_there:
            return
        records = self._recent.forgotten
        log.warning("Redis has forgotten what it had confirmed: %d records are written again", len(records))
        if self._recent.lost:
            self._lost_at = time.monotonic()
            log.error("Redis has forgotten older records of the ledger too; they are lost")
        for begin in range(0, len(records), RECORDS_AT_ONCE):
            pipeline = self._redis.pipeline(transaction=False)
            for record in records[begin : begin + RECORDS_AT_ONCE]:
                self._add_step(pipeline, record, None)
            pipeline.set(self._written, self._recent.number, ex=WRITTEN_SECONDS)
            with self._errors():
                await pipeline.execute()
        self._recent.written_again()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """See `store_errors`. What has no answer, also because nobody waits any more, counts as a failure."""
        try:
            with store_errors():
                yield
        except BaseException:
            self._looked = False
            raise

    async def _take_over(self, secret: str, born: str) -> None:
        if self._born not in ("", born):
            self._lost_at = time.monotonic()
            self._looked = False
            log.error("Redis has lost the ledger; limits go on from what is known here")
        self._born = born
        shared = bytes.fromhex(secret)
        if shared != self._keys.secret:
            self._recent.drop()  # they call keys by names of before
            self._keys.secret = shared
            with suppress(OSError):
                await save_secret(self._secret_file, self._keys)

    def _add_step(
        self, pipeline: "Pipeline | ClusterPipeline", record: Record, allowed: Allowed | None
    ) -> None:
        match record:
            case Capped(_, slug, until, account) if account:
                caps = script_keys(f"{PREFIX}account-caps:{account}")
                pipeline.eval(CAP_ACCOUNT, *caps, slug, until, MAX_CAP_SECONDS)
            case Capped(alias, slug, until):
                pipeline.set(f"{PREFIX}cap:{alias}:{slug}", until, exat=int(until) + 1)
            case _:
                pipeline.eval(*self._script(record, allowed))

    def _script(self, record: Posted | Settled | Counted, allowed: Allowed | None) -> tuple[Any, ...]:
        keys = script_keys(f"{PREFIX}entry:{record.id}")
        match record:
            case Posted():
                limits, forced = self._limits, int(allowed is None)
                caller, account = (allowed.caller, allowed.account) if allowed else (UNLIMITED, UNLIMITED)
                return (
                    POST, *keys, record.id, repr(record.at), record.alias, record.model, record.slug,
                    record.units, int(record.windowed), record.message_id, record.account, forced,
                    limits.day(record.at), int(record.at // HOUR), limits.window, self._retention,
                    RECENT_SECONDS, limits.per_day, caller.units_per_day, caller.window_messages,
                    account.units_per_day, account.window_messages,
                )  # fmt: skip
            case Settled():
                ttft = "" if record.ttft is None else record.ttft
                return (
                    SETTLE, *keys, record.id, record.outcome.value, int(record.free), record.served,
                    record.conversation_id, record.duration, ttft, free_alias(record.outcome), REPEAT_SECONDS,
                )  # fmt: skip
            case Counted():
                return COUNT, *keys, record.id, record.prompt, record.completion


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn failures of Redis into `StoreError`; their own texts may hold its address."""
    try:
        yield
    except redis_failures() as error:
        raise StoreError(f"Redis: {type(error).__name__}") from None


def _decision(answer: Any) -> StoreDecision:
    accepted, by_account, units, told = answer
    caller, *account = [_usage(int(units), *of) for of in told]
    return StoreDecision(bool(accepted), caller, account[0] if account else None, bool(by_account))


def _usage(units: int, own_units: str, capped: str, window: list[Any]) -> CurrentUsage:
    # Pairs of id and time, or one flat list of both: that depends on the version of the protocol.
    times = [pair[1] for pair in window] if window and isinstance(window[0], list) else window[1::2]
    return CurrentUsage(units, int(own_units), [float(at) for at in times], float(capped))


def _rows(start: int, sums: dict[str, str], alias: str | None) -> Iterable[UsageRow]:
    known: dict[tuple[str, str, str], dict[str, int]] = {}
    for field, value in sums.items():
        model, whose, rest = field.split(SEPARATOR)
        what, _, account = rest.partition(ACCOUNT_SEPARATOR)
        if alias is None or whose == alias:
            known.setdefault((model, whose, account), {})[what] = int(value)
    for (model, whose, account), values in sorted(known.items()):
        yield UsageRow(
            start,
            model,
            whose,
            values.get("conversations", 0),
            values.get("free", 0),
            values.get("unknown", 0),
            values.get("units", 0),
            values.get("prompt_tokens", 0),
            values.get("completion_tokens", 0),
            account,
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
        entry.get("account", ""),
    )
