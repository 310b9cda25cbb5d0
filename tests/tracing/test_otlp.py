"""Spans as a collector gets them, and what becomes of them where it does not take them."""

import asyncio
import logging

import pytest

from tests.eventually import eventually
from tests.tracing.collector import (
    CLIENT,
    ERROR,
    SERVER,
    UNSET,
    Collector,
    Seen,
    collecting,
    wait_for_senders,
)
from tracing import AttemptEnd, RequestEnd, RequestTrace, TraceOptions, Tracer, load_tracer

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED, LEFT_OUT = f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"


def options(collector: Collector, **changes: object) -> TraceOptions:
    given: dict[str, object] = {
        "endpoint": collector.address,
        "headers": {},
        "service": "some-service",
        "version": "1.2.3",
        "sampler": "parentbased_always_on",
        "share": 1.0,
    }
    return TraceOptions(**(given | changes))  # type: ignore[arg-type]


def request_end(**changes: object) -> RequestEnd:
    given: dict[str, object] = {
        "status": 200,
        "outcome": "ok",
        "failed": False,
        "error": "",
        "ttft": None,
        "key": "",
        "account": "",
        "operation": "chat",
        "output": "",
        "model": "gpt-4-s",
        "answered_by": "",
        "finish_reason": "stop",
        "prompt_tokens": 3,
        "completion_tokens": 5,
        "units": 14,
    }
    return RequestEnd(**(given | changes))  # type: ignore[arg-type]


def attempt_end(**changes: object) -> AttemptEnd:
    given: dict[str, object] = {
        "verdict": "accepted",
        "outcome": "ok",
        "status": 200,
        "answered_by": "",
        "error": "",
        "failed": False,
    }
    return AttemptEnd(**(given | changes))  # type: ignore[arg-type]


def begin(tracer: Tracer, parent: str = "", method: str = "POST") -> RequestTrace:
    return tracer.begin(request_id="req_1", method=method, route="chat", parent=parent)


async def told(collector: Collector, parent: str = "", method: str = "POST", **changes: object) -> list[Seen]:
    """The spans of one request without attempts."""
    tracer = load_tracer(options(collector, **changes))
    begin(tracer, parent, method).end(request_end())
    await tracer.close()
    return collector.spans


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the service says aloud."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "pandora" and record.levelno >= logging.WARNING
    ]


async def test_request_and_its_attempts_are_one_trace() -> None:
    with collecting() as collector:
        tracer = load_tracer(options(collector))
        request = begin(tracer)
        refused = request.attempt(account="anna", model="gpt-4")
        refused.end(
            attempt_end(verdict="refused", outcome="refused", status=503, error="upstream_error", failed=True)
        )
        accepted = request.attempt(account="ben", model="gpt-4")
        accepted.answer_began()
        accepted.end(attempt_end(answered_by="gpt-4-turbo"))
        request.end(request_end(ttft=0.25, key="laptop", account="ben", answered_by="gpt-4-turbo"))
        await tracer.close()
        (span,) = collector.requests
        first, second = collector.attempts(span)
    assert (span.name, span.kind, span.parent_id) == ("POST chat", SERVER, "")
    assert {span.trace_id, first.trace_id, second.trace_id} == {request.trace_id}
    assert span.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4-s",
        "gen_ai.response.model": "gpt-4-turbo",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 5,
        "pandora.route": "chat",
        "pandora.request_id": "req_1",
        "pandora.outcome": "ok",
        "pandora.key": "laptop",
        "pandora.account": "ben",
        "pandora.units": 14,
    }
    assert span.events["first_content"] - span.began == pytest.approx(0.25, abs=0.01)
    assert (first.kind, first.status, first["error.type"]) == (CLIENT, ERROR, "upstream_error")
    assert (first["pandora.account"], first["pandora.attempt.verdict"]) == ("anna", "refused")
    assert (first["http.response.status_code"], first["pandora.attempt.number"]) == (503, 1)
    assert (second.status, second["pandora.account"], second["pandora.attempt.number"]) == (UNSET, "ben", 2)
    assert second.began <= second.events["answer_began"] <= second.ended
    assert second["gen_ai.response.model"] == "gpt-4-turbo"


async def test_request_that_asks_no_model_has_no_words_of_models() -> None:
    with collecting() as collector:
        tracer = load_tracer(options(collector))
        begin(tracer).end(request_end(operation="", status=404, error="unknown_url", outcome="invalid"))
        await tracer.close()
        (span,) = collector.spans
    assert not [name for name in span.attributes if name.startswith("gen_ai.")]
    assert (span["error.type"], span.status) == ("unknown_url", UNSET)


