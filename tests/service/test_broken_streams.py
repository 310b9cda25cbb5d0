"""A failure after the first byte: a visible note, an error event, and nothing that looks like a good end."""

import asyncio

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.scripted_server import EVENT_STREAM, ScriptedServer, chunk, rst, status, until, without_accounts
from tests.service.broken_turns import broken_after
from tests.service.deployment import Deployment, deployed

QUICK = {"IDLE_TIMEOUT": "3", "KEEPALIVE_INTERVAL": "0.1"}
ASKED = "Repeat after me: one two three four five six seven eight"

FAULTS = {
    "reset_mid": "upstream_error",
    "fin_mid": "upstream_error",
    "end_mid": "upstream_error",
    "stall_mid": "upstream_timeout",
    "cut_character": "upstream_error",
    "cut_record": "upstream_error",
    "error_mid": "upstream_challenge",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_failure_in_mid_stream_is_a_note_and_an_error_event_and_no_end(fault: str) -> None:
    async with deployed(QUICK) as service:
        answer = await service.chat(f"{ASKED} [[sim pace=200 fault={fault}]]", stream=True)
        await eventually(lambda: closed_upstream(service))
    stream = answer.stream
    assert answer.status == 200
    assert stream.text.startswith("one two three")
    (error,) = stream.errors
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == FAULTS[fault]
    assert stream.text.endswith(f"\n\n[stopped: {error['message']}]")
    assert stream.events[-1].startswith('data: {"error"')
    assert stream.finish_reasons == []
    assert not stream.done


@pytest.mark.parametrize("stream", [True, False])
async def test_record_that_is_damaged_is_repaired_by_the_next_snapshot_and_in_deltas_is_a_failure(
    stream: bool,
) -> None:
    question = f"{ASKED} [[sim pace=200 fault=damaged_record"
    async with deployed(QUICK) as service:
        repaired = await service.chat(f"{question}]]", stream=stream)
        broken = await service.chat(f"{question} age=2025]]", stream=stream)
    text = "one two three four five six seven eight"
    if not stream:
        assert repaired.json["choices"][0]["message"]["content"] == text
        assert (broken.status, broken.error["code"]) == (502, "upstream_error")
        assert broken.headers["x-should-retry"] == "false"
        return
    assert (repaired.stream.text, repaired.stream.finish_reasons) == (text, ["stop"])
    (error,) = broken.stream.errors
    assert error["code"] == "upstream_error"
    assert text.startswith(broken.stream.text.partition("\n\n[stopped")[0])
    assert (broken.stream.finish_reasons, broken.stream.done) == ([], False)


def closed_upstream(service: Deployment) -> bool:
    return not service.upstream.open_streams and service.in_flight == 0


async def test_note_in_the_text_can_be_switched_off() -> None:
    async with deployed({"ERROR_NOTE": "false"}) as service:
        stream = (await service.chat(f"{ASKED} [[sim fault=reset_mid pace=200]]", stream=True)).stream
    assert stream.text.startswith("one two three")
    assert "stopped" not in stream.text
    assert len(stream.errors) == 1
    assert not stream.done


@pytest.mark.parametrize("fault", FAULTS)
async def test_failure_in_mid_answer_is_an_error_and_no_half_text_if_nothing_is_streamed(fault: str) -> None:
    async with deployed(QUICK) as service:
        answer = await service.chat(f"{ASKED} [[sim pace=200 fault={fault}]]")
    assert answer.status in (502, 503, 504)
    assert answer.error["code"] == FAULTS[fault]
    assert answer.headers["x-should-retry"] == "false"


async def test_failure_after_the_headers_had_to_go_is_an_error_event() -> None:
    patience = {"STREAM_HEADERS_AFTER": "0.1", "FIRST_BYTE_TIMEOUT": "3"}
    async with deployed(patience) as service:
        answer = await service.chat("Hello [[sim fault=stall_before_headers]]", stream=True)
    assert answer.status == 200
    assert answer.stream.deltas[0]["role"] == "assistant"
    assert [error["code"] for error in answer.stream.errors] == ["upstream_timeout"]
    assert not answer.stream.done
    assert answer.stream.finish_reasons == []


async def test_what_came_before_a_reset_reaches_the_client() -> None:
    record = b'data: {"message": {"id": "m1", "author": {"role": "assistant"}, "status": "in_progress", '
    record += b'"content": {"content_type": "text", "parts": ["Half a sen"]}}, "conversation_id": "c1"}\n\n'
    read = asyncio.Event()
    script = [status(200, EVENT_STREAM), chunk(record), until(read), rst()]
    async with (
        ScriptedServer(script, aside=without_accounts) as backend,
        deployed({"BASE_URL": backend.url}) as service,
        service.connect() as client,
    ):
        await service.begin(client, "Hello")
        await client.read_head()
        await client.read_until("Half a sen")
        read.set()
        rest = await client.read_rest()
    assert b'"error"' in rest
    assert b"[DONE]" not in rest


async def test_bug_of_ours_in_mid_stream_is_an_error_event_and_no_end(
    loud_log: pytest.LogCaptureFixture,
) -> None:
    async with deployed(adapt=broken_after(12)) as service:
        answer = await service.chat("Tell me about rain [[sim pace=300]]", stream=True)
        assert service.requests("error") == 1
        await eventually(lambda: closed_upstream(service))
    (error,) = answer.stream.errors
    assert error["type"] == "server_error"
    assert answer.headers["x-request-id"] in error["message"]
    assert "canary" not in answer.body.decode()
    assert not answer.stream.done


async def test_backend_that_sends_only_pings_is_given_up_at_last() -> None:
    still = Knobs(busy=False, cap=0, fault="only_pings_mid", ping=0.1, tokens=20)
    async with deployed({"IDLE_TIMEOUT": "20"}, still, progress_timeout=3) as service:
        stream = (await service.chat(stream=True)).stream
        await eventually(lambda: service.last_stream.outcome == "client_closed")
    assert stream.errors[0]["code"] == "upstream_timeout"
    assert "nothing new" in stream.errors[0]["message"]
    assert not stream.done


async def test_pings_for_a_while_are_no_reason_to_give_up() -> None:
    still = Knobs(busy=False, cap=0, silence=4, ping=0.1, tokens=20)
    env = {"IDLE_TIMEOUT": "3"}
    async with deployed(env, still) as service:
        assert (await service.chat(stream=True)).stream.done
