"""SIGTERM and SIGINT: answers end, nothing new begins, and the process goes with code 0."""

import http.client
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.processes import KEY, Pair, Reply, ask, running, service_over_simulator

SLOW = "Repeat after me: one two three four five six seven eight nine ten [[sim pace=2.5]]"


@contextmanager
def streaming(pair: Pair, text: str) -> Iterator[http.client.HTTPResponse]:
    """A streamed answer whose headers have come."""
    with closing(http.client.HTTPConnection("127.0.0.1", pair.port, timeout=60)) as connection:
        body = {"model": "gpt-4-s", "stream": True, "messages": [{"role": "user", "content": text}]}
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}"}
        )
        yield connection.getresponse()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_a_running_stream_end_and_refuses_what_is_new(number: int) -> None:
    with service_over_simulator({"DRAIN_TIMEOUT": "60"}) as pair, streaming(pair, SLOW) as response:
        response.readline()
        pair.service.signal(number)
        pair.service.wait_for("stopping: 1 answers in flight")
        assert refuses_connections(pair.port)
        rest = response.read().decode()
        assert "ten" in rest
        assert rest.endswith("data: [DONE]\n\n")
        assert pair.service.exit_code() == 0
        assert pair.service.output.rstrip().endswith("stopped")
        assert pair.upstream["closed_early"] == 0


def refuses_connections(port: int) -> bool:
    """Whether nobody listens any more, within some seconds."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.01)
    return False


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


PHASES = {
    "before the headers": ("a", f"{SLOW[:-2]} header_delay=4]]", True),
    "before the first event": ("b", f"{SLOW[:-2]} first_delay=4]]", True),
    "streaming": ("c", SLOW, True),
    "queued": ("c", SLOW, True),
    "whole": ("d", SLOW, False),
    "before a follow-up": ("e", "Tell me about rain [[sim tokens=12 pace=3 finish=max_tokens]]", True),
}
"""Key, question, and whether it is streamed; a key asks one question at a time."""


def test_signal_lets_answers_end_in_whatever_phase_they_are() -> None:
    settings = {"DRAIN_TIMEOUT": "60", "KEY_CONCURRENCY": "1", "CONTINUE_LIMIT": "1"}
    with service_over_simulator(settings) as pair, ThreadPoolExecutor(len(PHASES)) as threads:

        def ask_in(phase: str) -> Reply:
            key, text, stream = PHASES[phase]
            body = {"model": "gpt-4-s", "stream": stream, "messages": [{"role": "user", "content": text}]}
            return ask(pair.port, "POST", "/v1/chat/completions", body, f"{KEY}-{key}")

        asked = {phase: threads.submit(ask_in, phase) for phase in PHASES}
        assert pair.upstream_reaches("attempts", len(PHASES) - 1)
        in_flight = f'pandora_in_flight{{route="chat"}} {len(PHASES)}.0'
        while in_flight not in ask(pair.port, "GET", "/metrics").body.decode():
            time.sleep(0.02)
        pair.service.signal(signal.SIGTERM)
        replies = {phase: reply.result() for phase, reply in asked.items()}
        assert pair.service.exit_code() == 0
        for phase, reply in replies.items():
            assert reply.status == 200, phase
            if PHASES[phase][2]:
                assert reply.body.endswith(b"data: [DONE]\n\n"), phase
        assert pair.upstream["attempts"] == len(PHASES) + 1
        assert pair.upstream["closed_early"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_answers_at_once_and_records_them(number: int, tmp_path: Path) -> None:
    with (
        service_over_simulator({"DRAIN_TIMEOUT": "600", "STATE_DIR": str(tmp_path)}) as pair,
        streaming(pair, "Tell me about rain [[sim tokens=20000 pace=20]]") as response,
    ):
        response.readline()
        pair.service.signal(number)
        pair.service.wait_for("stopping: 1 answers in flight")
        pair.service.signal(number)
        events = response.read().decode().split("\n\n")
        assert json.loads(events[-2].removeprefix("data: "))["error"]["code"] == "server_is_overloaded"
        assert pair.service.exit_code() == 128 + number
        assert "Traceback" not in pair.service.output
        assert pair.upstream_reaches("open_streams", 0)
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as ledger:
            assert ledger.execute("SELECT outcome, units FROM conversations").fetchall() == [("stopped", 14)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_up_to_the_very_end_do_not_change_the_exit_code(number: int) -> None:
    """They come until the process is gone, so some come while the interpreter ends."""
    last = signal.SIGTERM if number == signal.SIGHUP else number
    with running(["server.py"], {"BASE_URL": "http://127.0.0.1:1", "PORT": "0"}) as service:
        service.wait_for("listening on")
        service.signal(last)
        service.wait_for("stopping")
        service.signal(last)
        until = time.monotonic() + 20
        while not service.ended and time.monotonic() < until:
            service.signal(number)
            time.sleep(0.0005)
        assert service.exit_code() in (0, 128 + last)  # 0 if it had stopped before the second one
        assert "Traceback" not in service.output


@pytest.mark.parametrize("after", [0.2, 0.4, 0.6, 0.8])
def test_signal_during_the_start_ends_it(after: float) -> None:
    with running(["server.py"], {"BASE_URL": "http://127.0.0.1:1", "PORT": "0"}) as service:
        time.sleep(after)
        service.signal(signal.SIGTERM)
        assert service.exit_code() in (0, -signal.SIGTERM)
        assert "Traceback" not in service.output


def test_idle_service_stops_at_once() -> None:
    with (
        service_over_simulator({"DRAIN_TIMEOUT": "600"}) as pair,
        closing(http.client.HTTPConnection("127.0.0.1", pair.port, timeout=30)) as kept_alive,
    ):
        kept_alive.request("GET", "/healthz")
        kept_alive.getresponse().read()
        pair.service.signal(signal.SIGTERM)
        assert pair.service.exit_code() == 0
        assert " ERROR " not in pair.service.output
        assert "Traceback" not in pair.service.output


def test_question_on_its_way_when_an_idle_service_is_stopped_is_answered_and_recorded(tmp_path: Path) -> None:
    with (
        service_over_simulator({"DRAIN_TIMEOUT": "20", "STATE_DIR": str(tmp_path)}) as pair,
        closing(http.client.HTTPConnection("127.0.0.1", pair.port, timeout=60)) as kept_alive,
    ):
        kept_alive.request("GET", "/healthz")
        kept_alive.getresponse().read()
        pair.service.signal(signal.SIGTERM)
        assert refuses_connections(pair.port)
        body = {"model": "gpt-4-s", "messages": [{"role": "user", "content": "Hello"}]}
        kept_alive.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {KEY}"}
        )
        response = kept_alive.getresponse()
        assert (response.status, response.getheader("Connection")) == (200, "close")
        assert json.load(response)["choices"][0]["message"]["content"]
        assert pair.service.exit_code() == 0
        with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as ledger:
            assert ledger.execute("SELECT outcome, units FROM conversations").fetchall() == [("ok", 14)]
