"""What a version before left on the disk and in a Redis is read as that version read it.

Each fixture was made by that version, see its README; the service runs at the time at which it was made.
"""

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.processes import Pair, Process, Reply, ask, service_over_simulator
from tests.redis_server import RedisServer, needs_redis

FIXTURE = Path(__file__).parents[1] / "fixtures" / "state" / "before-house"
ALICE, BOB, CAROL, DAVE, ERIN, FRANK = (
    f"fk-{name}-of-the-fixture" for name in ("alice", "bob", "carol", "dave", "erin", "frank")
)
NOON, AFTERNOON = "2527243200", "2527254000"
"""31 January 2050, 12:00 and 15:00 UTC."""
USAGE = "/v1/usage?start_date=2050-01-28&end_date=2050-01-31"
CHAT = "/v1/chat/completions"
SET_CLOCK = (
    "import runpy, sys, time; real, begin, shown = time.time, time.time(), float(sys.argv[1]); "
    "time.time = lambda: real() - begin + shown; sys.argv = sys.argv[2:]; "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
"""For `python -c`: runs a script as if it began at the Unix time in the first argument."""
SETTINGS = {
    "KEY_ALIASES": f"alice={ALICE},bob={BOB},dave={DAVE},erin={ERIN},frank={FRANK}",
    "GPTS_FILE": str(FIXTURE / "gpts.json"),
    "KEY_FOR_GPTS_INFO": "fk-dead",  # refused by the backend: only the disk can tell about a GPT
    "QUOTA_PER_DAY": "1000",
    "QUOTA_PER_KEY_PER_DAY": "500",
    "GPT4_LIMIT": "40",
    "MEDIA_MAX_AGE": "0",
}


def run_at(time: str, *arguments: str) -> list[str]:
    """Arguments of Python for `server.py`, begun at that time."""
    return ["-c", SET_CLOCK, time, "server.py", *arguments]


def usage(pair: Pair, key: str = "") -> Any:
    """What the service tells, but for the units by key, which that version did not tell apart: they must be
    those of the whole day.
    """
    told = ask(pair.port, "GET", USAGE, key=key).json
    by_key = told["today"].pop("by_key")
    assert sum(row["units"] for row in by_key) == told["today"]["units"]
    return told


def told_before(name: str, whose: str) -> Any:
    """What the version before said about its own state."""
    return json.loads((FIXTURE / name).read_text())[whose]


def chat(pair: Pair, key: str, model: str = "gpt-4-s") -> Reply:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return ask(pair.port, "POST", CHAT, body, key)


@dataclass(frozen=True, slots=True)
class Reading:
    """A service over the old state, and what it says of it before anything else happens."""

    pair: Pair
    everybody: Any
    alice: Any


@contextmanager
def reading(settings: Mapping[str, str]) -> Iterator[Reading]:
    with service_over_simulator(SETTINGS | dict(settings), command=run_at(NOON)) as pair:
        yield Reading(pair, usage(pair), usage(pair, ALICE))


def state_dir(folder: Path) -> Path:
    return shutil.copytree(FIXTURE / "state", folder / "state")


def restore(server: RedisServer) -> None:
    """Put what the fixture holds into a Redis, with as long to live as it had."""
    with redis.Redis(port=server.port) as database:
        for entry in json.loads((FIXTURE / "redis.json").read_text()):
            name, value = entry["key"], entry["value"]
            match entry["type"]:
                case "string":
                    database.set(name, value)
                case "hash":
                    database.hset(name, mapping=value)
                case "zset":
                    database.zadd(name, dict(value))
            if "expires_at" in entry:
                database.expireat(name, entry["expires_at"])
            elif entry["expires_in"] >= 0:
                database.expire(name, entry["expires_in"])


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reading]:
    with reading({"STATE_DIR": str(state_dir(tmp_path_factory.mktemp("disk")))}) as found:
        yield found


@pytest.fixture(scope="module")
def in_redis() -> Iterator[Reading]:
    with RedisServer() as server:
        restore(server)
        with reading({"REDIS_URL": server.url}) as found:
            yield found


def told_now(name: str, whose: str) -> Any:
    """The same with what was not told then: of the backend's own limits and of shared accounts, and of what a
    Redis has before the first conversation of this run.
    """
    then = told_before(name, whose)
    rows = [{**row, "account": ""} for row in then["data"]]
    limits = {**then["limits"], "gpt4_messages_in_window": 2}
    of_accounts: dict[str, Any] = {"backend": [], "accounts": [] if whose == "all" else None}
    return {**then, **of_accounts, "data": rows, "limits": limits}


def test_ledger_on_the_disk_tells_what_it_told_before(on_disk: Reading) -> None:
    assert on_disk.everybody == told_now("usage.json", "all")
    assert on_disk.alice == told_now("usage.json", "alice")


