"""Calls of tools and answers in a form, from the request to what the backend, the ledger and the log see."""

import asyncio
import json
import re
from typing import Any

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.scripted_server import EVENT_STREAM, Connection, chunk, fin, last_chunk, status
from tests.service.deployment import Deployment, deployed
from tests.service.test_logs import requests
from tests.service.test_retry import backed_by
from tests.service.test_token_counts import png

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather of a city.", "parameters": CITY},
}
OFFERED: dict[str, Any] = {"tools": [WEATHER]}
FORCED: dict[str, Any] = {"tools": [WEATHER], "tool_choice": "required"}
FORM: dict[str, Any] = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "c", "schema": CITY, "strict": True}}
}
OSLO = "What is the weather in Oslo?"
TAG = re.compile(r"<(?:call|result)-[0-9a-f]{8}")


def asked(**knobs: object) -> str:
    """The question, with knobs of the model that is played."""
    marker = " ".join(f"{name}={value}" for name, value in knobs.items())
    return f"{OSLO} [[sim {marker}]]"


def calls_of(answer: Any) -> list[tuple[str, Any]]:
    """Names and arguments of the calls in a whole answer."""
    calls = answer.json["choices"][0]["message"].get("tool_calls", [])
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def answered(text: str, *, status: str = "finished_successfully") -> bytes:
    """An event of the backend with a message."""
    message = {
        "id": "a1",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": [text]},
        "status": status,
        "end_turn": True if status == "finished_successfully" else None,
        "recipient": "all",
    }
    return b"data: %s\n\n" % json.dumps({"message": message, "conversation_id": "c1", "error": None}).encode()


def posted_texts(service: Deployment) -> list[str]:
    """All texts that the backend was sent, in order."""
    return [
        part
        for request in service.posted
        for message in request.body.get("messages", [])
        for part in message["content"]["parts"]
    ]


def counted(service: Deployment, outcome: str) -> float | None:
    labels = {"model": "gpt-4-s", "outcome": outcome}
    return service.server.service.metrics.registry.get_sample_value("pandora_tool_calls_total", labels)


@pytest.mark.parametrize("fields", [{}, {"tools": []}, {**OFFERED, "tool_choice": "none"}], ids=repr)
async def test_chat_without_tools_to_call_is_posted_as_it_came(fields: dict[str, Any]) -> None:
    async with deployed() as service:
        assert (await service.chat(OSLO, **fields)).status == 200
        assert posted_texts(service) == [OSLO]


