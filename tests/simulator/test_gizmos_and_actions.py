"""GPTS: their description, their tools, Actions that ask for consent."""

import copy
import uuid
from typing import Any

import pytest

from simulator import Knobs, Simulator
from simulator.gizmos import GIZMOS
from tests.simulator.client import API, Answer, ask, call, message, running

ACTOR, LOGIN, ADVERT = "g-SimActor1", "g-SimLogin1", "g-SimAdvert"
TOOL = "api_example_com__jit_plugin.getItem"


async def ask_gizmo(simulator: Simulator, gizmo_id: str, *messages: Any, **fields: Any) -> Answer:
    mode = {"kind": "gizmo_interaction", "gizmo_id": gizmo_id}
    return await ask(simulator, *messages, model="gpt-4-gizmo", conversation_mode=mode, **fields)


@pytest.mark.parametrize("gizmo", GIZMOS)
async def test_gizmo_is_found_by_short_id_and_by_slug(gizmo: Any) -> None:
    async with running() as simulator:
        short = await call(simulator, "GET", f"{API}/gizmos/{gizmo.id}")
        slug = await call(simulator, "GET", f"{API}/gizmos/{gizmo.id}-{gizmo.slug}")
    assert short.json["gizmo"]["id"] == slug.json["gizmo"]["id"] == gizmo.id
    assert short.json["gizmo"]["short_url"] == f"{gizmo.id}-{gizmo.slug}"
    assert [tool["type"] for tool in short.json["tools"]] == list(gizmo.tools)


async def test_unknown_gizmo_gets_404_and_can_not_be_talked_to() -> None:
    async with running() as simulator:
        described = await call(simulator, "GET", f"{API}/gizmos/g-Nobody123")
        asked = await ask_gizmo(simulator, "g-Nobody123", "Hello")
    assert (described.status, asked.status) == (404, 404)


@pytest.mark.parametrize("age", ["2024", "2025", "2026"])
async def test_store_is_searched_by_words_of_name_and_description(age: str) -> None:
    path = f"{API}/gizmos/search"
    async with running(Knobs(age=age)) as simulator:
        found = (await call(simulator, "GET", f"{path}?q=python+DATA")).json["hits"]
        nothing = (await call(simulator, "GET", f"{path}?q=zither")).json["hits"]
        wrong = await call(simulator, "GET", f"{path}?q=a&cursor=x")
    (item,) = found["items"]
    assert item["resource"]["gizmo"]["id"] == "g-HMNcP6w7d"
    assert (found["cursor"], nothing, wrong.status) == (None, {"items": [], "cursor": None}, 422)


@pytest.mark.parametrize("age", ["2023-05", "2023-12"])
async def test_there_was_no_store_in_2023(age: str) -> None:
    async with running(Knobs(age=age)) as simulator:
        assert (await call(simulator, "GET", f"{API}/gizmos/search?q=a")).status == 404


async def test_gizmo_id_is_in_the_metadata_and_the_whole_answer_may_be_sent_along() -> None:
    async with running() as simulator:
        gizmo = (await call(simulator, "GET", f"{API}/gizmos/g-YyyyMT9XH")).json
        mode = {"kind": "gizmo_interaction", "gizmo_id": "g-YyyyMT9XH", "gizmo": gizmo}
        answer = await ask(simulator, "Hello", model="gpt-4-gizmo", conversation_mode=mode)
        assert simulator.state.quota_units == 14
    assert answer.messages[-1]["metadata"]["gizmo_id"] == "g-YyyyMT9XH"


async def test_gizmo_uses_its_own_tools_only() -> None:
    async with running() as simulator:
        classic = await ask_gizmo(simulator, "g-YyyyMT9XH", "Draw a cat")
        painter = await ask_gizmo(simulator, "g-2fkFE8rbu", "Draw a cat")
    assert all(shown["author"]["role"] != "tool" for shown in classic.messages)
    assert any(shown["author"]["name"] == "dalle.text2im" for shown in painter.messages)


async def test_advert_is_another_message_whose_first_snapshot_is_empty() -> None:
    async with running() as simulator:
        answer = await ask_gizmo(simulator, ADVERT, "Tell me about tea")
    first, second = [shown for shown in answer.final().values() if shown["author"]["role"] == "assistant"]
    ids = [shown["id"] for shown in answer.messages]
    empty = answer.messages[ids.index(second["id"])]
    assert empty["content"]["parts"] == [""]
    assert first["id"] in ids[ids.index(second["id"]) :], "the first message is shown whole once more"
    assert (first["end_turn"], second["end_turn"]) == (False, True)


