"""Traces of the whole service, as a real collector gets them."""

import asyncio
import json
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.processes import ROOT, ask, environment, service_over_simulator
from tests.raw_client import EventStream
from tests.roster.rig import content, key
from tests.scripted_server import Connection, ScriptedServer, Verb, rst, stall, without_accounts
from tests.service.deployment import CHAT, JSON_TYPE, KEY, Deployment, deployed, question
from tests.service.test_retry import GOOD, OOPS, answer
from tests.tracing.collector import CLIENT, ERROR, UNSET, Collector, Seen, collecting, wait_for_senders

SPEECH = {"model": "tts-1", "input": "The kettle sings at noon.", "voice": "alloy"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(autouse=True)
def _no_sender_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield
    wait_for_senders()


@asynccontextmanager
async def traced(
    env: Mapping[str, str] | None = None, knobs: Knobs | None = None
) -> AsyncIterator[tuple[Deployment, Collector]]:
    """A service, and the collector that has all its spans once the service is closed."""
    with collecting() as collector:
        async with deployed({**collector.settings, **(env or {})}, knobs) as service:
            yield service, collector


@asynccontextmanager
async def traced_over(*scripts: Sequence[Verb], **env: str) -> AsyncIterator[tuple[Deployment, Collector]]:
    """The same, over a backend that serves these scripts, connection after connection."""
    async with (
        ScriptedServer(*scripts, aside=without_accounts) as backend,
        traced({"BASE_URL": backend.url, **env}) as found,
    ):
        yield found


def alone(collector: Collector) -> tuple[Seen, list[Seen]]:
    """The one request, and what was posted for it."""
    (request,) = collector.requests
    attempts = collector.attempts(request)
    assert len(attempts) == len(collector.spans) - 1
    assert all(span.trace_id == request.trace_id and span.kind == CLIENT for span in attempts)
    assert all(request.began <= span.began <= span.ended <= request.ended for span in attempts)
    return request, attempts


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]


async def test_stream_is_a_request_and_a_message_to_the_backend(caplog: pytest.LogCaptureFixture) -> None:
    async with traced() as (service, collector):
        response = await service.chat(stream=True)
    request, (attempt,) = alone(collector)
    (line,) = lines(caplog)
    assert (request.name, request["pandora.request_id"]) == ("POST chat", response.headers["x-request-id"])
    assert line["trace_id"] == request.trace_id
    assert (request["pandora.outcome"], request["http.response.status_code"]) == (line["outcome"], 200)
    assert request["gen_ai.operation.name"] == "chat"
    assert request["gen_ai.request.model"] == line["model"] == "gpt-4-s"
    assert request["gen_ai.response.finish_reasons"] == ["stop"]
    assert request["gen_ai.usage.input_tokens"] == line["prompt_tokens"]
    assert request["gen_ai.usage.output_tokens"] == line["completion_tokens"]
    assert (request["pandora.units"], request["pandora.key"]) == (line["units"], line["key"])
    assert request["gen_ai.response.time_to_first_chunk"] == pytest.approx(line["ttft"], abs=0.001)
    assert (attempt["pandora.attempt.verdict"], attempt["pandora.attempt.outcome"]) == ("accepted", "ok")
    assert (attempt["http.response.status_code"], attempt["gen_ai.request.model"]) == (200, "gpt-4")
    assert attempt.began <= attempt.events["answer_began"] <= request.events["first_content"] + 0.01
    assert (request.status, attempt.status) == (UNSET, UNSET)


@pytest.mark.parametrize(
    ("path", "body", "route", "operation"),
    [
        (CHAT, question(), "chat", "chat"),
        ("/v1/messages", question(max_tokens=9), "messages", "chat"),
        ("/v1/messages", question(max_tokens=9, stream=True), "messages", "chat"),
        ("/v1/responses", {"model": "gpt-4-s", "input": "Hello"}, "responses", "chat"),
        ("/v1/responses", {"model": "gpt-4-s", "input": "Hello", "stream": True}, "responses", "chat"),
        ("/v1/images/generations", {"prompt": "a fox"}, "images", "generate_content"),
        ("/v1/audio/speech", SPEECH, "audio", "generate_content"),
    ],
    ids=["chat", "message", "message in a stream", "response", "response in a stream", "picture", "speech"],
)
async def test_every_route_with_an_answer_is_traced(
    path: str, body: dict[str, Any], route: str, operation: str
) -> None:
    knobs = Knobs(age="2026", busy=False, cap=0, pace=0)
    async with traced({"AUDIO": "true"}, knobs) as (service, collector):
        assert (await service.post(body, path=path)).status == 200
    request, (attempt,) = alone(collector)
    assert (request.name, request["gen_ai.operation.name"]) == (f"POST {route}", operation)
    assert request["pandora.outcome"] == "ok"
    assert request["gen_ai.usage.output_tokens"] > 0
    assert attempt["pandora.attempt.outcome"] == "ok"


