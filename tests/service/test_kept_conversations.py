"""`/v1/conversations`, and responses that are part of a conversation."""

import asyncio
import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers import AppParts
from kept import KeptBounds, SqliteResponses
from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.redis_server import RedisServer, needs_redis
from tests.service.deployment import JSON_TYPE, KEY, Deployment, deployed

PATH = "/v1/conversations"
RESPONSES = "/v1/responses"
OTHER = "fk-of-somebody-else"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def message(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


async def made(service: Deployment, *texts: str, **fields: Any) -> str:
    """The id of a new conversation with these messages."""
    answer = await service.post({"items": [message(text) for text in texts], **fields}, path=PATH)
    assert answer.status == 200, answer.body
    return str(answer.json["id"])


async def ask(
    service: Deployment, id: str, text: Any = "Say exactly: fine", *, key: str = KEY, **fields: Any
) -> Answer:
    body = {"model": "gpt-4-s", "input": text, "conversation": id, **fields}
    return await service.post(body, path=RESPONSES, key=key)


async def said(service: Deployment, id: str, text: Any = "Say exactly: fine", **fields: Any) -> Any:
    """A good whole response in the conversation."""
    answer = await ask(service, id, text, **fields)
    assert answer.status == 200, answer.body
    return answer.json


async def streamed(service: Deployment, id: str, text: str, **fields: Any) -> list[Any]:
    """The events of a stream."""
    answer = await ask(service, id, text, stream=True, **fields)
    assert answer.status == 200, answer.body
    lines = [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: {")]
    return [json.loads(line) for line in lines]


async def got(service: Deployment, path: str, key: str = KEY) -> Answer:
    return await service.ask("GET", f"{PATH}/{path}", key=key)


async def items(service: Deployment, id: str) -> list[tuple[str, str]]:
    """Who has said what in the conversation, the oldest first."""
    page = (await got(service, f"{id}/items?order=asc&limit=100")).json
    return [
        (item["role"], "".join(part["text"] for part in item["content"]))
        if item["type"] == "message"
        else (item["type"], item.get("arguments") or item.get("output"))
        for item in page["data"]
    ]


def texts(service: Deployment, index: int = -1) -> list[tuple[str, str]]:
    """What was posted to the backend."""
    body = service.posted[index].body
    return [(m["author"]["role"], m["content"]["parts"][-1]) for m in body["messages"]]


def is_new(service: Deployment, index: int = -1) -> bool:
    """Whether a new conversation was begun at the backend."""
    return "conversation_id" not in service.posted[index].body


# The routes.


async def test_conversation_is_made_described_and_deleted() -> None:
    async with deployed() as service:
        answer = await service.post({"metadata": {"topic": "tea"}}, path=PATH)
        conversation = answer.json
        assert conversation.keys() == {"id", "object", "created_at", "metadata"}
        assert conversation["id"].startswith("conv_")
        assert (conversation["object"], conversation["metadata"]) == ("conversation", {"topic": "tea"})
        assert isinstance(conversation["created_at"], int)
        path = f"{PATH}/{conversation['id']}"
        assert (await service.ask("GET", path)).json == conversation
        changed = await service.post({"metadata": {"a": "b"}}, path=path)
        assert changed.json == conversation | {"metadata": {"a": "b"}}
        assert (await service.ask("GET", path)).json == changed.json
        gone = await service.ask("DELETE", path)
        assert gone.json == {"id": conversation["id"], "object": "conversation.deleted", "deleted": True}
        for answer in (await service.ask("GET", path), await service.ask("DELETE", path)):
            assert answer.status == 404
            assert answer.json["error"]["type"] == "invalid_request_error"
            assert (
                answer.json["error"]["message"] == f"Conversation with id '{conversation['id']}' not found."
            )
        assert service.posted == []
        assert service.requests("ok", "conversations") == 5


async def test_items_are_added_listed_and_deleted() -> None:
    async with deployed() as service:
        id = await made(service, "one")
        added = await service.post({"items": [message("two"), message("three")]}, path=f"{PATH}/{id}/items")
        assert added.status == 200
        assert added.json["has_more"] is False
        assert [item["content"][0]["text"] for item in added.json["data"]] == ["two", "three"]
        two, three = added.json["data"]
        assert (added.json["first_id"], added.json["last_id"]) == (two["id"], three["id"])
        assert two["id"].startswith("msg_")
        assert two["status"] == "completed"
        assert (await got(service, f"{id}/items/{two['id']}")).json == two
        newest = (await got(service, f"{id}/items?limit=2")).json
        assert (newest["data"], newest["has_more"]) == ([three, two], True)
        rest = (await got(service, f"{id}/items?limit=2&after={two['id']}")).json
        assert (len(rest["data"]), rest["has_more"]) == (1, False)
        gone = await service.ask("DELETE", f"{PATH}/{id}/items/{two['id']}")
        assert gone.json == (await got(service, id)).json
        assert (await got(service, f"{id}/items/{two['id']}")).status == 404
        assert (await service.ask("DELETE", f"{PATH}/{id}/items/{two['id']}")).status == 404
        assert await items(service, id) == [("user", "one"), ("user", "three")]


async def test_empty_conversation_has_an_empty_page() -> None:
    async with deployed() as service:
        id = await made(service)
        page = (await got(service, f"{id}/items")).json
        assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


async def test_nobody_else_sees_it() -> None:
    async with deployed() as service:
        id = await made(service, "one")
        item = (await got(service, f"{id}/items")).json["data"][0]["id"]
        add = {"items": [message("two")]}
        for answer in (
            await got(service, id, OTHER),
            await service.post({"metadata": {}}, path=f"{PATH}/{id}", key=OTHER),
            await service.ask("DELETE", f"{PATH}/{id}", key=OTHER),
            await got(service, f"{id}/items", OTHER),
            await service.post(add, path=f"{PATH}/{id}/items", key=OTHER),
            await got(service, f"{id}/items/{item}", OTHER),
            await service.ask("DELETE", f"{PATH}/{id}/items/{item}", key=OTHER),
            await ask(service, id, key=OTHER),
        ):
            assert answer.status == 404, answer.body
            assert answer.json["error"]["message"] == f"Conversation with id '{id}' not found."
        assert await items(service, id) == [("user", "one")]
        assert service.posted == []


HELLO = message("Hello")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"items": "Hello"}, "items"),
        ({"items": [HELLO] * 21}, "items"),
        ({"items": [HELLO, {"role": "nobody", "content": "x"}]}, "items[1].role"),
        ({"items": [{"type": "nonsense"}]}, "items[0]"),
        ({"items": [{"role": "user", "content": [{"type": "input_text"}]}]}, None),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "x"}}, "metadata"),
        ({"metadata": {"k": "x" * 513}}, "metadata"),
        ([], None),
    ],
)
async def test_conversation_that_cannot_be_made_is_refused(body: Any, param: str | None) -> None:
    async with deployed() as service:
        answer = await service.post(body, path=PATH)
        assert answer.status == 400, answer.body
        assert param is None or answer.json["error"]["param"] == param


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/items", {}, "items"),
        ("/items", {"items": None}, "items"),
        ("/items", {"items": [HELLO] * 21}, "items"),
        ("", {}, "metadata"),
        ("", {"metadata": "x"}, "metadata"),
    ],
)
async def test_change_that_cannot_be_made_is_refused(path: str, body: Any, param: str) -> None:
    async with deployed() as service:
        id = await made(service, "one")
        answer = await service.post(body, path=f"{PATH}/{id}{path}")
        assert (answer.status, answer.json["error"]["param"]) == (400, param)
        assert await items(service, id) == [("user", "one")]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=msg_none"])
