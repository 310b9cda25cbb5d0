"""Conversations that last: a plain list of messages goes on where the backend has it, over HTTP."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from runtime import SMALL_FILES
from simulator import Knobs
from simulator.answers import Prompt, compose_answer
from tests.eventually import eventually
from tests.raw_client import Answer, connect
from tests.redis_server import RedisServer, needs_redis
from tests.roster.rig import content, key
from tests.service.deployment import JSON_TYPE, KEY, Deployment, deployed

Json = dict[str, Any]
NEW, CONTINUED = "new", "continued"
LAPTOP = "sk-pandora-laptop"
TABLE = "name,value" + "\ntea,3" * 400
TABLE_URL = "data:text/csv;base64," + base64.b64encode(TABLE.encode()).decode()
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass
class Talk:
    """A client with a history, which it sends whole with each question."""

    service: Deployment
    key: str = KEY
    model: str = "gpt-4-s"
    fields: Json = field(default_factory=dict)
    messages: list[Json] = field(default_factory=list)

    async def send(self) -> Answer:
        """Send what there is, and keep what comes."""
        body = {"model": self.model, "messages": self.messages, **self.fields}
        answer = await self.service.post(body, key=self.key)
        if answer.status == 200:
            self.messages.append(said_in(answer, stream=bool(self.fields.get("stream"))))
        return answer

    async def ask(self, question: str | list[Json]) -> str:
        """Ask something; gives what the header says of the conversation."""
        self.messages.append({"role": "user", "content": question})
        answer = await self.send()
        assert answer.status == 200, answer.body
        return answer.headers["x-conversation"]

    @property
    def last(self) -> str:
        """The last answer."""
        return str(self.messages[-1]["content"])


def said_in(answer: Answer, *, stream: bool) -> Json:
    """The message of an answer, as a client keeps it."""
    if not stream:
        return dict(answer.json["choices"][0]["message"])
    deltas = [chunk["choices"][0]["delta"] for chunk in answer.stream.chunks if chunk["choices"]]
    return {"role": "assistant", "content": "".join(delta.get("content") or "" for delta in deltas)}


def all_bytes(folder: Path) -> bytes:
    """What is kept of conversations."""
    return b"".join(file.read_bytes() for file in folder.glob("conversations.sqlite3*"))


def places(service: Deployment) -> list[tuple[str | None, str]]:
    """Conversation and parent of each message that was posted."""
    return [
        (request.body.get("conversation_id"), request.body["parent_message_id"]) for request in service.posted
    ]


def texts(service: Deployment) -> list[list[str]]:
    """The texts of each post."""
    return [
        [str(message["content"]["parts"][-1]) for message in request.body["messages"]]
        for request in service.posted
    ]


def conversations(service: Deployment) -> set[str]:
    """Those in which the backend has answered."""
    return {stream.conversation_id for stream in service.upstream.streams}


@pytest.mark.parametrize("stream", [False, True])
async def test_history_goes_on_where_the_backend_has_it(stream: bool) -> None:
    async with deployed() as service:
        talk = Talk(service, fields={"stream": stream})
        talk.messages.append({"role": "system", "content": "Be brief."})
        assert await talk.ask("Tell me about tea") == NEW
        assert await talk.ask("And coffee?") == CONTINUED
        assert await talk.ask("And cocoa?") == CONTINUED
        assert len(conversations(service)) == 1
        assert texts(service)[1:] == [["And coffee?"], ["And cocoa?"]]
        assert service.upstream.accepted == 3


async def test_tokens_are_those_of_all_that_was_said() -> None:
    async with deployed() as service:
        talk = Talk(service)
        talk.messages.append({"role": "user", "content": "Tell me about tea"})
        first = (await talk.send()).json["usage"]
        talk.messages.append({"role": "user", "content": "And coffee?"})
        second = (await talk.send()).json["usage"]
        assert second["prompt_tokens"] > first["total_tokens"]


async def test_edited_question_branches_behind_the_answer_before_it() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        await talk.ask("And coffee?")
        talk.messages[-2:] = []
        assert await talk.ask("And milk?") == CONTINUED
        first, second, third = places(service)
        assert third == second
        assert first[0] is None
        assert texts(service)[2] == ["And milk?"]


async def test_regenerated_answer_branches_behind_the_answer_before_it() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        await talk.ask("And coffee?")
        talk.messages.pop()
        answer = await talk.send()
        assert answer.headers["x-conversation"] == CONTINUED
        assert places(service)[2] == places(service)[1]
        assert await talk.ask("And milk?") == CONTINUED


@pytest.mark.parametrize(
    "change",
    [
        {"role": "user", "content": "Tell me about beer"},
        {"role": "system", "content": "Be rude."},
        {"role": "assistant", "content": "I never say anything."},
    ],
    ids=lambda change: change["role"],
)
async def test_edited_history_is_said_in_a_new_conversation(change: Json) -> None:
    async with deployed() as service:
        talk = Talk(service)
        talk.messages.append({"role": "system", "content": "Be brief."})
        await talk.ask("Tell me about tea")
        talk.messages = [change if old["role"] == change["role"] else old for old in talk.messages]
        assert await talk.ask("And coffee?") == NEW
        assert places(service)[1][0] is None
        assert len(texts(service)[1]) == 4


async def test_answer_from_elsewhere_among_what_is_new_begins_anew() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        talk.messages += [
            {"role": "user", "content": "And coffee?"},
            {"role": "assistant", "content": "Another model says it is fine."},
        ]
        assert await talk.ask("And milk?") == NEW


async def test_history_without_anything_new_begins_anew() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        answer = await talk.send()
        assert answer.headers["x-conversation"] == NEW


async def test_nobody_else_gets_into_a_conversation() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        other = Talk(service, key=f"{KEY}-of-another", messages=list(talk.messages))
        assert await other.ask("And coffee?") == NEW
        assert len(conversations(service)) == 2


async def test_key_of_a_pool_always_begins_anew() -> None:
    async with deployed() as service:
        talk = Talk(service, key="pk-some-key-of-a-pool")
        assert [await talk.ask("Tell me about tea"), await talk.ask("And coffee?")] == [NEW, NEW]


def with_accounts(folder: Path, *aliases: str) -> dict[str, str]:
    """Settings with these accounts, which one key may use."""
    for alias in aliases:
        (folder / alias).write_text(f"fk-token-of-{alias}")
    accounts = [{"alias": alias, "credential": {"file": alias}} for alias in aliases]
    path = folder / "accounts.json"
    path.write_bytes(content(accounts=accounts, keys=[key("laptop", LAPTOP)]))
    return {"ACCOUNTS_FILE": str(path)}


async def refuse(service: Deployment, token: str) -> None:
    """Let the backend refuse the account of that token."""
    body = json.dumps({token: {"refused": "token_expired"}}).encode()
    port = urlsplit(service.simulator.url).port
    assert port is not None
    async with connect(port) as connection:
        await connection.send("POST", "/__sim/accounts", JSON_TYPE, body)
        assert (await connection.answer()).status == 200


def asked_with(service: Deployment) -> list[str]:
    """The accounts that were asked, by their aliases."""
    return [stream.key.removeprefix("fk-token-of-") for stream in service.upstream.streams]


async def test_conversation_goes_on_at_the_account_that_has_it(tmp_path: Path) -> None:
    async with deployed(with_accounts(tmp_path, "anna", "bert", "carl")) as service:
        talks = [Talk(service, key=LAPTOP) for _ in range(3)]
        for number, talk in enumerate(talks):
            await talk.ask(f"Tell me about tea, {number}")
        for talk in reversed(talks):
            assert await talk.ask("And coffee?") == CONTINUED
        asked = asked_with(service)
        assert asked[3:] == asked[2::-1]


async def test_account_that_the_key_may_not_use_any_more_is_left(tmp_path: Path) -> None:
    async with deployed(with_accounts(tmp_path, "anna", "bert")) as service:
        talk = Talk(service, key=LAPTOP)
        await talk.ask("Tell me about tea")
        (home,) = asked_with(service)
        with_accounts(tmp_path, *{"anna", "bert"} - {home})
        await service.server.service.roster.read_again()
        assert await talk.ask("And coffee?") == NEW
        assert len(set(asked_with(service))) == 2
        assert await talk.ask("And milk?") == CONTINUED


async def test_account_that_fails_is_left_within_the_request(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    async with deployed(with_accounts(tmp_path, "anna", "bert")) as service:
        talk = Talk(service, key=LAPTOP)
        await talk.ask("Tell me about tea")
        (home,) = asked_with(service)
        await refuse(service, f"fk-token-of-{home}")
        assert await talk.ask("And coffee?") == NEW
        assert len(texts(service)[-1]) == 3, "all of it was said again"
        assert service.upstream.accepted == 2


async def test_conversation_is_there_again_when_its_account_is(tmp_path: Path) -> None:
    async with deployed(with_accounts(tmp_path, "anna", "bert")) as service:
        talk, health = Talk(service, key=LAPTOP), service.server.service.health
        await talk.ask("Tell me about tea")
        (home,) = asked_with(service)
        health.set_enabled(home, enabled=False)
        assert await talk.ask("And coffee?") == NEW
        health.set_enabled(home, enabled=True)
        talk.messages[-2:] = []
        assert await talk.ask("And milk?") == CONTINUED
        assert asked_with(service)[-1] == home


async def test_model_may_change_within_a_conversation_but_no_gpt_comes_in() -> None:
    async with deployed({"ALLOW_ANY_GPT": "true"}) as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        talk.model = "gpt-3.5-turbo"
        assert await talk.ask("And coffee?") == CONTINUED
        talk.model = "gpt-4-gizmo-g-YyyyMT9XH"
        assert await talk.ask("And milk?") == NEW


async def test_answer_is_recognised_as_a_front_end_sends_it_again() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Draw a fox")
        assert "![" in talk.last
        talk.messages[-1]["content"] = talk.last.partition(")")[2].strip() + "\n"
        assert await talk.ask("And a cat?") == CONTINUED


async def test_deleted_conversation_is_begun_anew_within_the_request() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        for conversation in service.upstream.conversations:
            conversation.visible = False
        accepted = service.upstream.accepted
        assert await talk.ask("And coffee?") == NEW
        assert service.upstream.accepted == accepted + 1
        assert len(texts(service)[-1]) == 3, "all of it was said again"
        usage = (await service.ask("GET", "/v1/usage")).json
        assert usage["today"]["units"] == 28, "two messages, and nothing for the one that was refused"
        assert await talk.ask("And milk?") == CONTINUED


async def test_deleted_conversation_is_begun_anew_in_a_stream_too() -> None:
    async with deployed() as service:
        talk = Talk(service, fields={"stream": True})
        await talk.ask("Tell me about tea")
        for conversation in service.upstream.conversations:
            conversation.visible = False
        assert await talk.ask("And coffee?") == NEW
        assert talk.last


async def test_restart_forgets_nothing(tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path)}) as first:
        talk = Talk(first)
        await talk.ask("Tell me about tea")
        await first.server.stop()
        env = {"STATE_DIR": str(tmp_path), "BASE_URL": first.simulator.url}
        async with deployed(env) as talk.service:
            assert await talk.ask("And coffee?") == CONTINUED
        assert len(conversations(first)) == 1
        kept = await SMALL_FILES.run(all_bytes, tmp_path)
    assert kept
    for word in (b"tea", b"coffee", KEY.encode()):
        assert word not in kept


@needs_redis
async def test_instances_on_one_redis_know_the_same_conversations() -> None:
    with RedisServer() as redis:
        async with deployed({"REDIS_URL": redis.url}) as first:
            env = {"REDIS_URL": redis.url, "BASE_URL": first.simulator.url}
            async with deployed(env) as second:
                one, other = (service.server.service.app.responses.keys for service in (first, second))
                await eventually(lambda: one.secret == other.secret)  # they agree on it as they start
                talk = Talk(first)
                assert await talk.ask("Tell me about tea") == NEW
                talk.service = second
                assert await talk.ask("And coffee?") == CONTINUED
                talk.service = first
                assert await talk.ask("And milk?") == CONTINUED
            assert len(conversations(first)) == 1


async def test_calls_of_tools_and_their_results_go_on_in_the_conversation() -> None:
    async with deployed() as service:
        talk = Talk(service, fields={"tools": [WEATHER]})
        assert await talk.ask("What is the weather in Oslo?") == NEW
        calls = talk.messages[-1].get("tool_calls")
        assert calls, talk.messages[-1]
        calls[0]["function"]["arguments"] = json.dumps(
            json.loads(calls[0]["function"]["arguments"]), indent=1
        )
        talk.messages.append({"role": "tool", "tool_call_id": calls[0]["id"], "content": "4 degrees"})
        answer = await talk.send()
        assert answer.headers["x-conversation"] == CONTINUED
        assert len(conversations(service)) == 1
        (posted,) = texts(service)[1]
        assert "4 degrees" in posted
        assert "get_weather" in posted
        assert '"parameters"' not in posted, "the tools are not told again"


async def test_picture_is_uploaded_once_however_it_is_written() -> None:
    async with deployed() as service:
        talk = Talk(service)
        picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        await talk.ask([{"type": "text", "text": "What is this?"}, picture])
        picture["image_url"] = {"url": f"data:image/png;base64,{PNG[:20]}\n{PNG[20:]}"}
        assert await talk.ask("Are you sure?") == CONTINUED
        assert len(list(service.upstream.files)) == 1


async def test_stop_sequence_leaves_more_with_the_backend_than_the_client_got() -> None:
    async with deployed() as service:
        talk = Talk(service)
        word = compose_answer(Prompt("Tell me about tea", "gpt-4")).split()[4]
        talk.fields = {"stop": [word]}
        await talk.ask("Tell me about tea")
        talk.fields = {}
        assert await talk.ask("And coffee?") == NEW


async def test_failed_answer_is_not_gone_on_with() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        talk.messages.append({"role": "user", "content": "And coffee? [[sim fault=token_expired]]"})
        assert (await talk.send()).status == 401
        talk.messages.pop()
        assert await talk.ask("And coffee?") == CONTINUED


@pytest.mark.parametrize("env", [{"CONTINUITY": "off"}, {"HISTORY": "temporary"}])
async def test_without_continuity_each_request_begins_a_conversation(env: Mapping[str, str]) -> None:
    async with deployed(env) as service:
        talk = Talk(service)
        assert [await talk.ask("Tell me about tea"), await talk.ask("And coffee?")] == [NEW, NEW]
        assert len(conversations(service)) == 2


async def test_conversations_are_hidden_at_the_end_and_not_after_each_turn() -> None:
    async with deployed({"HISTORY": "hide"}) as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea")
        assert await talk.ask("And coffee?") == CONTINUED
        await Talk(service).ask("Tell me about milk")
        assert service.upstream.patches == []
        await service.server.stop()
        hidden = [conversation_id for conversation_id, _ in service.upstream.patches]
        assert sorted(hidden) == sorted(conversations(service))


async def test_quiet_conversation_is_hidden() -> None:
    async with deployed({"HISTORY": "hide"}, hidden_after=0.05) as service:
        await Talk(service).ask("Tell me about tea")
        await eventually(lambda: len(service.upstream.patches) == 1)


async def test_anthropics_messages_go_on_too() -> None:
    async with deployed() as service:
        messages: list[Json] = []
        told = []
        for question in ("Tell me about tea", "And coffee?"):
            messages.append({"role": "user", "content": question})
            body = {"model": "claude-sonnet", "max_tokens": 1000, "system": "Be brief.", "messages": messages}
            answer = await service.post(body, path="/v1/messages")
            assert answer.status == 200, answer.body
            told.append(answer.headers["x-conversation"])
            messages.append({"role": "assistant", "content": answer.json["content"]})
        assert told == [NEW, CONTINUED]
        assert len(conversations(service)) == 1


async def test_responses_and_pictures_say_it_as_well() -> None:
    async with deployed() as service:
        first = await service.post({"model": "gpt-4-s", "input": "Tell me about tea"}, path="/v1/responses")
        more = {"model": "gpt-4-s", "input": "And coffee?", "previous_response_id": first.json["id"]}
        second = await service.post(more, path="/v1/responses")
        drawn = await service.post({"prompt": "A fox"}, path="/v1/images/generations")
        answers = (first, second, drawn)
        assert [answer.headers["x-conversation"] for answer in answers] == [NEW, CONTINUED, NEW]
        assert "x-conversation" in first.headers["access-control-expose-headers"]


async def test_refusal_says_nothing_of_a_conversation() -> None:
    async with deployed() as service:
        answer = await service.chat("Hello [[sim fault=token_expired]]")
        assert answer.status == 401
        assert "x-conversation" not in answer.headers


@pytest.mark.timeout(seconds=120)
async def test_picture_is_waited_for_though_the_news_tell_that_an_earlier_one_is_done() -> None:
    today = Knobs(busy=False, cap=0, age="2026", task_time=0.05)
    async with deployed({"CONVERSATION_ROUTE": "auto"}, today) as service:
        talk = Talk(service)
        await talk.ask("Draw a fox")
        assert await talk.ask("Make it blue [[sim task_time=1]]") == CONTINUED
        assert talk.last.count("![") == 1
        assert "blue" in talk.last


@pytest.mark.timeout(seconds=120)
@pytest.mark.parametrize("age", ["2023-12", "2026"])
async def test_picture_file_and_its_result_are_one_conversation_of_half_the_bytes(age: str) -> None:
    """Draw, change it, run code on a file, ask about its result, and talk on: ten turns."""
    file = {"type": "file", "file": {"filename": "tea.csv", "file_data": TABLE_URL}}
    questions: list[str | list[Json]] = [
        "Draw a fox",
        "Make it blue",
        [{"type": "text", "text": "Run code on this file: how many lines has it?"}, file],
        "What was the result?",
        *(f"Tell me about {thing}" for thing in ("tea", "coffee", "milk", "rain", "wind", "stones")),
    ]
    sent = {}
    for continuity in ("auto", "off"):
        env = {"CONTINUITY": continuity, "CONVERSATION_ROUTE": "auto"}
        async with deployed(env, Knobs(busy=False, cap=0, age=age, task_time=0.1)) as service:
            talk = Talk(service)
            for question in questions:
                await talk.ask(question)
            sent[continuity] = sum(request.size for request in service.upstream.requests)
            answers = [str(message["content"]) for message in talk.messages[1::2]]
            if continuity == "auto":
                assert len(conversations(service)) == 1
                assert answers[0].count("![") == answers[1].count("![") == 1
                assert "fox, blue" in answers[1]
                assert "401" in answers[2]
                assert "401" in answers[3]
                uploads = [one for one in service.upstream.files if not one.is_generated]
                assert len(uploads) == 1
    assert sent["auto"] < sent["off"] / 2


async def test_talk_that_fills_what_the_model_reads_begins_anew() -> None:
    async with deployed() as service:
        talk = Talk(service)
        await talk.ask("Tell me about tea " + "leaf " * 31_000)
        assert await talk.ask("And coffee?") == NEW
        assert len(texts(service)[-1]) == 3