async def test_trace_of_the_client_goes_on_and_the_backend_hears_nothing_of_it() -> None:
    headers = {**JSON_TYPE, "traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=some-words"}
    async with traced() as (service, collector):
        await service.ask("POST", CHAT, headers, json.dumps(question()).encode())
        sent = [name.lower() for seen in service.upstream.requests for name in seen.headers]
    request, (attempt,) = alone(collector)
    assert (request.trace_id, request.parent_id, attempt.trace_id) == (TRACE, PARENT, TRACE)
    assert not {"traceparent", "tracestate"} & set(sent)
    assert b"some-words" not in b"".join(collector.bodies)


async def test_each_try_is_a_span_with_its_verdict() -> None:
    failing = answer(503, OOPS)
    async with traced_over(failing, failing, GOOD, UPSTREAM_RETRIES="2") as (service, collector):
        assert (await service.chat()).status == 200
    request, attempts = alone(collector)
    assert [span["pandora.attempt.verdict"] for span in attempts] == ["refused", "refused", "accepted"]
    assert [span["http.response.status_code"] for span in attempts] == [503, 503, 200]
    assert [span["pandora.attempt.number"] for span in attempts] == [1, 2, 3]
    assert [span.status for span in attempts] == [ERROR, ERROR, UNSET]
    assert (request["pandora.outcome"], request.status) == ("ok", UNSET)


async def test_backend_that_closes_without_an_answer_leaves_it_open_what_was_spent() -> None:
    async with traced_over([rst()]) as (service, collector):
        assert (await service.chat()).status == 502
    request, (attempt,) = alone(collector)
    assert (attempt["pandora.attempt.verdict"], attempt["pandora.attempt.outcome"]) == ("maybe", "unknown")
    assert (attempt["http.response.status_code"], attempt["error.type"]) == (None, "upstream_error")
    assert (request["pandora.outcome"], request["error.type"]) == ("upstream_error", "upstream_error")
    assert (request.status, attempt.status) == (ERROR, ERROR)


async def test_backend_that_cannot_be_reached_got_nothing() -> None:
    async with traced({"BASE_URL": "http://127.0.0.1:1"}) as (service, collector):
        assert (await service.chat()).status == 503
    request, (attempt,) = alone(collector)
    assert (attempt["pandora.attempt.verdict"], attempt["pandora.attempt.outcome"]) == ("unsent", "unsent")
    assert attempt["error.type"] == "upstream_unreachable"
    assert (request["pandora.outcome"], request.status) == ("upstream_error", ERROR)


async def test_reply_that_is_continued_is_two_messages() -> None:
    knobs = Knobs(busy=False, cap=0, finish="max_tokens", tokens=40)
    async with traced(knobs=knobs) as (service, collector):
        await service.chat()
    request, attempts = alone(collector)
    assert [span["pandora.attempt.verdict"] for span in attempts] == ["accepted", "accepted"]
    assert request["pandora.units"] == 28


