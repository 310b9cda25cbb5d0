"""What it costs to choose an account, by how many there are and how many of them the key may use.

    python -m benchmarks.pool_decision

The service as it is built, without a backend and without a Redis; all accounts are free and well, and the
ledger has a limit for each. It is the event loop that is held up so long.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from accounts import Caller, Need
from pool import Pool
from roster import key_digest
from server import VERSION
from settings import Settings
from wiring import build

SIZES: Final = ((10, 10), (100, 100), (1000, 1000), (10_000, 10_000), (10_000, 100), (10_000, 10))
"""Accounts in all, and those of the key."""
TIMES: Final = 15
NEED: Final = Need(names=("gpt-4-s",), slug="gpt-4", units=14, windowed=True)
OWN_KEY: Final = "sk-pandora-a-key-of-the-benchmark"


async def main() -> None:
    """Measure, and print the table."""
    print("| accounts | of the key | ms to choose one |")
    print("| --- | --- | --- |")
    for accounts, own in SIZES:
        with TemporaryDirectory() as folder:
            print(
                f"| {accounts} | {own} | {await _milliseconds(Path(folder), accounts, own):.2f} |", flush=True
            )


async def _milliseconds(folder: Path, accounts: int, own: int) -> float:
    service = build(Settings.from_env(_settings(folder, accounts, own)), VERSION)
    grant = service.roster.current.grant_for(OWN_KEY)
    caller = Caller(OWN_KEY, grant)
    times = sorted([await _once(service.pool, caller) for _ in range(TIMES)])
    await service.close()
    return median(times) * 1000


async def _once(pool: Pool, caller: Caller) -> float:
    slot = pool.slot(caller, NEED)
    began = time.process_time()
    await slot.acquire()
    seconds = time.process_time() - began
    slot.release()
    return seconds


def _settings(folder: Path, accounts: int, own: int) -> dict[str, str]:
    names = [f"a{number}" for number in range(accounts)]
    for name in names:
        os.environ[name.upper()] = f"fk-{name}"
    listed = [{"alias": name, "credential": {"env": name.upper()}, "quota_per_day": 10_000} for name in names]
    some = {"accounts": names[:own]} if own < accounts else {}
    keys = [{"alias": "all", "hash": f"sha256:{key_digest(OWN_KEY).hex()}", **some}]
    file = folder / "accounts.json"
    file.write_text(json.dumps({"accounts": listed, "keys": keys}, separators=(",", ":")))
    file.chmod(0o600)
    return {
        "BASE_URL": "http://127.0.0.1:9",
        "PROXY_API_PREFIX": "prefix0001",
        "PORT": "0",
        "STATE_DIR": str(folder / "state"),
        "ACCOUNTS_FILE": str(file),
    }


if __name__ == "__main__":
    asyncio.run(main())
