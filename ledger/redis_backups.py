"""Backups of the ledger in a Redis, made while instances write, and brought back while none runs.

Only the keys of the ledger are meant, not what else the instances keep there. Entries and past days are read
some at a time, since they hardly change; what is at work (units, windows, sums of now, what has no outcome
yet) is read in one step at the end, so that its parts fit to each other. What a key of the service does for
the first time while the backup is made may be missing.
"""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeVar

from ledger.backup_file import (
    About,
    Backup,
    BackupFailed,
    LedgerCheck,
    file_errors,
    loss,
    place_for_ledger,
    read_backup,
    write_backup,
)
from ledger.key_names import SECRET_BYTES
from ledger.redis_scripts import (
    BORN,
    IN_USE,
    IN_USE_SECONDS,
    KINDS,
    PREFIX,
    READ,
    RESTORING,
    SCHEMA,
    SCHEMA_VERSION,
    SECRET,
)
from ledger.redis_store import store_errors
from ledger.store import refuse_schema
from runtime import SMALL_FILES, connect_redis, redis_failures, replace_file, script_keys

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline
    from redis.asyncio.cluster import ClusterPipeline, RedisCluster

T = TypeVar("T")

KIND: Final = "redis"
ANSWER_SECONDS: Final = 60.0
"""What is at work is one long answer."""
KEYS_AT_ONCE: Final = 200
DAYS_AT_WORK: Final = 2
HOURS_AT_WORK: Final = 48
"""Sums of so many of the last days and hours are still changed; of others, hardly ever."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of the ledger: `value` is flat, names and values or members and scores in turn. `expires_at` is
    in Unix milliseconds, None for a key that stays.
    """

    key: str
    type: str
    expires_at: int | None
    value: list[str]

    @classmethod
    def from_line(cls, line: str) -> "StoredKey":
        """Raises ValueError, KeyError or TypeError."""
        found = json.loads(line)
        return cls(found["key"], found["type"], found["expires_at"], found["value"])

    def as_line(self) -> str:
        """As it stands in a backup."""
        fields = {"key": self.key, "type": self.type, "expires_at": self.expires_at, "value": self.value}
        return json.dumps(fields, ensure_ascii=False) + "\n"

    def put(self, pipeline: "Pipeline | ClusterPipeline") -> None:
        """Make the key as it was, unless its time is over."""
        pipeline.delete(self.key)
        pairs = list(zip(self.value[::2], self.value[1::2], strict=False))
        match self.type:
            case "string":
                pipeline.set(self.key, self.value[0])
            case "hash":
                pipeline.hset(self.key, mapping=dict(pairs))
            case "zset":
                pipeline.zadd(self.key, {member: float(score) for member, score in pairs})
            case _:
                raise ValueError(self.type)
        if self.expires_at is not None:
            pipeline.pexpireat(self.key, self.expires_at)