async def test_turn_that_moves_shows_both_accounts(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    for alias, token in {"anna": "fk-dead-anna", "ben": "fk-ben"}.items():
        (tmp_path / alias).write_text(token)
    accounts = [{"alias": alias, "credential": {"file": alias}} for alias in ("anna", "ben")]
    path = tmp_path / "accounts.json"
    path.write_bytes(content(accounts=accounts, keys=[key("laptop", "sk-pandora-laptop")]))
    env = {"ACCOUNTS_FILE": str(path), "POOL_POLICY": "fill", "MODELS": "named"}
    async with traced(env) as (service, collector):
        answered = await service.chat(key="sk-pandora-laptop")
        assert answered.status == 200
    request, attempts = alone(collector)
    assert [span["pandora.account"] for span in attempts] == ["anna", "ben"]
    assert [span["pandora.attempt.verdict"] for span in attempts] == ["refused", "accepted"]
    assert (request["pandora.key"], request["pandora.account"]) == ("laptop", "ben")
    told = b"".join(collector.bodies)
    assert b"fk-" not in told
    assert b"sk-pandora" not in told


async def test_key_that_the_backend_refuses_is_the_callers_fault() -> None:
    async with traced(knobs=Knobs(fault="token_expired")) as (service, collector):
        assert (await service.chat()).status == 401
    request, (attempt,) = alone(collector)
    assert (request["pandora.outcome"], request.status) == ("upstream_refused", UNSET)
    assert request["error.type"]
    assert (attempt["pandora.attempt.verdict"], attempt.status) == ("refused", ERROR)


async def test_request_that_is_refused_here_posts_nothing() -> None:
    async with traced() as (service, collector):
        await service.post({"model": "no-such-model", "messages": [{"role": "user", "content": "Hello"}]})
    request, attempts = alone(collector)
    assert attempts == []
    assert (request["pandora.outcome"], request["error.type"]) == ("invalid", "model_not_found")
    assert request["gen_ai.request.model"] is None, "strangers name no models"


async def test_stream_that_breaks_is_an_error_behind_a_good_status() -> None:
    async with traced(knobs=Knobs(busy=False, cap=0, fault="reset_mid")) as (service, collector):
        assert (await service.chat(stream=True)).status == 200
    request, (attempt,) = alone(collector)
    assert (request["http.response.status_code"], request.status) == (200, ERROR)
    assert request["pandora.outcome"] == "upstream_error"
    assert request["gen_ai.response.finish_reasons"] is None
    assert (attempt["pandora.attempt.verdict"], attempt["pandora.attempt.outcome"]) == ("accepted", "failed")


@pytest.mark.parametrize("stream", [True, False])
async def test_client_that_leaves_is_no_error(stream: bool) -> None:
    async with traced() as (service, collector):
        async with service.connect() as client:
            text = "Tell me about rain [[sim tokens=2000 pace=100]]"
            await service.begin(client, text, stream=stream)
            await eventually(lambda: bool(service.upstream.open_streams))
            await eventually(lambda: service.last_stream.records >= 5)
            client.close()
        await eventually(lambda: service.requests("client_gone") == 1)
    request, (attempt,) = alone(collector)
    assert (request["pandora.outcome"], request.status) == ("client_gone", UNSET)
    assert (attempt["pandora.attempt.outcome"], attempt.status) == ("stopped", UNSET)


async def test_client_that_leaves_before_the_answer_is_no_error_of_the_attempt() -> None:
    posted = asyncio.Event()

    async def note(_: Connection) -> None:
        posted.set()

    async with traced_over([note, stall()]) as (service, collector):
        async with service.connect() as client:
            await service.begin(client, "Hello")
            await posted.wait()
            client.close()
        await eventually(lambda: service.requests("client_gone") == 1)
    request, (attempt,) = alone(collector)
    assert request["pandora.outcome"] == "client_gone"
    assert (attempt["pandora.attempt.verdict"], attempt.status) == ("maybe", UNSET)


async def test_probes_and_scrapers_are_not_traced() -> None:
    async with traced() as (service, collector):
        for path in ("/healthz", "/readyz", "/metrics", "/", "/console/state"):
            await service.ask("GET", path)
        await service.ask("GET", "/v1/models")
    assert [span.name for span in collector.spans] == ["GET models"]


async def test_path_is_never_told() -> None:
    async with traced({"API_PREFIX": "some-prefix"}) as (service, collector):
        await service.ask("GET", "/some-prefix/v1/some-words?more=words")
    (span,) = collector.spans
    assert (span.name, span["error.type"]) == ("GET unknown", "unknown_url")
    told = b"".join(collector.bodies)
    assert b"some-" not in told
    assert b"words" not in told


async def test_collector_that_hangs_holds_no_request(loud_log: pytest.LogCaptureFixture) -> None:
    with collecting(hangs=True) as collector:
        async with deployed(collector.settings) as service:
            for _ in range(40):  # more than are sent at once
                assert (await service.ask("GET", "/v1/models")).status == 200
            await eventually(lambda: bool(collector.bodies))
            assert EventStream.of((await service.chat(stream=True)).body).done


async def test_collector_that_is_away_breaks_no_request(loud_log: pytest.LogCaptureFixture) -> None:
    async with deployed({"TRACES": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}) as service:
        assert (await service.chat()).status == 200
    said = [record.getMessage() for record in loud_log.records if record.levelno >= logging.WARNING]
    assert any(message.startswith("traces are not sent: ") for message in said)


async def test_without_traces_nothing_of_them_is_there(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        assert (await service.ask("GET", "/v1/models", headers)).status == 200
        assert service.server.service.tracer is None
    assert lines(caplog)[0]["trace_id"] is None


BUILT = """
import asyncio, sys
from settings import Settings
from wiring import build
async def main():
    build(Settings.from_env({"BASE_URL": "http://127.0.0.1:1", "STATE_DIR": sys.argv[1]}), "0")
asyncio.run(main())
print([name for name in sys.modules if name.partition(".")[0] in ("opentelemetry", "google", "requests")])
"""


def test_without_traces_nothing_is_imported(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUILT, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_service_does_not_start_without_what_it_needs_for_traces(tmp_path: Path) -> None:
    (tmp_path / "opentelemetry.py").write_text("")  # it hides the packages
    given = {"TRACES": "otlp", "STATE_DIR": str(tmp_path / "state"), "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "server.py"],
        cwd=ROOT,
        env=environment({**given, "BASE_URL": "http://127.0.0.1:1", "PORT": "0"}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "server.py: TRACES=otlp needs packages that are not installed (opentelemetry.context is not there): "
        "install requirements-traces.lock, or set TRACES=off.\n"
    )
    assert KEY not in done.stdout


def test_collector_that_hangs_does_not_keep_the_process() -> None:
    with collecting(hangs=True) as collector, service_over_simulator(collector.settings) as pair:
        assert ask(pair.port, "GET", "/v1/models").status == 200
        pair.service.signal(signal.SIGTERM)
        assert pair.service.exit_code() == 0
        assert "the last traces were not sent within 2 seconds" in pair.service.output
        assert "Traceback" not in pair.service.output
    assert collector.bodies
