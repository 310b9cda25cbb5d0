"""Stored conversations and the other small calls."""

import uuid

from simulator.conversations import Conversations
from simulator.files import FileStore
from simulator.state import MAX_OBSERVED, MAX_OBSERVED_BYTES, ObservedRequest, State
from tests.simulator.client import API, Answer, ask, call, running


def conversation_of(answer: Answer) -> str:
    return str(answer.records[0]["conversation_id"])


async def test_get_conversation_shows_the_tree_with_its_chain_of_parents() -> None:
    async with running() as simulator:
        asked = await ask(simulator, "Hello")
        conversation_id = conversation_of(asked)
        tree = (await call(simulator, "GET", f"{API}/conversation/{conversation_id}")).json
    assert tree["conversation_id"] == conversation_id
    chain, node = [], tree["mapping"][tree["current_node"]]
    while "message" in node:
        chain.append(node["message"]["author"]["role"])
        assert node["id"] in tree["mapping"][node["parent"]]["children"]
        node = tree["mapping"][node["parent"]]
    assert chain == ["assistant", "user", "system"]
    assert tree["mapping"][tree["current_node"]]["message"]["content"]["parts"] == [asked.text]
    assert "parent" not in node


async def test_patch_hides_one_conversation() -> None:
    async with running() as simulator:
        first, second = await ask(simulator, "Hello"), await ask(simulator, "Hello")
        path = f"{API}/conversation/{conversation_of(first)}"
        answer = await call(simulator, "PATCH", path, {"is_visible": False})
        gone = await call(simulator, "GET", path)
        listed = await call(simulator, "GET", f"{API}/conversations?offset=0&limit=28&order=updated")
        assert simulator.state.patches == [(conversation_of(first), {"is_visible": False})]
        assert simulator.state.hide_all_calls == 0
    assert (answer.status, answer.json) == (200, {"success": True})
    assert gone.status == 404
    assert [item["id"] for item in listed.json["items"]] == [conversation_of(second)]


async def test_patch_renames() -> None:
    async with running() as simulator:
        asked = await ask(simulator, "Hello")
        await call(simulator, "PATCH", f"{API}/conversation/{conversation_of(asked)}", {"title": "Mine"})
        listed = await call(simulator, "GET", f"{API}/conversations")
    assert listed.json["items"][0]["title"] == "Mine"
    assert set(listed.json) == {"items", "total", "limit", "offset", "has_missing_conversations"}


async def test_patch_of_conversations_hides_all_and_is_remembered() -> None:
    async with running() as simulator:
        await ask(simulator, "Hello")
        await ask(simulator, "Hello", key="fk-other")
        await call(simulator, "PATCH", f"{API}/conversations", {"is_visible": False})
        mine = await call(simulator, "GET", f"{API}/conversations")
        others = await call(simulator, "GET", f"{API}/conversations", key="fk-other")
        assert simulator.state.hide_all_calls == 1
    assert mine.json["total"] == 0
    assert others.json["total"] == 1


async def test_patch_of_an_unknown_conversation_gets_404() -> None:
    async with running() as simulator:
        answer = await call(simulator, "PATCH", f"{API}/conversation/{uuid.uuid4()}", {"is_visible": False})
    assert answer.status == 404


async def test_temporary_chat_is_not_stored_but_can_go_on() -> None:
    async with running() as simulator:
        asked = await ask(simulator, "My name is Ann", history_and_training_disabled=True)
        conversation_id = conversation_of(asked)
        listed = await call(simulator, "GET", f"{API}/conversations")
        stored = await call(simulator, "GET", f"{API}/conversation/{conversation_id}")
        more = await ask(
            simulator,
            "What did I say?",
            conversation_id=conversation_id,
            parent_message_id=asked.messages[-1]["id"],
            history_and_training_disabled=True,
        )
    assert listed.json["total"] == 0
    assert stored.status == 404
    assert "My name is Ann" in more.text
    assert not any(record.get("type") == "title_generation" for record in asked.records)


async def test_gen_title_names_once_and_then_says_so() -> None:
    async with running() as simulator:
        asked = await ask(simulator, "Tell me about green tea [[sim title=0]]")
        path = f"{API}/conversation/gen_title/{conversation_of(asked)}"
        first = await call(simulator, "POST", path, {"message_id": asked.messages[-1]["id"]})
        second = await call(simulator, "POST", path, {"message_id": asked.messages[-1]["id"]})
    assert first.json == {"title": "Green Tea"}
    assert "already has title 'Green Tea'" in second.json["message"]


async def test_models_and_categories() -> None:
    async with running() as simulator:
        answer = await call(simulator, "GET", f"{API}/models?history_and_training_disabled=false")
    slugs = [model["slug"] for model in answer.json["models"]]
    assert "text-davinci-002-render-sha" in slugs
    assert "gpt-4" in slugs
    assert {category["default_model"] for category in answer.json["categories"]} <= set(slugs)


async def test_conversation_limit_tells_cap_and_window_in_minutes() -> None:
    async with running() as simulator:
        answer = await call(
            simulator, "GET", API.replace("backend-api", "public-api") + "/conversation_limit"
        )
    assert answer.json["message_cap"] == 40.0
    assert answer.json["message_cap_window"] == 180.0


async def test_moderations_and_stop_conversation_answer() -> None:
    async with running() as simulator:
        checked = await call(simulator, "POST", f"{API}/moderations", {"input": "x", "model": "m"})
        stopped = await call(simulator, "POST", f"{API}/stop_conversation", {"websocket_request_id": "w"})
    assert checked.json["flagged"] is False
    assert stopped.status == 200


def test_list_that_misses_conversations_that_were_dropped_says_so() -> None:
    conversations = Conversations(max_conversations=2)
    conversations.create("fk-other", 0, temporary=False)
    for now in range(2):
        assert not conversations.misses_some("fk-me")
        conversations.create("fk-me", now, temporary=False)
    assert conversations.misses_some("fk-other")
    assert not conversations.misses_some("fk-me")
    conversations.create("fk-me", 2, temporary=False)
    assert conversations.misses_some("fk-me")


def test_conversations_that_hold_too_much_are_dropped_the_last_used_one_last() -> None:
    conversations = Conversations(max_characters=100)
    first, second, third = (conversations.create("fk-me", now, temporary=False) for now in range(3))
    for used in (first, second, first):
        conversations.count(used, 40)
    assert [each.id for each in conversations] == [first.id]
    assert conversations.misses_some("fk-me")
    conversations.count(first, 1000)
    conversations.count(third, 10)
    assert conversations.of_id(first.id) is first, "what is in use is kept"


def test_requests_that_are_kept_are_bounded_by_their_bodies() -> None:
    state = State(FileStore(lambda: 0.0), Conversations())
    for size in (1, MAX_OBSERVED_BYTES - 1, 1, MAX_OBSERVED_BYTES * 2):
        state.add_request(ObservedRequest("POST", "/", {}, size, size=size))
    assert [each.size for each in state.requests] == [MAX_OBSERVED_BYTES * 2]
    for _ in range(MAX_OBSERVED + 1):
        state.add_request(ObservedRequest("POST", "/", {}, 0))
    assert len(state.requests) == MAX_OBSERVED
