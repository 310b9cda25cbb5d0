"""What a turn costs a Redis that instances share, by route and setting, and what a waiting instance costs.

    python -m benchmarks.redis_cost

A real `redis-server`, the service and the simulated backend; `counting_proxy.py` stands before the Redis.
Turns follow one another. What goes on beside them, which is measured first, is taken off.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from redis.asyncio import Redis
from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from benchmarks.counting_proxy import Traffic, counting_proxy
from roster import key_digest
from server import VERSION, Server, serve
from settings import Settings
from simulator import Knobs, Simulator
from wiring import build

TURNS: Final = 60
IDLE_SECONDS: Final = 10.0
PREFIX: Final = "prefix0001"
OWN_KEY: Final = "sk-pandora-a-key-of-the-benchmark"
QUESTION: Final = "What is the height of the tower, and who built it in which year?"
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
Ask = Callable[["Instance", int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Case:
    """One row: `path`, the body of turn number N, and settings. `accounts`: over a key of the service."""

    name: str
    path: str
    ask: Ask
    settings: Mapping[str, str]
    accounts: int = 0


@dataclass(slots=True)
class Instance:
    """The service as it runs. `last` is the answer before, `talk` what was said so far."""

    server: Server
    last: Mapping[str, Any]
    talk: list[Mapping[str, Any]]


def chat(instance: Instance, number: int) -> Mapping[str, Any]:
    """A question of its own."""
    said = {"role": "user", "content": f"{QUESTION} {number}"}
    return {"model": "gpt-4-s", "messages": [said]}


def going_on(instance: Instance, number: int) -> Mapping[str, Any]:
    """The next question of one conversation."""
    if instance.last:
        instance.talk.append(instance.last["choices"][0]["message"])
    instance.talk.append({"role": "user", "content": f"{QUESTION} {number}"})
    return {"model": "gpt-4-s", "messages": instance.talk}


def response(instance: Instance, number: int) -> Mapping[str, Any]:
    """A response of its own."""
    return {"model": "gpt-4-s", "input": f"{QUESTION} {number}"}


def next_response(instance: Instance, number: int) -> Mapping[str, Any]:
    """A response that goes on with the one before."""
    before = {"previous_response_id": instance.last["id"]} if instance.last else {}
    return {**response(instance, number), **before}


def message(instance: Instance, number: int) -> Mapping[str, Any]:
    """A question in the other form."""
    return {**chat(instance, number), "max_tokens": 1000}


ALONE: Final = {"CONTINUITY": "off", "KEY_CONCURRENCY": "0", "RESPONSES_DAYS": "0"}
CASES: Final = (
    Case("chat, ledger alone", CHAT, chat, ALONE),
    Case("chat, with the queue", CHAT, chat, {**ALONE, "KEY_CONCURRENCY": "1"}),
    Case("chat, as it is by default", CHAT, chat, {}),
    Case("chat that goes on", CHAT, going_on, {}),
    Case("chat, 10 accounts", CHAT, chat, {}, 10),
    Case("messages", MESSAGES, message, {}),
    Case("responses, not kept", RESPONSES, response, {"RESPONSES_DAYS": "0"}),
    Case("responses, kept", RESPONSES, response, {}),
    Case("responses, each goes on with the last", RESPONSES, next_response, {}),
)
IDLE_ACCOUNTS: Final = (0, 10, 100, 1000)


async def main() -> None:
    """Measure, and print the tables."""
    if shutil.which("redis-server") is None:
        raise SystemExit("redis-server is not installed.")
    row = "| {} | {:.1f} | {:.1f} | {:.2f} | {:.2f} | {:.0f} |".format
    print("| | commands | round trips | KB to Redis | KB from it | Redis CPU us |")
    print("| --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        turns, _ = await measure(case)
        print(row(case.name, *turns), flush=True)
    for accounts in IDLE_ACCOUNTS:
        _, idle = await measure(Case("", CHAT, chat, {}, accounts))
        print(row(f"each second of an instance with {accounts} accounts", *idle), flush=True)


async def measure(case: Case) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Figures of a turn, and of a second of waiting."""
    with _redis_server() as port:
        async with counting_proxy(port) as (counted, traffic), _instance(case, counted) as instance:
            redis = Redis(port=port)
            for number in range(5):
                await _turn(case, instance, -1 - number)
            await asyncio.sleep(2.0)
            idle = await _figures(redis, traffic, asyncio.sleep(IDLE_SECONDS))
            began = time.monotonic()
            turns = await _figures(redis, traffic, _turns(case, instance))
            seconds = time.monotonic() - began
            await redis.aclose()
    beside = tuple(figure / IDLE_SECONDS for figure in idle)
    return tuple((a - seconds * b) / TURNS for a, b in zip(turns, beside, strict=True)), beside


