"""Where states of accounts are kept: in a file, over restarts, or in a Redis that instances share.

Neither holds a secret: accounts stand there by their aliases, and credentials by their digests.
"""

import logging
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from pool.health import Health
from pool.health_records import read, read_file, written, written_file
from runtime import Threads, connect_redis, redis_failures, replace_file

log = logging.getLogger("pandora")

HEALTH_FILE: Final = "accounts-health.json"
"""Name of the file, in the directory where state is kept."""
MAX_FILE_BYTES: Final = 16 << 20
"""A larger file was not written here."""
ACCOUNTS: Final = "{pandora}:accounts"
"""The hash in Redis: aliases, and their states as JSON."""
SHARE_SECONDS: Final = 1.0
"""How often each instance looks what the others have written."""


class StoreFailed(Exception):
    """The store is out of reach; the text says why, without an address."""


class HealthStore(Protocol):
    """Keeps the states of accounts by alias. `read_every`: others write too, so look so often, in seconds."""

    read_every: float | None

    async def read(self) -> dict[str, Health]:
        """What is kept. Raises StoreFailed."""
        ...

    async def write(self, states: Mapping[str, Health], changed: Collection[str]) -> None:
        """Keep `states`, of which those of the aliases `changed` are not kept yet; such an alias without a
        state is forgotten. Raises StoreFailed.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held. Raises nothing."""
        ...


class FileHealth:
    """The store in the file at `path`, for one instance: all states in each write, whole or not at all."""

    read_every: float | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = Threads(1, "health")  # so that what is written last stays

    async def read(self) -> dict[str, Health]:
        """See `HealthStore`. A file that cannot be read here counts as an empty one and is put aside, and the
        log says so.
        """
        try:
            return await self._thread.run(self._read)
        except OSError as error:
            raise StoreFailed(f"{self._path.name}: {error.strerror or type(error).__name__}") from None

    async def write(self, states: Mapping[str, Health], changed: Collection[str]) -> None:
        """See `HealthStore`."""
        content = written_file(states)
        try:
            await self._thread.run(self._write, content)
        except OSError as error:
            raise StoreFailed(f"{self._path.name}: {error.strerror or type(error).__name__}") from None

    async def close(self) -> None:
        """See `HealthStore`."""
        self._thread.close()

    def _read(self) -> dict[str, Health]:
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return {}
        states = read_file(content) if len(content) <= MAX_FILE_BYTES else None
        if states is None:
            aside = self._path.with_name(f"{self._path.name}.unread-{int(time.time())}")
            self._path.replace(aside)
            log.warning(
                "%s is damaged, or of a newer version of this service: it is kept as %s, and it is not known "
                "which accounts have failed",
                self._path.name,
                aside.name,
            )
            return {}
        return states

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._path, content)


class RedisHealth:
    """The store in the Redis at `url`, which instances share; each looks there `read_every` seconds."""

    def __init__(self, url: str, *, read_every: float = SHARE_SECONDS) -> None:
        self.read_every: float | None = read_every
        self._redis = connect_redis(url)

    async def read(self) -> dict[str, Health]:
        """See `HealthStore`. What cannot be read is as if it were not there."""
        try:
            found: Any = await self._redis.hgetall(ACCOUNTS)
        except redis_failures() as error:
            raise StoreFailed(f"Redis: {type(error).__name__}") from None
        states = {alias.decode("utf-8", "replace"): read(data) for alias, data in found.items()}
        return {alias: health for alias, health in states.items() if health is not None}

    async def write(self, states: Mapping[str, Health], changed: Collection[str]) -> None:
        """See `HealthStore`."""
        pipeline = self._redis.pipeline(transaction=False)
        for alias in changed:
            if alias in states:
                pipeline.hset(ACCOUNTS, alias, written(states[alias]))
            else:
                pipeline.hdel(ACCOUNTS, alias)
        try:
            await pipeline.execute()
        except redis_failures() as error:
            raise StoreFailed(f"Redis: {type(error).__name__}") from None

    async def close(self) -> None:
        """See `HealthStore`."""
        with suppress(*redis_failures()):
            await self._redis.aclose()
