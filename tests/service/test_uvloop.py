"""The service with uvloop installed: `pip install --require-hashes -r requirements-fast.lock`.

It is installed beside the environment of the tests (`make .venv/fast.done`), so others go without it.
"""

import http.client
import json
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.processes import KEY, Pair, ask, service_over_simulator

PACKAGES = Path(sys.prefix) / "fast"
pytestmark = pytest.mark.skipif(
    not (PACKAGES / "uvloop").is_dir(), reason="uvloop is not installed: make .venv/fast.done"
)
FOUND = {"PYTHONPATH": str(PACKAGES)}
ENDLESS = "Tell me about rain [[sim tokens=2000 pace=50]]"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with service_over_simulator(FOUND) as running:
        yield running


def chat(pair: Pair, text: str) -> str:
    """The text of a whole answer."""
    body = {"model": "gpt-4-s", "messages": [{"role": "user", "content": text}]}
    reply = ask(pair.port, "POST", "/v1/chat/completions", body)
    assert reply.status == 200, reply.body
    content: str = reply.json["choices"][0]["message"]["content"]
    return content


@contextmanager
def streaming(pair: Pair, text: str) -> Iterator[http.client.HTTPResponse]:
    """A streamed answer whose headers have come."""
    with closing(http.client.HTTPConnection("127.0.0.1", pair.port, timeout=20)) as connection:
        body = {"model": "gpt-4-s", "stream": True, "messages": [{"role": "user", "content": text}]}
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}"}
        )
        yield connection.getresponse()


def test_health_says_whose_loop_it_is(pair: Pair) -> None:
    assert ask(pair.port, "GET", "/healthz").json["event_loop"] == "uvloop"


def test_many_answers_at_once_come_whole(pair: Pair) -> None:
    texts = [f"Say exactly: number {number} [[sim pace=200]]" for number in range(40)]
    with ThreadPoolExecutor(20) as clients:
        assert list(clients.map(lambda text: chat(pair, text), texts)) == [
            f"number {number}" for number in range(40)
        ]


def test_streams_come_to_their_end(pair: Pair) -> None:
    def stream(number: int) -> str:
        with streaming(pair, f"Repeat after me: one two {number} [[sim pace=100]]") as response:
            return response.read().decode()

    with ThreadPoolExecutor(20) as clients:
        for answer in clients.map(stream, range(20)):
            assert answer.endswith("data: [DONE]\n\n")


def test_client_that_leaves_closes_the_upstream(pair: Pair) -> None:
    with streaming(pair, ENDLESS) as response:
        response.readline()
        assert pair.upstream_reaches("open_streams", 1)
        response.close()
    assert pair.upstream_reaches("open_streams", 0)


def test_signal_lets_a_running_stream_end() -> None:
    text = "Repeat after me: one two three four five six [[sim pace=2]]"
    with service_over_simulator({"DRAIN_TIMEOUT": "60", **FOUND}) as pair, streaming(pair, text) as response:
        response.readline()
        pair.service.signal(signal.SIGTERM)
        assert response.read().decode().endswith("data: [DONE]\n\n")
        assert pair.service.exit_code() == 0
        assert "Traceback" not in pair.service.output


def test_second_signal_ends_it_with_the_number_of_that_signal() -> None:
    with (
        service_over_simulator({"DRAIN_TIMEOUT": "30", **FOUND}) as pair,
        streaming(pair, ENDLESS) as response,
    ):
        response.readline()
        pair.service.signal(signal.SIGTERM)
        pair.service.wait_for("stopping: 1 answers in flight")
        pair.service.signal(signal.SIGINT)
        assert pair.service.exit_code() == 128 + signal.SIGINT
        assert "Traceback" not in pair.service.output
