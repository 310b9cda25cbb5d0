"""The shipped nginx configuration before two real instances and a real Redis."""

import http.client
import itertools
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from benchmarks.ports import free_port
from tests.deploy.balanced import (
    KNOWN_WITHIN,
    NGINX,
    Cluster,
    cluster,
    configured,
    needs_nginx,
    nginx,
)
from tests.deploy.compose import DEPLOY
from tests.deploy.name_server import NameServer
from tests.processes import PREFIX, ask
from tests.redis_server import needs_redis

pytestmark = [needs_nginx, needs_redis]

CHAT = "/v1/chat/completions"
ENDLESS = "Tell me about rain [[sim tokens=3000 pace=20]]"
SLOW = "Tell me about rain [[sim tokens=48 pace=6]]"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("two"), {"QUOTA_PER_KEY_PER_DAY": "28"}) as running:
        yield running


@contextmanager
def streaming(port: int, text: str, key: str) -> Iterator[http.client.HTTPResponse]:
    """A streamed answer whose headers have come."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        body = {"model": "gpt-4-s", "stream": True, "messages": [{"role": "user", "content": text}]}
        connection.request("POST", CHAT, json.dumps(body), {"Authorization": f"Bearer {key}"})
        yield connection.getresponse()


def delta(response: http.client.HTTPResponse) -> str:
    """The next piece of text."""
    while line := response.readline():
        if line.startswith(b"data: {") and (content := content_of(line)):
            return content
    raise AssertionError("the stream ended")


def content_of(line: bytes) -> str:
    chunk = json.loads(line.removeprefix(b"data: "))
    return str(chunk["choices"][0]["delta"].get("content") or "")


def say(port: int, text: str, key: str) -> tuple[int, str]:
    """Status and text of a whole answer."""
    body = {"model": "gpt-4-s", "messages": [{"role": "user", "content": text}]}
    reply = ask(port, "POST", CHAT, body, key)
    content = reply.json["choices"][0]["message"]["content"] if reply.status == 200 else reply.body.decode()
    return reply.status, content


def test_configuration_is_sound(tmp_path: Path) -> None:
    path = configured(tmp_path, free_port(), [free_port()], names=free_port())
    done = subprocess.run([NGINX, "-t", "-q", "-p", tmp_path, "-c", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr.replace('the "user" directive', "")


def test_nobody_who_comes_through_nginx_is_this_machine(two: Cluster) -> None:
    assert ask(two.port, "GET", "/v1/usage", key="").status == 401
    assert ask(two.port, "GET", "/console/state", key="").json["access"] == "token"


def test_deltas_arrive_while_the_backend_still_sends(two: Cluster) -> None:
    with streaming(two.port, ENDLESS, "fk-delta") as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        for _ in range(5):
            delta(response)
            assert two.upstream("open_streams") == 1
    assert two.upstream_reaches("open_streams", 0)


def test_piece_of_an_answer_goes_on_before_the_next_is_there(tmp_path: Path) -> None:
    # The service also asks not to be buffered, by a header; this instance does not.
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", 0)) as instance,
        nginx(tmp_path, port, [instance.getsockname()[1]]),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client,
    ):
        client.request("GET", "/")
        connection, _ = instance.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            response = client.getresponse()
            for piece in (b"one", b"two", b"three"):
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                assert response.read1() == piece


def test_client_that_leaves_nginx_leaves_the_backend(two: Cluster) -> None:
    before = two.upstream("closed_early")
    with streaming(two.port, ENDLESS, "fk-leaver") as response:
        delta(response)
    assert two.upstream_reaches("open_streams", 0)
    assert two.upstream("closed_early") == before + 1


def test_limit_of_a_key_holds_over_both_instances(two: Cluster) -> None:
    answers = [say(two.ports[instance], "Hello", "fk-limited")[0] for instance in (0, 1, 0, 1)]
    assert answers == [200, 200, 429, 429]


def test_picture_made_by_one_instance_is_served_by_the_other(two: Cluster) -> None:
    status, content = say(two.ports[0], "Draw a cat", "fk-painter")
    assert status == 200
    link = re.search(r"\]\((http://[^)]+)\)", content)
    assert link is not None
    assert link[1].startswith(f"http://127.0.0.1:{two.port}/")
    path = link[1].removeprefix(f"http://127.0.0.1:{two.port}")
    for port in (*two.ports, two.port):
        picture = ask(port, "GET", path, key="")
        assert picture.status == 200
        assert picture.headers["Content-Type"].startswith("image/")


def test_metrics_of_one_instance_are_not_shown_through_nginx(two: Cluster) -> None:
    reply = ask(two.port, "GET", "/metrics", key="")
    assert reply.status == 404
    assert reply.json["error"]["code"] == "unknown_url"
    assert ask(two.ports[0], "GET", "/metrics", key="").status == 200


def test_large_body_is_refused_by_the_service_and_a_huge_one_in_the_same_shape(two: Cluster) -> None:
    large = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "x" * (33 << 20)}]}
    assert ask(two.port, "POST", CHAT, large).json["error"]["message"].startswith("The request body exceeds")
    with closing(socket.create_connection(("127.0.0.1", two.port), 10)) as client:
        head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nContent-Length: {1 << 30}\r\n\r\n"
        client.sendall(head.encode())
        answer = client.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413")
    assert "The request body is too large." in answer


def test_access_log_holds_request_ids_and_no_paths(two: Cluster) -> None:
    reply = ask(two.port, "GET", "/some-secret-prefix/v1/models", key="fk-secret")
    until = time.monotonic() + 60
    while reply.headers["X-Request-Id"] not in (log := (two.directory / "access.log").read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert "secret" not in log
    assert PREFIX not in log


def test_killed_instance_takes_only_its_own_streams_along(tmp_path: Path) -> None:
    with cluster(tmp_path) as both, ExitStack() as stack:
        responses = [stack.enter_context(streaming(both.port, SLOW, f"fk-{n}")) for n in range(6)]
        for response in responses:
            delta(response)
        doomed = both.in_flight(0)
        assert 0 < doomed < len(responses)
        both.instances[0].signal(signal.SIGKILL)
        assert both.instances[0].exit_code() == -signal.SIGKILL  # it accepts nothing any more
        ends = []
        for response in responses:
            try:
                ends.append(response.read().decode())
            except http.client.IncompleteRead:
                ends.append("cut")
        assert ends.count("cut") == doomed
        assert sum(end.endswith("data: [DONE]\n\n") for end in ends) == len(responses) - doomed
        assert [say(both.port, "Hello", f"fk-new-{n}")[0] for n in range(6)] == [200] * 6


class Breaking:
    """An instance that reads a request's head and breaks off; `heads` is what it was asked."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heads: list[str] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                head = connection.recv(65536).decode()
                if not head:
                    return
                self.heads.append(head)

    def stop(self) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(5)
        self._listener.close()