async def test_pages_that_cannot_be(query: str) -> None:
    async with deployed() as service:
        answer = await got(service, f"{await made(service, 'one')}/items?{query}")
        assert (answer.status, answer.json["error"]["param"]) == (400, query.partition("=")[0])


async def test_item_that_is_only_named_is_added_whole() -> None:
    async with deployed() as service:
        whole = (await service.post({"model": "gpt-4-s", "input": "Say exactly: one"}, path=RESPONSES)).json
        named = {"type": "item_reference", "id": whole["output"][0]["id"]}
        id = await made(service, items=[named])
        assert await items(service, id) == [("assistant", "one")]
        answer = await service.post({"items": [named]}, path=PATH, key=OTHER)
        assert answer.status == 404


async def test_without_days_there_are_no_conversations() -> None:
    async with deployed({"RESPONSES_DAYS": "0"}) as service:
        assert (await service.post({}, path=PATH)).status == 404
        assert (await ask(service, "conv_1")).status == 404
        assert service.posted == []


async def test_made_up_key_keeps_nothing_once_the_backend_has_refused_it() -> None:
    async with deployed({"REFUSED_KEY_SECONDS": "60"}) as service:
        refused = "sk-that-the-backend-does-not-take"
        assert (await service.chat(key=refused)).status == 401
        assert (await service.post({}, path=PATH, key=refused)).status == 401