async def test_user_reads_no_envelope_and_the_backend_reads_no_key(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        for stream in (False, True):
            answer = await service.chat(asked(habit="before"), **OFFERED, stream=stream)
            assert not TAG.search(answer.body.decode())
        assert TAG.search("".join(posted_texts(service)))
    assert not TAG.search(caplog.text)
    assert "Oslo" not in json.dumps(requests(caplog))


async def test_call_costs_one_conversation_and_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        assert calls_of(await service.chat(OSLO, **OFFERED)) == [("get_weather", {"city": "Oslo"})]
        assert [counted(service, outcome) for outcome in ("made", "asked_again", "failed")] == [1, 0, 0]
    (line,) = requests(caplog)
    assert (line["calls"], line["asked_again"], line["units"]) == (1, None, 14)


async def test_question_waits_until_the_backend_can_have_noticed_that_the_answer_was_ended() -> None:
    times: list[float] = []

    async def calls_without_end(connection: Connection) -> None:
        """A wrong call and words behind it, after which the rest is not wanted."""
        assert connection.request is not None
        found = re.search("<(call-[0-9a-f]{8}) ", connection.request.body.decode())
        assert found is not None
        call = f'<{found[1]} name="no_such_tool">\n{{}}\n</{found[1]}>\n' + "And so it goes on. " * 40
        await chunk(answered(call, status="in_progress"))(connection)
        await connection.left.wait()
        times.append(asyncio.get_running_loop().time())

    async def then(connection: Connection) -> None:
        times.append(asyncio.get_running_loop().time())
        await chunk(answered("None, then.") + b"data: [DONE]\n\n")(connection)

    begun = status(200, EVENT_STREAM)
    async with backed_by([begun, calls_without_end], [begun, then, last_chunk(), fin()]) as (service, _):
        answer = await service.chat(OSLO, **OFFERED)
        assert answer.json["choices"][0]["message"]["content"] == "None, then."
    left, asked_again = times
    assert asked_again - left > 0.1


@pytest.mark.parametrize("history", ["keep", "temporary"])
async def test_wrong_call_is_asked_for_once_more_in_the_same_conversation(
    history: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed({"HISTORY": history}) as service:
        answer = await service.chat(asked(habit="unknown"), **OFFERED)
        assert calls_of(answer) == [("get_weather", {"city": "Oslo"})]
        first, second = (request.body for request in service.posted)
        assert second["conversation_id"] == service.upstream.streams[0].conversation_id
        assert "conversation_id" not in first
        assert len(second["messages"]) == 1
        assert [counted(service, outcome) for outcome in ("made", "asked_again", "failed")] == [1, 1, 0]
    (line,) = requests(caplog)
    assert (line["calls"], line["asked_again"], line["units"]) == (1, 1, 28)


@pytest.mark.parametrize("stream", [False, True])
async def test_call_is_passed_on_as_it_is_if_the_backend_does_not_take_the_question(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed(knobs=Knobs(busy=False, cap=1)) as service:
        answer = await service.chat(asked(habit="missing_field"), **OFFERED, stream=stream)
        assert answer.status == 200
        assert answer.stream.finish_reasons == ["tool_calls"] if stream else calls_of(answer)
        assert service.upstream.attempts == 2
    (line,) = requests(caplog)
    assert (line["outcome"], line["units"]) == ("ok", 14)


async def test_refusal_of_the_question_is_told_where_the_answer_is_of_no_use() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=1)) as service:
        answer = await service.chat(asked(habit="prose"), **FORCED)
        assert (answer.status, answer.headers["x-should-retry"]) == (429, "false")
        assert service.upstream.attempts == 2


async def test_it_is_asked_once_more_on_the_backend_of_today_as_well() -> None:
    async with deployed({"CONVERSATION_ROUTE": "auto"}, Knobs(busy=False, cap=0, age="2026")) as service:
        answer = await service.chat(asked(habit="unknown"), **OFFERED)
        assert calls_of(answer) == [("get_weather", {"city": "Oslo"})]
        assert service.upstream.attempts == 2


async def test_question_that_the_limits_have_no_room_for_is_not_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with deployed({"QUOTA_PER_DAY": "14"}) as service:
        failed = await service.chat(asked(habit="prose"), **FORCED)
        assert (failed.status, failed.error["code"]) == (502, "tool_call_failed")
        assert failed.headers["x-should-retry"] == "false"
        assert service.upstream.attempts == 1
        assert [counted(service, outcome) for outcome in ("made", "asked_again", "failed")] == [0, 0, 1]
    (line,) = requests(caplog)
    assert (line["outcome"], line["units"], line["asked_again"]) == ("upstream_error", 14, None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fields", "code"), [(FORCED, "tool_call_failed"), (FORM, "schema_not_met")], ids=["call", "form"]
)
async def test_failure_has_its_outcome_and_its_units(
    fields: dict[str, Any], code: str, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with deployed() as service:
        answer = await service.chat(
            asked(habit="wrong_type" if code == "schema_not_met" else "prose", amends="false"),
            **fields,
            stream=stream,
        )
        assert service.requests("upstream_error") == 1
        assert counted(service, "failed") == 1
    error = answer.stream.errors[0] if stream and answer.status == 200 else answer.error
    assert error["code"] == code
    assert not TAG.search(answer.body.decode())
    (line,) = requests(caplog)
    assert (line["units"], line["asked_again"], line["calls"]) == (28, 1, None)


async def test_call_that_is_cut_by_length_is_continued() -> None:
    async with deployed() as service:
        answer = await service.chat(asked(finish="max_tokens", tokens=3), **OFFERED)
        assert calls_of(answer) == [("get_weather", {"city": "Oslo"})]
        assert [request.body["action"] for request in service.posted] == ["next", "continue"]


async def test_call_that_is_cut_by_length_and_may_not_be_continued_is_none() -> None:
    async with deployed({"CONTINUE_LIMIT": "0"}) as service:
        answer = await service.chat(asked(finish="max_tokens", tokens=3), **FORCED)
        assert answer.status == 502
        assert service.upstream.attempts == 1


@pytest.mark.parametrize("stop", ["Oslo", '"', "}", "</call", "get_weather"])
async def test_stop_sequence_does_not_cut_a_call(stop: str) -> None:
    async with deployed() as service:
        answer = await service.chat(OSLO, **OFFERED, stop=stop)
        assert calls_of(answer) == [("get_weather", {"city": "Oslo"})]


async def test_stop_sequence_ends_the_text_and_no_call_follows() -> None:
    async with deployed() as service:
        answer = (await service.chat(asked(habit="before"), **OFFERED, stop="look")).json
        assert answer["choices"][0]["message"]["content"] == "I will "
        assert answer["choices"][0]["finish_reason"] == "stop"


async def test_stream_is_kept_alive_while_a_call_is_written() -> None:
    async with deployed({"STREAM_HEADERS_AFTER": "0.1", "KEEPALIVE_INTERVAL": "0.1"}) as service:
        stream = (await service.chat(asked(silence=3), **FORCED, stream=True)).stream
    assert stream.pings >= 2
    assert stream.done
    assert stream.text == ""


@pytest.mark.parametrize("stream", [False, True])
async def test_client_that_leaves_in_the_middle_of_a_call_closes_the_upstream(stream: bool) -> None:
    async with deployed() as service, service.connect() as client:
        await service.begin(client, asked(silence=60), **FORCED, stream=stream)
        await eventually(lambda: bool(service.upstream.open_streams) and service.last_stream.records >= 3)
        client.close()
        await eventually(lambda: service.last_stream.outcome == "client_closed")
        await eventually(lambda: service.in_flight == 0)
        assert service.upstream.attempts == 1
        assert service.requests("client_gone") == 1


async def test_client_that_leaves_while_it_is_asked_once_more_closes_the_upstream() -> None:
    knobs = Knobs(busy=False, cap=0, first_delay=60)  # of the second answer: the first one has its own
    async with deployed(knobs=knobs) as service, service.connect() as client:
        await service.begin(client, asked(habit="prose", amends="false", first_delay=0), **FORCED)
        await eventually(lambda: service.upstream.attempts == 2)
        client.close()
        await eventually(lambda: not service.upstream.open_streams)
        await eventually(lambda: service.requests("client_gone") == 1)


async def test_calls_and_results_of_the_history_are_told_even_without_tools() -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
    }
    history = [
        {"role": "user", "content": OSLO},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Snow."},
    ]
    async with deployed() as service:
        answer = await service.post({"model": "gpt-4-s", "messages": history})
        assert answer.status == 200
        assert not TAG.search(answer.body.decode())
        said = "\n".join(posted_texts(service))
    assert '{"city":"Oslo"}' in said
    assert "Snow." in said


async def test_switched_off_tools_are_ignored_and_forced_ones_refused() -> None:
    async with deployed({"TOOLS": "refuse"}) as service:
        for fields in (OFFERED, FORM, {**OFFERED, "tool_choice": "auto"}):
            answer = await service.chat(OSLO, **fields)
            assert answer.json["choices"][0]["finish_reason"] == "stop"
        assert set(posted_texts(service)) == {OSLO}
        refused = await service.chat(OSLO, **FORCED)
        assert (refused.status, refused.error["param"]) == (400, "tool_choice")
        assert service.upstream.attempts == 3


async def test_many_large_tools_are_taken() -> None:
    properties = {f"field_{number}": {"type": "string", "description": "x" * 60} for number in range(60)}
    tools = [
        {
            "type": "function",
            "function": {
                "name": f"tool_{number}",
                "strict": True,
                "parameters": {"type": "object", "properties": properties},
            },
        }
        for number in range(128)
    ]
    async with deployed({"MAX_BODY_BYTES": "4000000"}) as service:
        answer = await service.chat("Hello", tools=tools)
        assert answer.status == 200


async def test_pictures_of_results_are_uploaded() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "screenshot", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "Look at the screen."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [{"type": "image_url", "image_url": {"url": png(1, 1)}}],
        },
    ]
    async with deployed() as service:
        answer = await service.post({"model": "gpt-4-s", "messages": history, "tools": [WEATHER]})
        assert answer.status == 200
        content = service.posted[-1].body["messages"][-1]["content"]
    assert content["content_type"] == "multimodal_text"
    assert "[attached: image]" in content["parts"][-1]
