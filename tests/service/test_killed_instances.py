"""The service is killed in the middle of mixed traffic; afterwards the ledger says what was accepted."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from accounts import Caller
from ledger import DAY, Reconciler, Subject, UsageRow
from server import VERSION, serve
from settings import Settings
from simulator import Simulator
from tests.eventually import eventually
from tests.processes import PREFIX, Process, listening_port
from tests.redis_server import RedisServer, needs_redis
from tests.service.traffic import accepted_units, simulated_backend, traffic
from upstream.history import History
from wiring import build

REQUESTS = int(os.environ.get("LEDGER_REQUESTS", "600"))
KILLS = 3
KEYS = max(10, REQUESTS // 50)


def settings_for(simulator: Simulator, state: Path, redis_url: str) -> dict[str, str]:
    return {
        "BASE_URL": simulator.url,
        "PROXY_API_PREFIX": PREFIX,
        "PORT": "0",
        "STATE_DIR": str(state),
        "REDIS_URL": redis_url,
        "KEY_CONCURRENCY": "0",
        "UPSTREAM_RETRIES": "0",
    }


def instance(settings: dict[str, str]) -> tuple[Process, int]:
    process = Process(["server.py"], settings)
    return process, listening_port(process)


async def traffic_with_kills(settings: list[dict[str, str]]) -> Counter[int]:
    """All requests, over as many instances; the first is killed three times and started again."""
    statuses: Counter[int] = Counter()
    share = REQUESTS // (KILLS + 1)
    for part in range(KILLS + 1):
        started = await asyncio.gather(*(asyncio.to_thread(instance, each) for each in settings))
        answered: Counter[int] = Counter()
        numbers = range(part * share, (part + 1) * share)
        ports, first = [port for _, port in started], started[0][0]

        async def kill(answered: Counter[int] = answered, first: Process = first) -> None:
            await eventually(lambda: sum(answered.values()) > share / 2, 120)
            first.signal(signal.SIGKILL)

        try:
            work = [traffic(ports, numbers, part, KEYS, answered), *([kill()] if part < KILLS else [])]
            await asyncio.gather(*work)
        finally:
            for process, _ in started:
                await asyncio.to_thread(process.stop)
        statuses += answered
    return statuses


@asynccontextmanager
async def reconciled(settings: dict[str, str]) -> AsyncIterator[list[UsageRow]]:
    """What the ledger says, when each key was used once more, long enough afterwards."""
    server = serve(build(Settings.from_env(settings), VERSION))
    charges, now = server.service.charges, time.time()
    ledger = charges.ledger
    reconciler = Reconciler(ledger, History(server.service.http), listed=True, grace=0)
    try:
        for number in range(KEYS):
            caller = Caller(f"fk-key-{number}")
            for _ in range(20):
                owner = Subject(charges.alias(caller))
                if not await ledger.unsettled(owner, now + DAY):
                    break
                await reconciler.reconcile(owner, caller.own)
        yield await ledger.usage(now - 2 * DAY, now + 2 * DAY)
    finally:
        await server.stop()


@pytest.mark.timeout(600)
async def test_ledger_has_what_was_accepted_after_three_kills(
    tmp_path: Path,
) -> None:
    async with simulated_backend() as simulator:
        settings = settings_for(simulator, tmp_path, "")
        statuses = await traffic_with_kills([settings])
        async with reconciled(settings) as rows:
            assert statuses[200] > REQUESTS / 10, statuses
            assert sum(row.unknown for row in rows) == 0
            assert sum(row.units for row in rows) == accepted_units(simulator)
            assert sum(row.conversations - row.free for row in rows) == simulator.state.accepted


@needs_redis
@pytest.mark.timeout(600)
async def test_two_instances_on_one_redis_have_what_was_accepted_though_one_is_killed(
    tmp_path: Path,
) -> None:
    with RedisServer() as redis:
        async with simulated_backend() as simulator:
            settings = [settings_for(simulator, tmp_path / name, redis.url) for name in ("one", "other")]
            statuses = await traffic_with_kills(settings)
            async with reconciled(settings[1]) as rows:
                assert statuses[200] > REQUESTS / 10, statuses
                assert sum(row.unknown for row in rows) == 0
                assert sum(row.units for row in rows) == accepted_units(simulator)
                assert sum(row.conversations - row.free for row in rows) == simulator.state.accepted