def small(folder: Path, **bounds: int) -> Any:
    """Has the service keep less."""

    def adapt(parts: AppParts) -> AppParts:
        store = SqliteResponses(folder / "small.sqlite3", KeptBounds(30, **bounds))
        return replace(parts, responses=replace(parts.responses, store=store))

    return adapt


async def test_full_conversation_is_told_so_before_anything_is_spent(tmp_path: Path) -> None:
    async with deployed(adapt=small(tmp_path, items=3)) as service:
        assert (await service.post({"items": [HELLO] * 4}, path=PATH)).status == 400
        id = await made(service, "one", "two")
        for answer in (
            await service.post({"items": [HELLO] * 2}, path=f"{PATH}/{id}/items"),
            await ask(service, id),
        ):
            assert (answer.status, answer.json["error"]["code"]) == (400, "context_length_exceeded")
        assert service.posted == []
        assert len(await items(service, id)) == 2


async def test_answer_that_does_not_fit_in_is_given_and_says_that_it_was_not_added(tmp_path: Path) -> None:
    async with deployed(adapt=small(tmp_path, conversation=1500)) as service:
        id = await made(service)
        whole = await said(service, id, f"Say exactly: {'x' * 1000}")
        assert whole["conversation"] is None
        assert await items(service, id) == []
        assert (await said(service, id, "Say exactly: fine"))["conversation"] == {"id": id}


# Responses in conversations.


@pytest.mark.parametrize("named", ["as a string", "as an object"])
@pytest.mark.parametrize("stream", [False, True])
async def test_question_and_answer_are_added(named: str, stream: bool) -> None:
    async with deployed() as service:
        id = await made(service)
        conversation: Any = id if named == "as a string" else {"id": id}
        fields = {"conversation": conversation, "instructions": "Be brief."}
        if stream:
            events = await streamed(service, id, "Say exactly: one", **fields)
            assert all(event["response"]["conversation"] == {"id": id} for event in events[:2])
            whole = events[-1]["response"]
        else:
            whole = await said(service, id, "Say exactly: one", **fields)
        assert whole["conversation"] == {"id": id}
        assert await items(service, id) == [("user", "Say exactly: one"), ("assistant", "one")]
        page = (await got(service, f"{id}/items")).json
        assert page["data"][0] == whole["output"][0]
        assert (await service.ask("GET", f"{RESPONSES}/{whole['id']}")).json == whole
        asked = (await service.ask("GET", f"{RESPONSES}/{whole['id']}/input_items")).json
        assert asked["data"] == page["data"][1:]


async def test_conversation_goes_on_at_the_backend_with_what_is_new() -> None:
    async with deployed() as service:
        id = await made(service)
        await said(service, id, "Say exactly: one", instructions="Be brief.")
        second = await said(service, id, "Say exactly: two", instructions="Be brief.")
        assert texts(service) == [("user", "Say exactly: two")]
        assert service.posted[1].body["conversation_id"]
        third = await said(service, id, "Say exactly: three", instructions="Be very long.")
        (role, told), question = texts(service)
        assert role == "system"
        assert "Be very long." in told
        assert question == ("user", "Say exactly: three")
        assert len({body.body.get("conversation_id") for body in service.posted[1:]}) == 1
        assert third["usage"]["input_tokens"] > second["usage"]["total_tokens"]
        assert [text for _, text in await items(service, id)] == [
            "Say exactly: one", "one", "Say exactly: two", "two", "Say exactly: three", "three",
        ]  # fmt: skip


async def test_items_of_the_caller_are_said_first() -> None:
    async with deployed() as service:
        id = await made(service, items=[message("My name is Ada."), message("Hello Ada.", "assistant")])
        await said(service, id, "Say exactly: one", instructions="Be brief.")
        assert texts(service) == [
            ("system", "Be brief."),
            ("user", "My name is Ada."),
            ("assistant", "Hello Ada."),
            ("user", "Say exactly: one"),
        ]
        await said(service, id, "Say exactly: two")
        assert texts(service) == [("user", "Say exactly: two")]