def confirmation(answer: Answer) -> dict[str, Any]:
    shown = answer.messages[-1]
    assert shown["author"] == {"role": "tool", "name": TOOL, "metadata": {}}
    assert shown["content"] == {"content_type": "text", "parts": [""]}
    found: dict[str, Any] = shown["metadata"]["jit_plugin_data"]["from_server"]
    return found


def word(kind: str, confirmed: dict[str, Any], *, flat: bool = False) -> dict[str, Any]:
    action = next(each for each in confirmed["body"]["actions"] if each["type"] == kind)
    target = action[kind]["target_message_id"]
    if flat:
        given: dict[str, Any] = {"type": kind, "target_message_id": target}
    else:
        data = {"type": kind, "operation_hash": action[kind].get("operation_hash")}
        given = {"user_action": {"data": data, "target_message_id": target}}
    sent = message("", role="tool", metadata={"jit_plugin_data": {"from_client": given}}, recipient="all")
    return {**sent, "author": {"role": "tool", "name": TOOL}}


async def go_on(simulator: Simulator, asked: Answer, sent: dict[str, Any]) -> Answer:
    conversation_id, parent = asked.records[0]["conversation_id"], asked.messages[-1]["id"]
    return await ask_gizmo(simulator, ACTOR, sent, conversation_id=conversation_id, parent_message_id=parent)


async def test_action_ends_the_turn_with_a_confirmation_and_no_answer() -> None:
    async with running() as simulator:
        answer = await ask_gizmo(simulator, ACTOR, "Look up tea")
    asked = confirmation(answer)
    call_ = answer.messages[-2]
    assert answer.done
    assert asked["type"] == "confirm_action"
    assert asked["body"]["domain"] == "api.example.com"
    assert [each["type"] for each in asked["body"]["actions"]] == ["allow", "always_allow", "deny"]
    assert asked["body"]["actions"][0]["allow"]["target_message_id"] == call_["id"]
    assert (call_["recipient"], call_["end_turn"]) == (TOOL, False)


@pytest.mark.parametrize("kind", ["allow", "always_allow"])
@pytest.mark.parametrize("flat", [False, True])
async def test_consent_goes_on_with_the_result(kind: str, flat: bool) -> None:
    async with running() as simulator:
        asked = await ask_gizmo(simulator, ACTOR, "Look up tea")
        answer = await go_on(simulator, asked, word(kind, confirmation(asked), flat=flat))
        next_one = await ask_gizmo(simulator, ACTOR, "Look up coffee")
    tool = [shown for shown in answer.messages if shown["author"]["role"] == "tool"][-1]
    assert tool["metadata"]["invoked_plugin"]["http_response_status"] == 200
    assert answer.text == "The API says that tea costs 42."
    assert answer.messages[-1]["end_turn"] is True
    assert (next_one.messages[-1]["author"]["role"] == "assistant") is (kind == "always_allow")


async def test_denial_goes_on_without_calling() -> None:
    async with running() as simulator:
        asked = await ask_gizmo(simulator, ACTOR, "Look up tea")
        answer = await go_on(simulator, asked, word("deny", confirmation(asked)))
    assert not any("invoked_plugin" in shown["metadata"] for shown in answer.messages)
    assert answer.text == "All right, I did not call it."


async def test_consent_to_nothing_is_refused() -> None:
    async with running() as simulator:
        asked = await ask_gizmo(simulator, ACTOR, "Look up tea")
        sent = word("allow", confirmation(asked))
        other = copy.deepcopy(sent)
        other["metadata"]["jit_plugin_data"]["from_client"]["user_action"]["target_message_id"] = str(
            uuid.uuid4()
        )
        wrong_target = await go_on(simulator, asked, other)
        right = await go_on(simulator, asked, sent)
        twice = await go_on(simulator, asked, {**sent, "id": str(uuid.uuid4())})
    assert (wrong_target.status, right.status, twice.status) == (422, 200, 422)


async def test_consent_comes_too_late_once_the_conversation_is_hidden() -> None:
    async with running() as simulator:
        asked = await ask_gizmo(simulator, ACTOR, "Look up tea")
        path = f"{API}/conversation/{asked.records[0]['conversation_id']}"
        await call(simulator, "PATCH", path, {"is_visible": False})
        answer = await go_on(simulator, asked, word("allow", confirmation(asked)))
    assert answer.status == 404


async def test_login_is_required_by_some_actions() -> None:
    async with running() as simulator:
        answer = await ask_gizmo(simulator, LOGIN, "Look up tea")
    assert confirmation(answer)["type"] == "oauth_required"