@pytest.fixture
def breaking() -> Iterator[tuple[Breaking, Breaking]]:
    pair = Breaking(), Breaking()
    yield pair
    for one in pair:
        one.stop()


def test_message_that_was_sent_is_never_sent_again(
    tmp_path: Path, breaking: tuple[Breaking, Breaking]
) -> None:
    port = free_port()
    with nginx(tmp_path, port, [one.port for one in breaking]):
        reply = ask(port, "POST", CHAT, {"messages": []})
    assert sum(len(one.heads) for one in breaking) == 1
    assert reply.status == 503
    assert reply.json["error"]["code"] == "server_is_overloaded"
    assert reply.headers["x-should-retry"] == "false"


def test_message_that_no_instance_got_may_be_sent_again(tmp_path: Path) -> None:
    port = free_port()
    with nginx(tmp_path, port, [free_port(), free_port()]):
        reply = ask(port, "POST", CHAT, {"messages": []})
    assert reply.status == 503
    assert reply.json["error"]["code"] == "server_is_overloaded"
    assert reply.headers["Retry-After"] == "2"
    assert "x-should-retry" not in reply.headers


def test_instances_learn_who_asks_and_how(tmp_path: Path, breaking: tuple[Breaking, Breaking]) -> None:
    port = free_port()
    with (
        nginx(tmp_path, port, [breaking[0].port]),
        closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection,
    ):
        forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
        connection.request("POST", "/v1/x", "{}", {"Host": "chat.example.org", **forwarded})
        connection.getresponse().read()
    head = breaking[0].heads[0]
    assert head.startswith("POST /v1/x HTTP/1.1\r\n")
    assert "\r\nHost: chat.example.org\r\n" in head
    assert "\r\nX-Forwarded-Host: chat.example.org\r\n" in head
    assert "\r\nX-Forwarded-Proto: https\r\n" in head
    assert "\r\nX-Forwarded-For: 203.0.113.7, 127.0.0.1\r\n" in head
    assert "Connection: close" not in head


class Instance:
    """Answers each request with its address, at that address, with `with`; `answered` counts them."""

    def __init__(self, address: str, port: int) -> None:
        self.answered = 0
        self._address = address
        self._listener = socket.create_server((address, port))
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopped:
            connection, _ = self._listener.accept()
            with connection:
                if connection.recv(65536):
                    body = self._address.encode()
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    connection.sendall(head.encode() + body)
                    self.answered += 1


def answered_by(port: int) -> str:
    reply = ask(port, "GET", "/")
    assert reply.status == 200
    return reply.body.decode()