async def test_conversation_can_be_answered_without_new_input() -> None:
    async with deployed() as service:
        id = await made(service, "Say exactly: one")
        await said(service, id, None)
        assert await items(service, id) == [("user", "Say exactly: one"), ("assistant", "one")]
        empty = await ask(service, await made(service), None)
        assert (empty.status, empty.json["error"]["param"]) == (400, "input")


@pytest.mark.parametrize("change", ["added", "deleted"])
async def test_after_a_change_by_hand_all_is_said_anew(change: str) -> None:
    async with deployed() as service:
        id = await made(service)
        await said(service, id, "Say exactly: one")
        if change == "added":
            await service.post({"items": [message("Not so fast.")]}, path=f"{PATH}/{id}/items")
            expected = [("user", "Say exactly: one"), ("assistant", "one"), ("user", "Not so fast.")]
        else:
            answer = (await got(service, f"{id}/items?limit=1")).json["data"][0]["id"]
            await service.ask("DELETE", f"{PATH}/{id}/items/{answer}")
            expected = [("user", "Say exactly: one")]
        second = await said(service, id, "Say exactly: two")
        assert is_new(service)
        assert texts(service) == [*expected, ("user", "Say exactly: two")]
        assert second["usage"]["input_tokens"] < 60
        await said(service, id, "Say exactly: three")
        assert texts(service) == [("user", "Say exactly: three")]


async def test_conversation_that_the_backend_has_lost_is_said_anew_within_the_request() -> None:
    async with deployed() as service:
        id = await made(service)
        await said(service, id, "Say exactly: one")
        service.upstream.conversations.hide_all(KEY)
        events = await streamed(service, id, "Say exactly: two")
        assert events[-1]["type"] == "response.completed"
        refused, again = texts(service, -2), texts(service)
        assert refused == [("user", "Say exactly: two")]
        assert is_new(service)
        assert again == [("user", "Say exactly: one"), ("assistant", "one"), ("user", "Say exactly: two")]
        assert [text for _, text in await items(service, id)] == [
            "Say exactly: one", "one", "Say exactly: two", "two",
        ]  # fmt: skip
        await said(service, id, "Say exactly: three")
        assert texts(service) == [("user", "Say exactly: three")]
        assert len(service.posted) == 4


async def test_other_model_of_a_gpt_has_all_said_anew() -> None:
    async with deployed({"ALLOW_ANY_GPT": "true"}) as service:
        id = await made(service)
        await said(service, id, "Say exactly: one")
        await said(service, id, "Say exactly: two", model="gpt-4-gizmo-g-YyyyMT9XH")
        assert is_new(service)
        assert len(texts(service)) >= 3
        assert len(await items(service, id)) == 4


async def test_call_and_its_result_are_items() -> None:
    async with deployed() as service:
        id = await made(service)
        first = await said(
            service, id, "What is the weather in Oslo?", tools=[WEATHER], tool_choice="required"
        )
        (call,) = first["output"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "3 degrees"}
        second = await said(service, id, [output], tools=[WEATHER])
        assert "3 degrees" in second["output"][0]["content"][0]["text"]
        assert not is_new(service)
        kinds = [kind for kind, _ in await items(service, id)]
        assert kinds == ["user", "function_call", "function_call_output", "assistant"]
        orphan = await ask(service, id, [output | {"call_id": "call_9"}])
        assert "No tool call found" in orphan.json["error"]["message"]


async def test_call_that_a_caller_has_added_can_have_its_result() -> None:
    async with deployed() as service:
        call = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "{}"}
        id = await made(service, items=[message("What is the weather?"), call])
        output = {"type": "function_call_output", "call_id": "call_1", "output": "3 degrees"}
        assert (await ask(service, id, [output], tools=[WEATHER])).status == 200


async def test_response_that_is_not_stored_is_added_all_the_same() -> None:
    async with deployed() as service:
        id = await made(service)
        whole = await said(service, id, "Say exactly: one", store=False)
        assert whole["store"] is False
        assert (await service.ask("GET", f"{RESPONSES}/{whole['id']}")).status == 404
        assert await items(service, id) == [("user", "Say exactly: one"), ("assistant", "one")]
        await said(service, id, "Say exactly: two")
        assert texts(service) == [("user", "Say exactly: two")]


async def test_conversation_at_the_backend_is_hidden_and_not_temporary() -> None:
    async with deployed({"HISTORY": "temporary"}) as service:
        await said(service, await made(service), store=False)
        await service.settled()
        assert service.posted[0].body["history_and_training_disabled"] is False
        assert service.upstream.patches