class RedisBackups:
    """Of the ledger in the Redis at `url`; instances that use it keep its secret in `secret_file` too."""

    def __init__(self, url: str, secret_file: Path) -> None:
        self._url = url
        self._secret_file = secret_file

    async def back_up(self, file: Path) -> About:
        """See `LedgerBackups`."""
        with file_errors(file), place_for_ledger(file) as place:
            async with self._connected() as redis:
                secret: Any = await redis.get(SECRET)
                if secret is None:
                    raise BackupFailed("there is no ledger in the Redis")
                schema = int(await redis.get(SCHEMA) or SCHEMA_VERSION)
                with file_errors(file), place.open("w", encoding="utf-8") as ledger:
                    conversations = await _write_all(redis, ledger)
            about = About(KIND, schema, time.time(), conversations)
            await SMALL_FILES.run(write_backup, file, Backup(about, bytes.fromhex(secret), place))
        return about

    async def restore(self, file: Path, *, overwrite: bool) -> About:
        """See `LedgerBackups`. Until all is there, no instance starts."""
        folder = self._secret_file.parent
        with file_errors(file):
            folder.mkdir(parents=True, exist_ok=True)
            with read_backup(file, KIND, folder) as backup:
                refuse_schema(str(file), backup.about.schema, SCHEMA_VERSION)
                async with self._connected() as redis:
                    if await redis.exists(IN_USE):
                        raise BackupFailed(
                            f"instances use the ledger: stop all of them, and wait {IN_USE_SECONDS} seconds"
                        )
                    present = await _names(redis)
                    missing = sum(_kind(name) == "entry" for name in present - _names_in(backup.ledger))
                    if missing and not overwrite:
                        raise BackupFailed(loss(missing))
                    await redis.set(RESTORING, 1)
                    for names in _some(sorted(present | {BORN})):
                        await redis.delete(*names)
                    for keys in _some(_keys_in(backup.ledger)):
                        pipeline = redis.pipeline(transaction=False)
                        for key in keys:
                            key.put(pipeline)
                        await pipeline.execute()
                    with file_errors(self._secret_file):
                        replace_file(self._secret_file, backup.secret, durable=True)
                    await redis.delete(RESTORING)
        return backup.about

    async def check(self) -> LedgerCheck:
        """See `LedgerBackups`."""
        async with self._connected() as redis:
            secret, schema, restoring = await redis.mget(SECRET, SCHEMA, RESTORING)
            if secret is None:
                return LedgerCheck((), ["There is no ledger in the Redis."])
            version = int(schema or SCHEMA_VERSION)
            names = await _names(redis)
            entries = sum(_kind(name) == "entry" for name in names)
            unknown = 0
            for some in _some(name for name in names if _kind(name) in ("unknown", "account-unknown")):
                for name in some:
                    unknown += await redis.zcard(name)
        findings = [
            f"The ledger in Redis has schema {version}; this version of the service writes {SCHEMA_VERSION}.",
            f"It has {entries} conversations, {unknown} of them without an outcome.",
        ]
        problems = []
        if restoring:
            problems.append("A backup is being brought back, or that was broken off: no instance starts.")
        if version > SCHEMA_VERSION:
            problems.append("A newer version of the service has written it: this one does not start.")
        if len(secret) != 2 * SECRET_BYTES:
            problems.append("Its secret of the names of keys is damaged.")
        elif self._secret_file.exists() and self._secret_file.read_bytes().hex() != secret:
            findings.append(f"{self._secret_file} has another secret, which is replaced at the start.")
        return LedgerCheck(findings, problems)

    @asynccontextmanager
    async def _connected(self) -> "AsyncIterator[Redis | RedisCluster]":
        redis = connect_redis(self._url, decode_responses=True, answer_seconds=ANSWER_SECONDS)
        try:
            with store_errors():
                yield redis
        finally:
            with suppress(*redis_failures()):
                await redis.aclose()


async def _write_all(redis: "Redis | RedisCluster", ledger: TextIO) -> int:
    """Write all keys of the ledger, one a line, and return how many conversations they have."""
    names = await _names(redis)
    for some in _some(sorted(names - _at_work(names))):
        await _write(redis, some, ledger)
    await _write(redis, sorted(_at_work(await _names(redis))), ledger)
    return sum(_kind(name) == "entry" for name in names)


async def _write(redis: "Redis | RedisCluster", names: list[str], ledger: TextIO) -> None:
    """Write these keys as they are at one moment. The last line of a key is the one that counts."""
    answer: Any = await redis.eval(READ, *script_keys(SECRET), *names)
    now, found = answer
    for key, type, left, value in found:
        ledger.write(StoredKey(key, type, None if left < 0 else now + left, value).as_line())


async def _names(redis: "Redis | RedisCluster") -> set[str]:
    """The keys of the ledger, without those that tell of the present only."""
    found = [name async for name in redis.scan_iter(match=f"{PREFIX}*", count=1000) if _kind(name) in KINDS]
    return set(found)


def _at_work(names: set[str]) -> set[str]:
    """Those of the keys that conversations of now change."""
    resting = set[str]()
    for kind, many in (("day", DAYS_AT_WORK), ("hour", HOURS_AT_WORK)):
        numbers = sorted((int(name.rpartition(":")[2]), name) for name in names if _kind(name) == kind)
        resting.update(name for _, name in numbers[:-many])
    return {name for name in names - resting if _kind(name) != "entry"}


def _kind(name: str) -> str:
    return name.removeprefix(PREFIX).partition(":")[0]


def _keys_in(ledger: Path) -> Iterator[StoredKey]:
    with ledger.open(encoding="utf-8") as lines:
        yield from map(StoredKey.from_line, lines)


def _names_in(ledger: Path) -> set[str]:
    return {key.key for key in _keys_in(ledger)}


def _some(items: Iterable[T]) -> Iterator[list[T]]:
    """All of them, in short lists."""
    rest = iter(items)
    while some := list(islice(rest, KEYS_AT_ONCE)):
        yield some
