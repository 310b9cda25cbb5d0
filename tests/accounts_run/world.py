"""The processes of a run: a backend with six accounts, and one or two instances over `accounts.json`."""

import asyncio
import base64
import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.accounts_run.book import Booked
from tests.processes import PREFIX, ROOT, Process, ask, environment, listening_port, simulator_process
from tests.redis_server import RedisServer
from tests.scratch import scratch_folder

ACCOUNTS = ("ada", "ben", "cem", "dee", "eve", "fay")
KEYS = ("kitchen", "office", "garden")
CONCURRENCY = {"ada": 1, "ben": 1, "cem": 1, "dee": 1, "eve": 2, "fay": 2}
CAP = 30
"""GPT-4 messages of each account in a window."""
WINDOW = 23
"""Seconds of that window, where people have three hours."""
SOONER = 3.5
"""So many seconds sooner the backend has room again: on a busy machine a message comes late."""
SETTINGS = {
    "PROXY_API_PREFIX": PREFIX,
    "PORT": "0",
    "DRAIN_TIMEOUT": "5",
    "QUEUE_LENGTH": "20",
    "QUEUE_WAIT": "40",
    "GPT4_WINDOW": str(WINDOW),
    "HISTORY": "keep",
    "UPSTREAM_RETRIES": "1",
}


def token(user: str, expires: float) -> str:
    """An access token of a user: a JWT, whose signature nobody looks at here."""
    claims = json.dumps({"sub": user, "exp": expires, "made": time.time()}).encode()
    return f"eyJhbGciOiJSUzI1NiJ9.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2lnbmF0dXJl"


def key(alias: str) -> str:
    """The key of this service that has this alias."""
    return f"sk-pandora-{hashlib.sha256(alias.encode()).hexdigest()}"


@dataclass(slots=True)
class World:
    """What runs, and the folder with all files."""

    folder: Path
    simulator_port: int
    settings: list[dict[str, str]]
    instances: list[Process] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)

    async def start(self, number: int) -> None:
        """Start an instance, or start it again."""
        process = Process(["server.py"], self.settings[number])
        self.instances[number:] = [process, *self.instances[number + 1 :]]
        port = await asyncio.to_thread(listening_port, process)
        self.ports[number:] = [port, *self.ports[number + 1 :]]

    async def kill_and_restart(self) -> None:
        """Kill the first instance; it is there again once this returns."""
        self.instances[0].signal(signal.SIGKILL)
        await asyncio.to_thread(self.instances[0].stop)
        await self.start(0)

    def renew(self, account: str, seconds: float = 86_400.0) -> None:
        """Another program writes a token for the account that lasts so long."""
        path = self.folder / f"{account}.token"
        new = path.with_suffix(".new")
        new.write_text(token(account, time.time() + seconds))
        new.replace(path)

    async def hurt(self, **conditions: Mapping[str, object]) -> None:
        """Something is the matter with these accounts from now on, and with `{}` nothing any more."""
        reply = await asyncio.to_thread(ask, self.simulator_port, "POST", "/__sim/accounts", conditions)
        assert reply.status == 200, reply.json

    async def counted(self) -> dict[str, dict[str, Any]]:
        """What the backend has counted of each account."""
        reply = await asyncio.to_thread(ask, self.simulator_port, "GET", "/__sim/accounts")
        return {name: reply.json[name]["counts"] for name in reply.json.keys() & set(ACCOUNTS)}

    async def booked(self) -> dict[str, Booked]:
        """What the ledger has of each account."""
        command, settings = [sys.executable, "server.py", "usage", "--json"], environment(self.settings[0])
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=ROOT, env=settings, capture_output=True, check=True
        )
        found: dict[str, Booked] = {}
        for row in json.loads(done.stdout):
            if row["model"]:
                had = found.get(row["account"], Booked())
                found[row["account"]] = Booked(had.units + row["units"], had.unknown + row["unknown"])
        return found


@contextmanager
def world(instances: int) -> Iterator[World]:
    """Everything but the instances, which `World.start` starts; all is stopped at the end."""
    knobs = ["--cap", str(CAP), "--cap-window", str(WINDOW - SOONER), "--title", "0"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(scratch_folder("accounts-")))
        _, port = stack.enter_context(simulator_process(PREFIX, knobs))
        redis = stack.enter_context(RedisServer()).url if instances > 1 else ""
        common = {
            **SETTINGS,
            "BASE_URL": f"http://127.0.0.1:{port}",
            "ACCOUNTS_FILE": str(folder / "accounts.json"),
            "REDIS_URL": redis,
        }
        here = World(
            folder, port, [{**common, "STATE_DIR": str(folder / f"state{n}")} for n in range(instances)]
        )
        for account in ACCOUNTS:
            here.renew(account)
        (folder / "accounts.json").write_text(json.dumps(accounts_file(folder)))
        try:
            yield here
        finally:
            for process in here.instances:
                process.stop()


def accounts_file(folder: Path) -> dict[str, object]:
    """What `accounts.json` says."""
    return {
        "accounts": [
            {
                "alias": account,
                "credential": {"file": str(folder / f"{account}.token")},
                "concurrency": CONCURRENCY[account],
                "gpt4_messages": CAP,
            }
            for account in ACCOUNTS
        ],
        "keys": [
            {"alias": alias, "hash": f"sha256:{hashlib.sha256(key(alias).encode()).hexdigest()}"}
            for alias in KEYS
        ],
    }