async def _turns(case: Case, instance: Instance) -> None:
    instance.last, instance.talk = {}, []
    for number in range(TURNS):
        await _turn(case, instance, number)
    await instance.server.service.running.wait_idle()


async def _turn(case: Case, instance: Instance, number: int) -> None:
    key = OWN_KEY if case.accounts else "fk-a-key"
    request = HTTPRequest(
        f"http://127.0.0.1:{instance.server.port}{case.path}",
        method="POST",
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        body=json.dumps(case.ask(instance, number)),
        request_timeout=60,
    )
    answer = await AsyncHTTPClient().fetch(request)
    instance.last = json.loads(answer.body)


async def _figures(redis: Redis, traffic: Traffic, what: Awaitable[object]) -> tuple[float, ...]:
    """Commands, round trips, KB there and back, and microseconds of the CPU of Redis, during `what`."""
    before, cpu = replace(traffic), await _cpu(redis)
    await what
    went, used = traffic.since(before), await _cpu(redis) - cpu
    return went.commands, went.round_trips, went.sent / 1000, went.received / 1000, used


async def _cpu(redis: Redis) -> float:
    told: Any = await redis.info("cpu")
    return float(told["used_cpu_user"] + told["used_cpu_sys"]) * 1e6


@asynccontextmanager
async def _instance(case: Case, redis_port: int) -> AsyncIterator[Instance]:
    simulator = Simulator(PREFIX, Knobs(busy=False, cap=0))
    await simulator.start()
    with TemporaryDirectory() as state:
        settings = {
            "BASE_URL": simulator.url,
            "PROXY_API_PREFIX": PREFIX,
            "PORT": "0",
            "STATE_DIR": state,
            "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "CONVERSATION_ROUTE": "older",
            **case.settings,
        }
        if case.accounts:
            settings["ACCOUNTS_FILE"] = str(_accounts_file(Path(state), case.accounts))
        server = serve(build(Settings.from_env(settings), VERSION))
        try:
            yield Instance(server, {}, [])
        finally:
            await server.stop()
            await simulator.stop()


def _accounts_file(folder: Path, count: int) -> Path:
    accounts = []
    for number in range(count):
        secret = folder / f"secret-{number}"
        secret.write_text(f"fk-account-{number}")
        secret.chmod(0o600)
        accounts.append({"alias": f"account-{number}", "credential": {"file": str(secret)}})
    digest = key_digest(OWN_KEY).hex()
    keys = [{"alias": "all", "hash": f"sha256:{digest}", "accounts": [each["alias"] for each in accounts]}]
    path = folder / "accounts.json"
    path.write_text(json.dumps({"accounts": accounts, "keys": keys}))
    os.chmod(path, 0o600)
    return path


@contextmanager
def _redis_server() -> Iterator[int]:
    """The port of a Redis of its own, which keeps nothing."""
    with TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        probe.close()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 10
            while not _listens(port) and time.monotonic() < until:
                time.sleep(0.05)
            yield port
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(main())