async def test_failure_has_the_status_of_an_error_and_no_words() -> None:
    with collecting() as collector:
        tracer = load_tracer(options(collector))
        begin(tracer).end(
            request_end(failed=True, status=502, error="upstream_error", outcome="upstream_error")
        )
        await tracer.close()
        (span,) = collector.spans
    assert (span.status, span.message) == (ERROR, "")


async def test_trace_of_the_client_is_gone_on_with() -> None:
    with collecting() as collector:
        (span,) = await told(collector, SAMPLED)
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE[:-1]}G-{PARENT}-01",
        f"{SAMPLED}-more",
        f"{SAMPLED},{SAMPLED}",
    ],
)
async def test_parent_that_is_none_begins_a_trace(parent: str) -> None:
    with collecting() as collector:
        (span,) = await told(collector, parent)
    assert span.parent_id == ""
    assert len(span.trace_id) == 32
    assert span.trace_id != TRACE


@pytest.mark.parametrize(
    ("sampler", "share", "parent", "traced"),
    [
        ("parentbased_always_on", 1.0, LEFT_OUT, False),
        ("parentbased_always_off", 1.0, SAMPLED, True),
        ("parentbased_always_off", 1.0, "", False),
        ("parentbased_traceidratio", 0.0, SAMPLED, True),
        ("parentbased_traceidratio", 0.0, "", False),
        ("traceidratio", 0.0, SAMPLED, False),
        ("traceidratio", 1.0, LEFT_OUT, True),
        ("always_on", 0.0, LEFT_OUT, True),
        ("always_off", 1.0, SAMPLED, False),
    ],
)
async def test_sampler_says_which_requests_are_traced(
    sampler: str, share: float, parent: str, traced: bool
) -> None:
    with collecting() as collector:
        tracer = load_tracer(options(collector, sampler=sampler, share=share))
        request = begin(tracer, parent)
        request.attempt(account="", model="gpt-4").end(attempt_end())
        request.end(request_end())
        await tracer.close()
        assert len(collector.spans) == (2 if traced else 0)
    if parent:
        assert request.trace_id == TRACE, "the log has it also where nothing is traced"


async def test_method_that_nobody_knows_makes_no_name() -> None:
    with collecting() as collector:
        (span,) = await told(collector, method="BREW")
    assert (span.name, span["http.request.method"]) == ("HTTP chat", "_OTHER")


async def test_long_value_is_cut() -> None:
    with collecting() as collector:
        tracer = load_tracer(options(collector))
        begin(tracer).end(request_end(model="m" * 1000))
        await tracer.close()
        (span,) = collector.spans
    assert span["gen_ai.request.model"] == "m" * 256


async def test_collector_is_told_who_tells_and_gets_the_headers() -> None:
    with collecting() as collector:
        await told(collector, headers={"Authorization": "Bearer some-token"})
    assert collector.paths == {"/v1/traces"}
    assert collector.headers["authorization"] == "Bearer some-token"
    assert collector.resource["service.name"] == "some-service"
    assert collector.resource["service.version"] == "1.2.3"
    assert collector.resource["service.instance.id"]


async def test_spans_are_sent_before_the_end() -> None:
    with collecting() as collector:
        tracer = load_tracer(options(collector, delay=0.05))
        begin(tracer).end(request_end())
        await eventually(lambda: bool(collector.bodies))
        await tracer.close()
        assert len(collector.spans) == 1


async def test_collector_that_does_not_answer_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with collecting(hangs=True) as collector:
        tracer = load_tracer(options(collector, queue=8, batch=4, delay=0.02, flush=0.2))
        for _ in range(500):
            begin(tracer).end(request_end())
        await eventually(lambda: bool(collector.bodies))
        async with asyncio.timeout(10):
            await tracer.close()
        assert warnings(caplog)[-1] == "the last traces were not sent within 0.2 seconds"
    wait_for_senders()
    assert len(collector.spans) <= 12, "what waits is bounded"


async def test_collector_that_is_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with collecting() as gone:
        pass
    tracer = load_tracer(
        options(gone, delay=0.01, patience=3.0, flush=0.2, headers={"x-token": "some-secret"})
    )
    for _ in range(50):
        begin(tracer).end(request_end())
        await asyncio.sleep(0.01)
    await tracer.close()
    (line,) = [message for message in warnings(caplog) if message.startswith("traces are not sent: ")]
    assert "refused" in line
    assert "some-secret" not in caplog.text


async def test_collector_that_refuses_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with collecting(status=401) as collector:
        await told(collector)
    (line,) = warnings(caplog)
    assert "401" in line


def test_headers_are_not_shown() -> None:
    shown = repr(options(Collector(), headers={"x-token": "some-secret"}))
    assert "some-secret" not in shown
