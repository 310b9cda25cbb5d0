"""`/v1/responses`: what is posted for it, what is kept of it, and how chains go on."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from handlers import AppParts
from simulator import Knobs
from tests.raw_client import Answer
from tests.redis_server import RedisServer, needs_redis
from tests.service.deployment import JSON_TYPE, KEY, Deployment, deployed
from translate.openai import messages_of

PATH = "/v1/responses"
OTHER = "fk-of-somebody-else"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def ask(
    service: Deployment, text: Any = "Say exactly: fine", *, key: str = KEY, **fields: Any
) -> Answer:
    return await service.post({"model": "gpt-4-s", "input": text, **fields}, path=PATH, key=key)


async def said(service: Deployment, text: Any = "Say exactly: fine", **fields: Any) -> Any:
    """A good whole response."""
    answer = await ask(service, text, **fields)
    assert answer.status == 200, answer.body
    return answer.json


async def streamed(service: Deployment, text: Any = "Say exactly: fine", **fields: Any) -> list[Any]:
    """The events of a stream."""
    answer = await ask(service, text, stream=True, **fields)
    assert answer.status == 200, answer.body
    lines = [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


async def got(service: Deployment, path: str, key: str = KEY) -> Answer:
    return await service.ask("GET", f"{PATH}/{path}", key=key)


def text_of(response: Any) -> str:
    return "".join(part["text"] for item in response["output"] for part in item.get("content", ()))


def posted(service: Deployment, index: int = -1) -> Any:
    """The body of a conversation that was posted."""
    return service.posted[index].body


def texts(body: Any) -> list[tuple[str, str]]:
    return [(m["author"]["role"], m["content"]["parts"][-1]) for m in body["messages"]]


async def test_stream_and_whole_response_say_the_same() -> None:
    async with deployed() as service:
        whole = await said(service)
        events = await streamed(service)
        last = events[-1]["response"]
        volatile = {"id", "created_at", "completed_at", "output"}
        assert {name: last[name] for name in last.keys() - volatile} == {
            name: whole[name] for name in whole.keys() - volatile
        }
        assert text_of(last) == text_of(whole) == "fine"
        assert service.requests("ok", "responses") == 2


async def test_response_can_be_asked_for_again_by_its_caller_alone() -> None:
    async with deployed() as service:
        whole = await said(service)
        assert (await got(service, whole["id"])).json == whole
        events = await streamed(service)
        assert (await got(service, events[-1]["response"]["id"])).json == events[-1]["response"]
        for answer in (await got(service, whole["id"], OTHER), await got(service, "resp_none")):
            assert answer.status == 404
            assert answer.json["error"]["type"] == "invalid_request_error"
            assert "not found" in answer.json["error"]["message"]
        assert (await got(service, whole["id"], key="")).status == 401
        assert (await got(service, f"{whole['id']}?stream=true")).json["error"]["param"] == "stream"


async def test_response_that_is_not_to_be_stored_is_not() -> None:
    async with deployed() as service:
        whole = await said(service, store=False)
        assert whole["store"] is False
        assert (await got(service, whole["id"])).status == 404
        answer = await ask(service, previous_response_id=whole["id"])
        assert (answer.status, answer.json["error"]["code"]) == (400, "previous_response_not_found")
        assert answer.json["error"]["param"] == "previous_response_id"


async def test_deleted_response_is_gone() -> None:
    async with deployed() as service:
        whole = await said(service)
        path = f"{PATH}/{whole['id']}"
        assert (await service.ask("DELETE", path, key=OTHER)).status == 404
        answer = await service.ask("DELETE", path)
        assert answer.json == {"id": whole["id"], "object": "response", "deleted": True}
        assert (await got(service, whole["id"])).status == 404
        assert (await service.ask("DELETE", path)).status == 404
        assert (await ask(service, previous_response_id=whole["id"])).status == 400


async def test_no_response_can_be_cancelled() -> None:
    async with deployed() as service:
        whole = await said(service)
        assert (await service.post({}, path=f"{PATH}/{whole['id']}/cancel")).status == 400
        assert (await service.post({}, path=f"{PATH}/resp_none/cancel")).status == 404


async def test_input_items_come_in_pages() -> None:
    async with deployed() as service:
        items = [{"role": "user", "content": f"Say exactly: {number}"} for number in range(5)]
        whole = await said(service, items)
        every = (await got(service, f"{whole['id']}/input_items?order=asc")).json
        assert [item["content"][0]["text"][-1] for item in every["data"]] == ["0", "1", "2", "3", "4"]
        assert every["has_more"] is False
        ids = [item["id"] for item in every["data"]]
        assert len(set(ids)) == 5
        first = (await got(service, f"{whole['id']}/input_items?limit=2")).json
        assert [item["id"] for item in first["data"]] == [ids[4], ids[3]]
        assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[4], ids[3], True)
        rest = (await got(service, f"{whole['id']}/input_items?limit=3&after={ids[3]}")).json
        assert [item["id"] for item in rest["data"]] == [ids[2], ids[1], ids[0]]
        assert rest["has_more"] is False
        assert (await got(service, f"{whole['id']}/input_items", OTHER)).status == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_none"])
async def test_pages_that_cannot_be(query: str) -> None:
    async with deployed() as service:
        whole = await said(service)
        answer = await got(service, f"{whole['id']}/input_items?{query}")
        assert (answer.status, answer.json["error"]["param"]) == (400, query.partition("=")[0])


async def test_tokens_of_an_input_are_counted_with_all_before_it() -> None:
    async with deployed() as service:
        path = f"{PATH}/input_tokens"
        few = (await service.post({"model": "gpt-4-s", "input": "Hello"}, path=path)).json
        assert few["object"] == "response.input_tokens"
        assert few["input_tokens"] > 1
        tools = {"instructions": "Be brief.", "tools": [WEATHER]}
        more = (await service.post({"model": "gpt-4-s", "input": "Hello", **tools}, path=path)).json
        assert more["input_tokens"] > few["input_tokens"] + 10
        whole = await said(service)
        chained = {"model": "gpt-4-s", "input": "Hello", "previous_response_id": whole["id"]}
        told = (await service.post(chained, path=path)).json
        assert told["input_tokens"] == whole["usage"]["total_tokens"] + few["input_tokens"]


async def test_compacting_is_not_offered() -> None:
    async with deployed() as service:
        assert (await service.post({"model": "gpt-4-s"}, path=f"{PATH}/compact")).status == 404
        assert (await service.post({"input": "x"}, path=f"{PATH}/compact")).status == 400


@pytest.mark.parametrize("summary", ["auto", None])
async def test_thoughts_are_an_item_if_their_summary_is_asked_for(summary: str | None) -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, age="2025")) as service:
        events = await streamed(service, "say exactly: hi", reasoning={"summary": summary})
        output = events[-1]["response"]["output"]
        assert [item["type"] for item in output] == (["reasoning"] if summary else []) + ["message"]
        assert text_of(events[-1]["response"]) == "hi"
        if summary:
            assert output[0]["summary"][0]["text"].startswith("**")
        whole = await said(service, "say exactly: hi", reasoning={"summary": summary})
        assert [item["type"] for item in whole["output"]] == [item["type"] for item in output]


# Chains.


async def test_chain_goes_on_in_the_conversation_with_what_is_new() -> None:
    async with deployed() as service:
        first = await said(service, "Say exactly: one", instructions="Be brief.")
        second = await said(
            service, "Say exactly: two", previous_response_id=first["id"], instructions="Be brief."
        )
        body = posted(service)
        assert texts(body) == [("user", "Say exactly: two")]
        conversation = service.upstream.conversations.of_id(body["conversation_id"])
        assert conversation is not None
        answer = conversation.message(body["parent_message_id"])
        assert answer is not None
        assert answer.content["parts"] == ["one"]
        assert second["previous_response_id"] == first["id"]
        assert second["usage"]["input_tokens"] > first["usage"]["total_tokens"]


async def test_chain_may_branch() -> None:
    async with deployed() as service:
        first = await said(service, "Say exactly: one")
        for _ in range(2):
            second = await said(service, "Say exactly: two", previous_response_id=first["id"])
        await said(service, "Say exactly: three", previous_response_id=second["id"])
        one, other, last = (posted(service, index) for index in (1, 2, 3))
        assert one["conversation_id"] == other["conversation_id"] == last["conversation_id"]
        assert one["parent_message_id"] == other["parent_message_id"] != last["parent_message_id"]


async def test_new_instructions_replace_the_earlier_ones() -> None:
    async with deployed() as service:
        first = await said(service, "Say exactly: one", instructions="Be brief.")
        second = await said(
            service, "Say exactly: two", previous_response_id=first["id"], instructions="Be very long."
        )
        (role, told), question = texts(posted(service))
        assert role == "system"
        assert "replace all earlier" in told
        assert "Be very long." in told
        assert "Be brief." not in told
        assert question == ("user", "Say exactly: two")
        await said(
            service, "Say exactly: three", previous_response_id=second["id"], instructions="Be very long."
        )
        assert texts(posted(service)) == [("user", "Say exactly: three")]


async def test_conversation_that_is_gone_is_said_again_in_a_new_one() -> None:
    async with deployed() as service:
        first = await said(service, "Say exactly: one", instructions="Be brief.")
        second = await said(service, "Say exactly: two", previous_response_id=first["id"])
        service.upstream.conversations.hide_all(KEY)
        events = await streamed(service, "Say exactly: three", previous_response_id=second["id"])
        assert events[-1]["type"] == "response.completed"
        assert text_of(events[-1]["response"]) == "three"
        refused, again = (posted(service, index) for index in (-2, -1))
        assert texts(refused) == [("user", "Say exactly: three")]
        assert "conversation_id" not in again
        assert texts(again) == [
            ("user", "Say exactly: one"),
            ("assistant", "one"),
            ("user", "Say exactly: two"),
            ("assistant", "two"),
            ("user", "Say exactly: three"),
        ]
        await said(service, "Say exactly: four", previous_response_id=events[-1]["response"]["id"])
        assert texts(posted(service)) == [("user", "Say exactly: four")]


async def test_chain_with_a_missing_link_cannot_be_said_again() -> None:
    async with deployed() as service:
        first = await said(service, "Say exactly: one")
        second = await said(service, "Say exactly: two", previous_response_id=first["id"])
        await service.ask("DELETE", f"{PATH}/{first['id']}")
        third = await said(service, "Say exactly: three", previous_response_id=second["id"])
        service.upstream.conversations.hide_all(KEY)
        answer = await ask(service, "Say exactly: four", previous_response_id=third["id"])
        assert (answer.status, answer.json["error"]["code"]) == (400, "previous_response_not_found")


async def test_chain_that_is_too_long_to_be_said_again_is_told_so() -> None:
    def short_of_breath(parts: AppParts) -> AppParts:
        return replace(parts, responses=replace(parts.responses, longest_chain=1))

    async with deployed(adapt=short_of_breath) as service:
        first = await said(service, "Say exactly: one")
        second = await said(service, "Say exactly: two", previous_response_id=first["id"])
        service.upstream.conversations.hide_all(KEY)
        answer = await ask(service, "Say exactly: three", previous_response_id=second["id"])
        assert (answer.status, answer.json["error"]["code"]) == (400, "context_length_exceeded")


async def test_nobody_follows_the_response_of_another() -> None:
    async with deployed() as service:
        whole = await said(service)
        answer = await ask(service, previous_response_id=whole["id"], key=OTHER)
        assert (answer.status, answer.json["error"]["code"]) == (400, "previous_response_not_found")
        assert len(service.posted) == 1


async def test_items_may_be_named_by_their_ids() -> None:
    async with deployed({"CONTINUITY": "off"}) as service:
        whole = await said(service, "Say exactly: one")
        reference = {"type": "item_reference", "id": whole["output"][0]["id"]}
        question = {"role": "user", "content": "Say exactly: two"}
        await said(service, [{"role": "user", "content": "Say exactly: one"}, reference, question])
        assert ("assistant", "one") in texts(posted(service))
        answer = await ask(service, [reference, question], key=OTHER)
        assert (answer.status, answer.json["error"]["param"]) == (404, "input")
        assert "not found" in answer.json["error"]["message"]


@contextmanager
def items_read() -> Iterator[list[int]]:
    """How many items each call of `messages_of` has read, in this thread, while the context lasts."""
    counts: list[int] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is messages_of.__code__:
            counts.append(len(frame.f_locals["items"]))

    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(None)


async def test_messages_are_made_of_the_items_of_a_request_once_and_of_kept_ones_beside_the_loop() -> None:
    async with deployed() as service:
        with items_read() as counts:
            first = await said(service, "Say exactly: one")
            items = [{"role": "user", "content": "Say exactly: one"}, *first["output"]]
            question = {"role": "user", "content": "Say exactly: two"}
            whole_history = await ask(service, [*items, question])
            reference = {"type": "item_reference", "id": first["output"][0]["id"]}
            named = await ask(service, [items[0], reference, question])
            chain = await ask(service, question["content"], previous_response_id=first["id"])
            conversation = (await service.post({}, path="/v1/conversations")).json["id"]
            kept = await ask(service, "Say exactly: three", conversation=conversation)
            kept_further = await ask(service, "Say exactly: four", conversation=conversation)
    went_on = [whole_history, named, chain, kept_further]
    assert {answer.headers["x-conversation"] for answer in went_on} == {"continued"}
    assert kept.status == 200
    assert counts == [1, 3, 1, 1, 1], "a kept item that is only named may be long"


async def test_messages_of_a_chain_that_is_said_again_are_made_beside_the_loop() -> None:
    """It may be long, and only its end came with the request."""
    async with deployed() as service:
        first = await said(service, "Say exactly: one")
        service.upstream.conversations.hide_all(KEY)
        with items_read() as counts:
            answer = await said(service, "Say exactly: two", previous_response_id=first["id"])
        assert text_of(answer) == "two"
        assert texts(posted(service))[:2] == [("user", "Say exactly: one"), ("assistant", "one")]
    assert counts == [1]


async def test_result_of_a_call_that_nobody_made_is_refused() -> None:
    async with deployed() as service:
        orphan = {"type": "function_call_output", "call_id": "call_9", "output": "3"}
        answer = await ask(service, [orphan])
        assert answer.status == 400
        assert (
            "No tool call found for function call output with call_id call_9."
            in answer.json["error"]["message"]
        )


@pytest.mark.parametrize(("store", "temporary"), [(True, False), (False, True)])
async def test_conversation_that_may_be_followed_is_hidden_and_not_temporary(
    store: bool, temporary: bool
) -> None:
    async with deployed({"HISTORY": "temporary"}) as service:
        await said(service, store=store)
        await service.settled()
        assert posted(service)["history_and_training_disabled"] is temporary
        assert bool(service.upstream.patches) is store


async def test_without_days_nothing_is_kept(tmp_path: Path) -> None:
    async with deployed({"RESPONSES_DAYS": "0", "STATE_DIR": str(tmp_path)}) as service:
        whole = await said(service)
        assert whole["store"] is False
        assert (await got(service, whole["id"])).status == 404
        assert (await service.ask("DELETE", f"{PATH}/{whole['id']}")).status == 404
        assert (await ask(service, [{"type": "item_reference", "id": "msg_1"}])).status == 404
    assert "responses.sqlite3" not in os.listdir(tmp_path)


@pytest.mark.parametrize("where", ["file", pytest.param("redis", marks=needs_redis)])
async def test_responses_survive_a_restart(where: str, tmp_path: Path) -> None:
    with RedisServer() if where == "redis" else nullcontext() as redis:
        env = {"STATE_DIR": str(tmp_path)} | ({"REDIS_URL": redis.url} if redis is not None else {})
        async with deployed(env) as service:
            first = await said(service, "Say exactly: one")
        async with deployed(env) as service:  # whose backend has nothing of what was said
            assert (await got(service, first["id"])).json == first
            await said(service, "Say exactly: two", previous_response_id=first["id"])
            assert texts(posted(service)) == [
                ("user", "Say exactly: one"),
                ("assistant", "one"),
                ("user", "Say exactly: two"),
            ]


@needs_redis
async def test_instances_share_what_they_keep() -> None:
    with RedisServer() as redis:
        env = {"REDIS_URL": redis.url}
        async with deployed(env) as one, deployed(env) as other:
            first = await said(one, "Say exactly: one")
            assert (await got(other, first["id"])).json == first
            assert (await got(other, first["id"], OTHER)).status == 404
            await said(other, "Say exactly: two", previous_response_id=first["id"])
            assert (await one.ask("DELETE", f"{PATH}/{first['id']}")).status == 200
            assert (await got(other, first["id"])).status == 404


async def test_answer_that_cannot_be_kept_is_given_and_says_so(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "responses.sqlite3").mkdir()
    async with deployed({"STATE_DIR": str(tmp_path)}) as service:
        events = await streamed(service)
        assert events[0]["response"]["store"] is True
        assert events[-1]["type"] == "response.completed"
        assert events[-1]["response"]["store"] is False
        assert (await got(service, events[-1]["response"]["id"])).status == 503


# Failures.


async def test_failure_before_the_backend_answers_has_its_status() -> None:
    async with deployed() as service:
        answer = await ask(service, "Hello [[sim fault=status_429]]", stream=True)
        assert answer.status == 429
        assert answer.json["error"]["message"]


@pytest.mark.parametrize("fault", ["reset_before_headers", "status_500"])
async def test_failure_that_may_have_cost_something_is_told_within_so_that_codex_does_not_repeat_it(
    fault: str,
) -> None:
    async with deployed() as service:
        *begun, error, failed = await streamed(service, f"Hello [[sim fault={fault}]]")
        assert [event["type"] for event in begun] == ["response.created", "response.in_progress"]
        assert error["type"] == "error"
        assert failed["response"]["error"]["code"] == "invalid_prompt"
        whole = await ask(service, f"Hello [[sim fault={fault}]]")
        assert whole.status >= 500
        assert whole.headers["x-should-retry"] == "false"


async def test_failure_in_mid_answer_is_told_in_both_forms() -> None:
    async with deployed() as service:
        events = await streamed(service, "Tell me about rain [[sim tokens=200 fault=fin_mid]]")
        *_, error, failed = events
        assert error["type"] == "error"
        assert failed["type"] == "response.failed"
        assert failed["response"]["error"]["code"] == "invalid_prompt"
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert (await got(service, failed["response"]["id"])).status == 404


async def test_long_wait_is_not_told() -> None:
    async with deployed({"QUOTA_PER_KEY_PER_DAY": "14"}) as service:
        await said(service)
        answer = await ask(service, stream=True)
        assert answer.status == 429
        assert answer.json["error"]["code"] == "insufficient_quota"
        assert "retry-after" not in answer.headers


async def test_silence_is_filled_with_events_that_clients_count() -> None:
    def impatient(parts: AppParts) -> AppParts:
        timing = replace(parts.answers.timing, headers_after=0.1, keepalive_interval=0.05, visible_after=0.2)
        return replace(parts, answers=replace(parts.answers, timing=timing))

    async with deployed(adapt=impatient) as service:
        events = await streamed(service, "Say exactly: fine [[sim first_delay=3]]")
        kinds = [event["type"] for event in events]
        assert kinds[:2] == ["response.created", "response.in_progress"]
        assert kinds.count("response.in_progress") > 2
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        assert kinds[-1] == "response.completed"


async def test_client_that_leaves_ends_the_answer_and_nothing_is_kept() -> None:
    async with deployed() as service:
        async with service.connect() as connection:
            body = {
                "model": "gpt-4-s",
                "input": "Tell me about rain [[sim tokens=2000 pace=50]]",
                "stream": True,
            }
            headers = {"Authorization": f"Bearer {KEY}", **JSON_TYPE}
            await connection.send("POST", PATH, headers, json.dumps(body).encode())
            await connection.read_head()
            await connection.read_until("output_text.delta")
        await service.settled()
        assert service.last_stream.outcome != "complete"
        assert service.requests("client_gone", "responses") == 1


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"background": True}, "background"),
        ({"conversation": 7}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools"),
        ({"tools": [WEATHER | {"name": f"t{n}"} for n in range(129)]}, "tools"),
        ({"text": {"format": {"type": "json_schema", "name": "x", "schema": {"$ref": "http://x/"}}}}, None),
        ({"input": [{"type": "nonsense"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": "x" * (3 << 20)}]}, "input"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "input"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_posted(fields: Any, param: str | None) -> None:
    async with deployed() as service:
        answer = await service.post({"model": "gpt-4-s", "input": "Hi", **fields}, path=PATH)
        assert answer.status == 400, answer.body[:300]
        assert param is None or answer.json["error"]["param"] == param
        assert service.posted == []
