"""SIGTERM and SIGINT: answers end, nothing new begins, and the process goes with code 0."""

import http.client
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.processes import KEY, Pair, service_over_simulator

SLOW = "Repeat after me: one two three four five six seven eight nine ten [[sim pace=12]]"


@contextmanager
def streaming(pair: Pair, text: str) -> Iterator[http.client.HTTPResponse]:
    """A streamed answer whose headers have come."""
    with closing(http.client.HTTPConnection("127.0.0.1", pair.port, timeout=15)) as connection:
        body = {"model": "gpt-4-s", "stream": True, "messages": [{"role": "user", "content": text}]}
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}"}
        )
        yield connection.getresponse()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_a_running_stream_end_and_refuses_what_is_new(number: int) -> None:
    with service_over_simulator({"DRAIN_TIMEOUT": "10"}) as pair, streaming(pair, SLOW) as response:
        response.readline()
        pair.service.signal(number)
        pair.service.wait_for("stopping: 1 answers in flight")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", pair.port), 1)
        rest = response.read().decode()
        assert "ten" in rest
        assert rest.endswith("data: [DONE]\n\n")
        assert pair.service.exit_code() == 0
        assert pair.service.output.rstrip().endswith("stopped")
        assert pair.upstream["closed_early"] == 0


def test_stream_that_outlasts_the_grace_period_gets_an_error_event() -> None:
    with (
        service_over_simulator({"DRAIN_TIMEOUT": "0.3"}) as pair,
        streaming(pair, "Tell me about rain [[sim tokens=2000 pace=20]]") as response,
    ):
        response.readline()
        pair.service.signal(signal.SIGTERM)
        events = response.read().decode().split("\n\n")
        error = json.loads(events[-2].removeprefix("data: "))["error"]
        assert error["code"] == "server_is_overloaded"
        assert "data: [DONE]" not in events
        assert pair.service.exit_code() == 0
        assert pair.upstream_reaches("open_streams", 0)


def test_idle_service_stops_at_once() -> None:
    with (
        service_over_simulator({"DRAIN_TIMEOUT": "10"}) as pair,
        closing(http.client.HTTPConnection("127.0.0.1", pair.port, timeout=5)) as kept_alive,
    ):
        kept_alive.request("GET", "/healthz")
        kept_alive.getresponse().read()
        pair.service.signal(signal.SIGTERM)
        assert pair.service.exit_code(3) == 0
        assert " ERROR " not in pair.service.output
        assert "Traceback" not in pair.service.output