async def test_client_may_send_an_item_again_and_it_gets_an_id_of_its_own() -> None:
    async with deployed() as service:
        id = await made(service)
        first = await said(service, id, "Say exactly: one")
        await said(service, id, [first["output"][0], message("Say exactly: two")])
        page = (await got(service, f"{id}/items")).json
        ids = [item["id"] for item in page["data"]]
        assert len(set(ids)) == len(ids) == 5


async def test_response_of_a_conversation_can_be_followed_while_the_backend_has_it() -> None:
    async with deployed() as service:
        id = await made(service, "My name is Ada.")
        first = await said(service, id, "Say exactly: one")
        follow = {"model": "gpt-4-s", "input": "Say exactly: two", "previous_response_id": first["id"]}
        second = await service.post(follow, path=RESPONSES)
        assert second.status == 200
        assert texts(service) == [("user", "Say exactly: two")]
        assert len(await items(service, id)) == 3
        service.upstream.conversations.hide_all(KEY)
        lost = await service.post({**follow, "previous_response_id": second.json["id"]}, path=RESPONSES)
        assert (lost.status, lost.json["error"]["code"]) == (400, "previous_response_not_found")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"conversation": "conv_none"}, 404, None),
        ({"conversation": {"id": "conv_none"}}, 404, None),
        ({"conversation": 7}, 400, None),
        ({"conversation": {}}, 400, None),
        ({"conversation": []}, 400, None),
        ({"previous_response_id": "resp_1"}, 400, "mutually_exclusive_parameters"),
        ({"input": [{"type": "nonsense"}]}, 400, None),
    ],
)
async def test_bad_input_is_refused_before_anything_is_posted(
    fields: Any, status: int, code: str | None
) -> None:
    async with deployed() as service:
        answer = await ask(
            service, await made(service), **({"text": "Hi"} if "input" not in fields else {}), **fields
        )
        assert (answer.status, answer.json["error"]["code"]) == (status, code)
        assert service.posted == []


# Several at once, and failures.


async def test_second_answer_in_a_conversation_is_refused_while_the_first_is_made() -> None:
    async with deployed({"KEY_CONCURRENCY": "2"}) as service:
        id, other = await made(service), await made(service)
        first = asyncio.create_task(said(service, id, "Say exactly: one [[sim first_delay=4]]"))
        await eventually(lambda: len(service.posted) == 1)
        refused = await ask(service, id, "Say exactly: two")
        assert refused.status == 400
        assert refused.json["error"]["code"] == "conversation_locked"
        assert refused.json["error"]["param"] == "conversation"
        await said(service, other, "Say exactly: two")
        await first
        await said(service, id, "Say exactly: three")
        assert len(await items(service, id)) == 4
        assert len(service.posted) == 3


async def test_what_is_added_while_an_answer_is_made_is_not_lost_and_said_anew() -> None:
    async with deployed() as service:
        id = await made(service)
        answer = asyncio.create_task(said(service, id, "Say exactly: one [[sim first_delay=4]]"))
        await eventually(lambda: len(service.posted) == 1)
        await service.post({"items": [message("By the way.")]}, path=f"{PATH}/{id}/items")
        await answer
        assert [text for _, text in await items(service, id)] == [
            "By the way.", "Say exactly: one [[sim first_delay=4]]", "one",
        ]  # fmt: skip
        await said(service, id, "Say exactly: two")
        assert is_new(service)
        assert len(texts(service)) == 4


async def test_conversation_that_is_deleted_while_an_answer_is_made_stays_deleted() -> None:
    async with deployed() as service:
        id = await made(service)
        answer = asyncio.create_task(said(service, id, "Say exactly: one [[sim first_delay=4]]"))
        await eventually(lambda: len(service.posted) == 1)
        await service.ask("DELETE", f"{PATH}/{id}")
        assert (await answer)["conversation"] is None
        assert (await got(service, id)).status == 404


async def test_answer_that_failed_adds_nothing_and_leaves_the_conversation_free() -> None:
    async with deployed() as service:
        id = await made(service)
        await said(service, id, "Say exactly: one")
        events = await streamed(service, id, "Tell me about rain [[sim tokens=200 fault=fin_mid]]")
        assert events[-1]["type"] == "response.failed"
        assert len(await items(service, id)) == 2
        await said(service, id, "Say exactly: two")
        assert texts(service) == [("user", "Say exactly: two")]
        assert len(await items(service, id)) == 4


