"""`python server.py ledger`: backups of a running service; and ledgers that a service leaves alone."""

import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from tests.processes import (
    KEY,
    ROOT,
    Pair,
    ask,
    environment,
    listening_port,
    running,
    service_over_simulator,
)
from tests.redis_server import RedisServer, needs_redis

CHAT = "/v1/chat/completions"
BODY = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hello"}]}


def command(state: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "server.py", *arguments],
        cwd=ROOT,
        env=environment({"STATE_DIR": str(state), **settings}),
        capture_output=True,
        text=True,
        timeout=60,
    )


def only_line(result: subprocess.CompletedProcess[str]) -> str:
    """What is said by a command that has done nothing."""
    assert (result.returncode, result.stdout) == (2, ""), result
    (line,) = result.stderr.splitlines()
    assert line.startswith("server.py: ")
    return line


class Talk:
    """A caller that has one conversation after the other, until it is told to stop."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self.answered = 0
        self._thread = threading.Thread(target=self._talk)
        self._thread.start()

    def wait_for(self, answers: int) -> None:
        while self.answered < answers and self._thread.is_alive():
            self._over.wait(0.01)
        assert self.answered >= answers

    def stop(self) -> None:
        self._over.set()
        self._thread.join(30)

    def _talk(self) -> None:
        while not self._over.is_set():
            try:
                if ask(self._port, "POST", CHAT, BODY).status != 200:
                    return
            except OSError:
                return
            self.answered += 1


def units_of(pair: Pair) -> int:
    rows = ask(pair.port, "GET", "/v1/usage", key="").json["data"]
    return sum(row["units"] for row in rows)


def test_backup_of_a_service_that_writes_is_carried_on_after_a_restore(tmp_path: Path) -> None:
    """The name of the key is the same, and the quota knows of each unit."""
    state, file = tmp_path / "state", tmp_path / "backup"
    with service_over_simulator({"STATE_DIR": str(state)}) as pair:
        talk = Talk(pair.port)
        try:
            talk.wait_for(5)
            assert command(state, "ledger", "backup", str(file)).returncode == 0
            talk.wait_for(10)
            before = talk.answered
            made = command(state, "ledger", "backup", str(file))
        finally:
            talk.stop()
        assert (made.returncode, made.stderr) == (0, "")
        assert before <= int(made.stdout.split()[0]) <= talk.answered + 1
        refused = only_line(command(state, "ledger", "restore", str(file), "--overwrite"))
        assert "is in use: stop the service" in refused
        (name,) = {row["key"] for row in ask(pair.port, "GET", "/v1/usage").json["data"]}
        pair.service.signal(signal.SIGKILL)
        pair.service.exit_code()
    conversations = int(made.stdout.split()[0])
    fresh = tmp_path / "fresh"
    restored = command(fresh, "ledger", "restore", str(file))
    assert (restored.returncode, restored.stdout) == (0, made.stdout)
    checked = command(fresh, "ledger", "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"It has {conversations} conversations" in checked.stdout
    limit = {"STATE_DIR": str(fresh), "QUOTA_PER_KEY_PER_DAY": str(14 * conversations + 14)}
    with service_over_simulator(limit) as pair:
        assert [ask(pair.port, "POST", CHAT, BODY).status for _ in range(2)] == [200, 429]
        assert units_of(pair) == 14 * (conversations + 1)
        assert {row["key"] for row in ask(pair.port, "GET", "/v1/usage").json["data"]} == {name}
    for text in (made.stdout, refused, checked.stdout):
        assert KEY not in text
        assert (fresh / "secret").read_bytes().hex() not in text


@needs_redis
def test_backup_of_instances_that_write_is_carried_on_in_another_redis(tmp_path: Path) -> None:
    file, state = tmp_path / "backup", tmp_path / "state"
    with RedisServer() as server, service_over_simulator({"REDIS_URL": server.url}) as pair:
        talk = Talk(pair.port)
        try:
            talk.wait_for(5)
            made = command(state, "ledger", "backup", str(file), REDIS_URL=server.url)
        finally:
            talk.stop()
        assert (made.returncode, made.stderr) == (0, "")
        refused = only_line(command(state, "ledger", "restore", str(file), REDIS_URL=server.url))
        assert "instances use the ledger" in refused
    with RedisServer() as another:
        restored = command(state, "ledger", "restore", str(file), REDIS_URL=another.url)
        assert (restored.returncode, restored.stdout) == (0, made.stdout)
        with service_over_simulator({"REDIS_URL": another.url}) as pair:
            spent = units_of(pair)
            assert ask(pair.port, "POST", CHAT, BODY).status == 200
            assert units_of(pair) == spent + 14 >= 6 * 14
        wrong = only_line(command(tmp_path, "ledger", "restore", str(file)))
        assert "is a backup of a ledger in a Redis, and this one is in an SQLite file" in wrong


def test_ledger_of_a_newer_version_stops_the_start_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as newer:
        newer.executescript("CREATE TABLE of_tomorrow (x); PRAGMA user_version = 99;")
    before = path.read_bytes()
    start = command(tmp_path, BASE_URL="http://127.0.0.1:1", PORT="0")
    for line in (only_line(start), only_line(command(tmp_path, "usage"))):
        assert "ledger.sqlite3 has schema 99, of a newer version of this service" in line
        assert "python server.py ledger restore FILE" in line
    checked = command(tmp_path, "ledger", "check")
    assert checked.returncode == 1
    assert "WRONG: A newer version of the service has written it" in checked.stdout
    assert path.read_bytes() == before


def newer_redis(server: RedisServer) -> None:
    with redis.Redis(port=server.port) as database:
        database.set("{pandora}:schema", 99)


@needs_redis
def test_newer_ledger_in_redis_stops_the_start(tmp_path: Path) -> None:
    with RedisServer() as server:
        newer_redis(server)
        line = only_line(command(tmp_path, BASE_URL="http://127.0.0.1:1", PORT="0", REDIS_URL=server.url))
        assert "the ledger in Redis has schema 99" in line
        with redis.Redis(port=server.port) as database:
            assert database.keys() == [b"{pandora}:schema"]


@needs_redis
def test_service_ends_when_a_redis_that_was_away_turns_out_to_be_newer() -> None:
    server = RedisServer()
    server.start()
    newer_redis(server)
    with redis.Redis(port=server.port) as database:
        database.save()
    server.stop()
    settings = {"BASE_URL": "http://127.0.0.1:1", "PORT": "0", "DRAIN_TIMEOUT": "0"}
    with running(["server.py"], settings | {"REDIS_URL": server.url}) as service:
        listening_port(service)
        with server:
            assert service.exit_code(30) == 2
        assert "the ledger in Redis has schema 99" in service.output
        assert "Traceback" not in service.output


@needs_redis
def test_service_ends_when_a_redis_that_it_has_used_comes_back_newer() -> None:
    with RedisServer() as server:
        settings = {"BASE_URL": "http://127.0.0.1:1", "PORT": "0", "DRAIN_TIMEOUT": "0"}
        with running(["server.py"], settings | {"REDIS_URL": server.url}) as service:
            listening_port(service)
            while not in_use(server):
                assert not service.ended
            newer_redis(server)
            with redis.Redis(port=server.port) as database:
                database.save()
            server.stop()
            service.wait_for("the ledger cannot be written")
            server.start()
            assert service.exit_code(60) == 2
            assert "the service has to end: the ledger in Redis has schema 99" in service.output
            assert "Traceback" not in service.output


def in_use(server: RedisServer) -> bool:
    """Whether an instance has looked at the ledger."""
    with redis.Redis(port=server.port) as database:
        return bool(database.exists("{pandora}:in-use"))


def put_newer_file(state: Path) -> None:
    """Put the ledger of a newer version in the place of the one that is open."""
    newer = state / "newer"
    with closing(sqlite3.connect(newer)) as file:
        file.execute("PRAGMA user_version = 99")
    newer.replace(state / "ledger.sqlite3")


def test_service_ends_when_its_ledger_is_replaced_by_a_newer_one(tmp_path: Path) -> None:
    with service_over_simulator({"STATE_DIR": str(tmp_path)}) as pair:
        assert ask(pair.port, "POST", CHAT, BODY).status == 200
        put_newer_file(tmp_path)
        assert pair.service.exit_code(60) == 2
        assert "the service has to end: ledger.sqlite3 has schema 99" in pair.service.output
        assert "Traceback" not in pair.service.output
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as newer:
        assert newer.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)


def test_answer_of_a_service_that_stops_is_not_cut_short_by_a_ledger_that_is_newer_by_then(
    tmp_path: Path,
) -> None:
    """As when a newer version takes over, with the same state."""
    settings = {"STATE_DIR": str(tmp_path), "DRAIN_TIMEOUT": "60"}
    with service_over_simulator(settings) as pair, streaming(pair.port) as answer:
        pair.service.signal(signal.SIGTERM)
        pair.service.wait_for("stopping")
        put_newer_file(tmp_path)
        pair.service.wait_for("the service has to end")
        assert answer.read().endswith(b"data: [DONE]\n\n")
        assert pair.service.exit_code(30) == 0


@contextmanager
def streaming(port: int) -> Iterator[http.client.HTTPResponse]:
    """An answer that has begun, and takes some seconds."""
    question = {"role": "user", "content": "Tell me more [[sim pace=20 tokens=200]]"}
    body = json.dumps({"model": "gpt-4-s", "messages": [question], "stream": True})
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", CHAT, body, {"Authorization": f"Bearer {KEY}"})
        yield connection.getresponse()


@pytest.mark.parametrize("arguments", [[], ["backup"], ["restore"], ["check", "more"]])
def test_command_without_its_words_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    result = command(tmp_path, "ledger", *arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_what_cannot_be_done_is_one_line(tmp_path: Path) -> None:
    assert "there is no " in only_line(command(tmp_path, "ledger", "backup", str(tmp_path / "file")))
    assert "No such file" in only_line(command(tmp_path, "ledger", "restore", str(tmp_path / "file")))
    checked = command(tmp_path, "ledger", "check")
    assert (checked.returncode, checked.stderr) == (1, "")
    assert checked.stdout.startswith("WRONG: There is no ")
    assert list(tmp_path.iterdir()) == []