@needs_redis
def test_ledger_in_redis_tells_what_it_told_before(in_redis: Reading) -> None:
    assert in_redis.everybody == told_now("usage-redis.json", "all")
    assert in_redis.alice == told_now("usage-redis.json", "alice")


def test_command_line_tells_what_was_told_before(tmp_path: Path) -> None:
    process = Process(run_at(NOON, "usage", "--json"), {"STATE_DIR": str(state_dir(tmp_path))})
    assert process.exit_code() == 0
    process.stop()
    assert json.loads(process.output) == told_now("usage.json", "all")["data"]


def ledger_command(*arguments: str, **settings: str) -> None:
    process = Process(["server.py", "ledger", *arguments], settings)
    assert process.exit_code() == 0, process.output
    process.stop()


def test_backup_of_the_old_ledger_on_the_disk_tells_the_same(tmp_path: Path) -> None:
    state, file = state_dir(tmp_path), str(tmp_path / "backup")
    ledger_command("backup", file, STATE_DIR=str(state))
    ledger_command("restore", file, STATE_DIR=str(tmp_path / "new"))
    assert (tmp_path / "new" / "secret").read_bytes() == (state / "secret").read_bytes()
    with reading({"STATE_DIR": str(tmp_path / "new")}) as found:
        assert found.everybody == told_now("usage.json", "all")
        assert found.alice == told_now("usage.json", "alice")


@needs_redis
def test_backup_of_the_old_ledger_in_redis_tells_the_same(tmp_path: Path) -> None:
    state, file = str(tmp_path / "state"), str(tmp_path / "backup")
    with RedisServer() as old, RedisServer() as new:
        restore(old)
        ledger_command("backup", file, STATE_DIR=state, REDIS_URL=old.url)
        ledger_command("restore", file, STATE_DIR=state, REDIS_URL=new.url)
        with reading({"REDIS_URL": new.url}) as found:
            assert found.everybody == told_now("usage-redis.json", "all")
            assert found.alice == told_now("usage-redis.json", "alice")


@pytest.mark.parametrize("where", ["on_disk", pytest.param("in_redis", marks=needs_redis)])
def test_units_of_today_and_messages_of_the_window_count(where: str, request: pytest.FixtureRequest) -> None:
    answer = chat(request.getfixturevalue(where).pair, ALICE)
    assert answer.status == 200
    # Before this one: 56 units today, two messages within three hours.
    assert answer.headers["X-Ratelimit-Remaining-Units"] == str(500 - 56 - 14)
    assert answer.headers["X-Ratelimit-Remaining-Requests"] == str(40 - 2 - 1)


@pytest.mark.parametrize("where", ["on_disk", pytest.param("in_redis", marks=needs_redis)])
def test_cap_is_obeyed_until_it_clears(where: str, request: pytest.FixtureRequest) -> None:
    answer = chat(request.getfixturevalue(where).pair, DAVE)
    assert answer.status == 429
    assert answer.json["error"]["code"] == "rate_limit_exceeded"
    assert 1000 < int(answer.headers["Retry-After"]) < 1900


@pytest.mark.parametrize("where", ["on_disk", pytest.param("in_redis", marks=needs_redis)])
def test_key_without_an_alias_keeps_its_name(where: str, request: pytest.FixtureRequest) -> None:
    found: Reading = request.getfixturevalue(where)
    (row,) = usage(found.pair, CAROL)["data"]
    assert row["key"].startswith("k-")
    assert row in found.everybody["data"]


def test_unknown_entry_on_the_disk_is_settled_when_its_key_is_used(on_disk: Reading) -> None:
    assert settled(on_disk.pair, ERIN)


@needs_redis
def test_unknown_entry_in_redis_is_settled_when_its_key_is_used_hours_later() -> None:
    with RedisServer() as server:
        restore(server)
        settings = SETTINGS | {"REDIS_URL": server.url}
        with service_over_simulator(settings, command=run_at(AFTERNOON)) as pair:
            assert settled(pair, ERIN)


def settled(pair: Pair, key: str) -> bool:
    """Whether the unknown entry of a key is settled, soon after the key is used."""
    assert sum(row["unknown"] for row in usage(pair, key)["data"]) == 1
    assert chat(pair, key).status == 200
    until = time.monotonic() + 60
    while any(row["unknown"] for row in usage(pair, key)["data"]):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def test_description_of_a_gpt_is_found_on_the_disk(on_disk: Reading) -> None:
    assert chat(on_disk.pair, BOB, "reader").status == 200


def test_stored_picture_is_served(on_disk: Reading) -> None:
    (picture,) = (FIXTURE / "state" / "media").iterdir()
    answer = ask(on_disk.pair.port, "GET", f"/images/{picture.name}", key="")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.body == picture.read_bytes()