async def test_client_that_leaves_leaves_the_conversation_free() -> None:
    async with deployed() as service:
        id = await made(service)
        async with service.connect() as connection:
            text = "Tell me about rain [[sim tokens=2000 pace=50]]"
            body = {"model": "gpt-4-s", "input": text, "stream": True, "conversation": id}
            headers = {"Authorization": f"Bearer {KEY}", **JSON_TYPE}
            await connection.send("POST", RESPONSES, headers, json.dumps(body).encode())
            await connection.read_head()
            await connection.read_until("output_text.delta")
        await service.settled()
        assert await items(service, id) == []
        await said(service, id, "Say exactly: one")


async def test_store_that_fails_is_told_and_the_answer_is_given(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    async with deployed({"STATE_DIR": str(tmp_path)}) as service:
        id = await made(service)
        answer = asyncio.create_task(said(service, id, "Say exactly: one [[sim first_delay=4]]"))
        await eventually(lambda: len(service.posted) == 1)
        for ending in ("", "-wal", "-shm"):
            (tmp_path / f"responses.sqlite3{ending}").unlink(missing_ok=True)
        (tmp_path / "responses.sqlite3").mkdir()
        whole = await answer
        assert whole["output"][0]["content"][0]["text"] == "one"
        assert (whole["conversation"], whole["store"]) == (None, False)
        assert (await got(service, id)).status == 503
        assert (await service.post({}, path=PATH)).status == 503
        added = await service.post({"items": [HELLO]}, path=f"{PATH}/{id}/items")
        assert added.status == 503
        assert "Say exactly" not in loud_log.text


async def test_tokens_of_an_input_are_counted_with_its_conversation() -> None:
    async with deployed() as service:
        path = f"{RESPONSES}/input_tokens"

        async def counted(**fields: Any) -> int:
            body = {"model": "gpt-4-s", "input": "Hello", **fields}
            return int((await service.post(body, path=path)).json["input_tokens"])

        id = await made(service, "A message of some words that count.")
        alone, with_items = await counted(), await counted(conversation=id)
        assert with_items > alone + 5
        whole = await said(service, id)
        assert await counted(conversation=id) == whole["usage"]["total_tokens"] + alone


@pytest.mark.parametrize("where", ["file", pytest.param("redis", marks=needs_redis)])
async def test_conversations_survive_a_restart(where: str, tmp_path: Path) -> None:
    with RedisServer() if where == "redis" else nullcontext() as redis:
        env = {"STATE_DIR": str(tmp_path)} | ({"REDIS_URL": redis.url} if redis is not None else {})
        async with deployed(env) as service:
            id = await made(service, metadata={"topic": "tea"})
            await said(service, id, "Say exactly: one")
            before = (await got(service, id)).json
        async with deployed(env) as service:  # whose backend has nothing of what was said
            assert (await got(service, id)).json == before
            await said(service, id, "Say exactly: two")
            assert texts(service) == [
                ("user", "Say exactly: one"),
                ("assistant", "one"),
                ("user", "Say exactly: two"),
            ]


@needs_redis
async def test_instances_share_conversations_and_lose_no_item() -> None:
    with RedisServer() as redis:
        env = {"REDIS_URL": redis.url}
        async with deployed(env) as one, deployed(env) as other:
            for service in (one, other):  # until both have the secret of that Redis, which names the keys
                await service.server.service.charges.ledger.wait_until_loaded()
            id = await made(one)
            await asyncio.gather(
                said(one, id, "Say exactly: one [[sim first_delay=0.5]]"), said(other, id, "Say exactly: two")
            )
            there = await items(one, id)
            assert there == await items(other, id)
            assert sorted(text for role, text in there if role == "assistant") == ["one", "two"]
            assert len(there) == 4
            await said(one, id, "Say exactly: three")
            assert is_new(one)
            assert len(texts(one)) == 5


async def test_thoughts_are_items_that_are_not_said_again() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, age="2025")) as service:
        id = await made(service)
        await said(service, id, "say exactly: hi", reasoning={"summary": "auto"})
        page = (await got(service, f"{id}/items?order=asc")).json
        assert [item["type"] for item in page["data"]] == ["message", "reasoning", "message"]
        await service.post({"items": [message("more")]}, path=f"{PATH}/{id}/items")
        await said(service, id, "say exactly: two")
        assert len(texts(service)) == 4