def test_instance_that_comes_is_found_and_one_that_goes_is_forgotten(tmp_path: Path) -> None:
    port, theirs = free_port(), free_port()
    first, second = "127.0.0.2", "127.0.0.3"
    with (
        NameServer([first]) as names,
        Instance(first, theirs),
        Instance(second, theirs),
        nginx(tmp_path, port, [theirs], names),
    ):
        assert {answered_by(port) for _ in range(6)} == {first}
        names.addresses = (first, second)
        wait_until_answered_by(port, {first, second})
        names.addresses = (second,)
        wait_until_answered_by(port, {second})


def wait_until_answered_by(port: int, addresses: set[str]) -> None:
    """By all of these and no other; after `KNOWN_WITHIN`, if neither nginx nor the names were held up."""
    until = time.monotonic() + 5 * KNOWN_WITHIN
    while (found := {answered_by(port) for _ in range(6)}) != addresses:
        assert time.monotonic() < until, f"it is answered by {found}"
        time.sleep(0.5)


def test_addresses_are_believed_for_less_time_than_an_upgrade_waits() -> None:
    (believed,) = re.findall(
        r"^resolver .* valid=(\d+)s ", (DEPLOY / "instances.conf").read_text(), re.MULTILINE
    )
    (waited,) = re.findall(
        r"^KNOWN_WITHIN=\$\{KNOWN_WITHIN:-(\d+)\}$", (DEPLOY / "upgrade").read_text(), re.MULTILINE
    )
    assert int(believed) < int(waited) == KNOWN_WITHIN


def test_request_is_answered_by_the_one_instance_that_is_there(tmp_path: Path) -> None:
    # All others were replaced since their addresses were looked up.
    port, theirs = free_port(), free_port()
    gone, there = [f"127.0.0.{number}" for number in range(2, 8)], "127.0.0.8"
    with (
        NameServer([*gone, there]) as names,
        Instance(there, theirs),
        nginx(tmp_path, port, [theirs], names),
    ):
        for _ in range(4):
            reply = ask(port, "POST", CHAT, {"messages": []})
            assert (reply.status, reply.body.decode()) == (200, there)


def test_request_waits_a_second_for_an_address_that_does_not_answer(tmp_path: Path) -> None:
    port, theirs = free_port(), free_port()
    silent, there = "127.0.0.2", "127.0.0.3"
    with (
        NameServer([silent, there]) as names,
        full_queue(silent, theirs),
        Instance(there, theirs),
        nginx(tmp_path, port, [theirs], names),
    ):
        began = time.monotonic()
        assert {answered_by(port) for _ in range(4)} == {there}
        assert time.monotonic() - began < 5, "the time to connect that was there before"


def test_request_on_its_way_while_the_addresses_change_begins_anew(tmp_path: Path) -> None:
    # It waits for an address that is gone, and nginx by itself would not try the new one then.
    port, theirs = free_port(), free_port()
    silent, there = "127.0.0.2", "127.0.0.3"
    asked: list[tuple[float, Future[tuple[float, int]]]] = []

    def ends() -> tuple[float, int]:
        """Ask; when it was answered, and the status."""
        status = ask(port, "POST", CHAT, {"messages": []}).status
        return time.monotonic(), status

    with (
        NameServer([silent]) as names,
        full_queue(silent, theirs),
        Instance(there, theirs),
        nginx(tmp_path, port, [theirs], names),
        ThreadPoolExecutor(60) as clients,
    ):
        names.addresses = (there,)
        until = time.monotonic() + 5 * KNOWN_WITHIN
        while not any(job.done() and job.result()[1] == 200 for _, job in asked):
            assert time.monotonic() < until, "nobody is answered"
            asked.append((time.monotonic(), clients.submit(ends)))
            time.sleep(0.05)
        results = [(begun, *job.result()) for begun, job in asked]
    changed = min(ended for _, ended, status in results if status == 200)
    # Below the second for which nginx waits: these had begun when the address changed.
    waited = [(begun, status) for begun, _, status in results if changed - 0.7 < begun < changed]
    gaps = [later - earlier for (earlier, *_), (later, *_) in itertools.pairwise(results)]
    held_up = max(gaps[-20:]) > 0.3  # this process got no time: who had begun by then had waited for longer
    assert {status for _, status in waited} == {200} or held_up


@contextmanager
def full_queue(address: str, port: int) -> Iterator[None]:
    """An address that takes no further connection, and refuses none: it is silent, as one that is gone."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((address, port), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield


def test_own_failure_of_the_proxy_has_the_shape_that_clients_know(tmp_path: Path) -> None:
    port = free_port()
    with nginx(tmp_path, port, [free_port()]):
        shutil.rmtree(tmp_path / "client_body")  # as a full disk: it has no place for a large body
        reply = ask(port, "POST", CHAT, {"messages": ["x" * (1 << 20)]})
    assert reply.status == 500
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.json["error"]["type"] == "server_error"
    assert "x-should-retry" not in reply.headers, "no instance has seen it"
