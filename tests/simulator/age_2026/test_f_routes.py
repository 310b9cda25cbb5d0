"""f/conversation and its like: where they exist, what is charged, the ways round them."""

import uuid

import pytest

from simulator import Knobs
from tests.simulator.client import (
    API,
    IN_2026,
    NEW_CHAT,
    ask,
    ask_2026,
    call,
    connect,
    payload,
    running,
    until,
)


@pytest.mark.parametrize("age", ["2023-05", "2023-12", "2024", "2025"])
async def test_older_ages_have_no_such_routes_and_charge_nothing_for_them(age: str) -> None:
    async with running(Knobs(age=age)) as simulator:
        main = await ask_2026(simulator, "Hello")
        prepared = await call(simulator, "POST", f"{API}/f/conversation/prepare", {})
        resumed = await call(simulator, "POST", f"{API}/f/conversation/resume", {})
        assert (simulator.state.attempts, simulator.state.accepted, simulator.state.quota_units) == (0, 0, 0)
        await ask(simulator, "Hello")
        assert (simulator.state.attempts, simulator.state.accepted) == (1, 1)
    assert [main.status, prepared.status, resumed.status] == [404, 404, 404]


async def test_a_backend_of_2026_may_lack_them() -> None:
    async with running(IN_2026.set({"f_routes": False})) as simulator:
        new = await ask_2026(simulator, "Hello")
        old = await ask(simulator, "Hello", parent_message_id=NEW_CHAT)
        assert (simulator.state.attempts, simulator.state.accepted) == (1, 1)
    assert (new.status, old.status) == (404, 200)


async def test_a_backend_of_2026_may_have_nothing_else() -> None:
    async with running(IN_2026.set({"old_path": False})) as simulator:
        old = await ask(simulator, "Hello")
        new = await ask_2026(simulator, "Hello")
        assert (simulator.state.attempts, simulator.state.accepted) == (1, 1)
    assert (old.status, new.status) == (404, 200)


async def test_both_paths_count_a_message_once() -> None:
    async with running(IN_2026) as simulator:
        await ask_2026(simulator, "Hello")
        await ask(simulator, "Hello", model="gpt-5-6")
        assert (simulator.state.attempts, simulator.state.accepted_by_model["gpt-5-6"]) == (2, 2)


async def test_a_marker_changes_the_answer_but_not_the_routes() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Hello [[sim age=2023-12]]", parent_message_id=str(uuid.uuid4()))
    assert {name for name, _ in answer.events} == {"message"}
    assert answer.messages


async def test_the_root_of_a_new_chat_is_unknown_before_2026() -> None:
    async with running() as simulator:
        refused = await ask(simulator, "Hello", parent_message_id=NEW_CHAT)
    assert refused.status == 422
    assert refused.json["detail"][0]["loc"] == ["body", "parent_message_id"]


async def test_prepare_gives_a_token_and_costs_nothing() -> None:
    async with running(IN_2026) as simulator:
        answer = await call(simulator, "POST", f"{API}/f/conversation/prepare", {"action": "next"})
        assert (simulator.state.prepared, simulator.state.attempts) == (1, 0)
    assert answer.json["status"] == "ok"
    assert isinstance(answer.json["conduit_token"], str)


@pytest.mark.parametrize(("form", "status"), [("null", 200), ("error", 500), ("none", 404)])
async def test_prepare_may_give_no_token(form: str, status: int) -> None:
    async with running(IN_2026.set({"conduit": form})) as simulator:
        answer = await call(simulator, "POST", f"{API}/f/conversation/prepare", {})
    assert answer.status == status
    assert status != 200 or answer.json["conduit_token"] is None


async def test_the_answer_has_a_token_and_typed_records_in_their_order() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Tell me about tea")
    kinds = [record["type"] for record in answer.records]
    assert kinds[0] == "resume_conversation_token"
    assert answer.records[0]["token"] == answer.headers["x-conduit-token"]
    assert kinds[1] == "input_message"
    assert kinds[-4:] == [
        "server_ste_metadata",
        "message_stream_complete",
        "title_generation",
        "conversation_detail_metadata",
    ]
    markers = [record["marker"] for record in answer.records if record["type"] == "message_marker"]
    assert markers == ["user_visible_token", "final_channel_token", "last_token"]
    assert answer.done


async def test_without_encodings_the_answer_is_in_snapshots() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask(simulator, "say exactly: hello", supported_encodings=[])
    assert {name for name, _ in answer.events} == {"message"}
    assert answer.text == "hello"
    assert answer.messages[-1]["status"] == "finished_successfully"


async def test_a_message_that_is_too_long_is_refused() -> None:
    async with running(IN_2026.set({"max_message": 100})) as simulator:
        refused = await ask_2026(simulator, "x" * 101)
        accepted = await ask_2026(simulator, "x" * 100)
    assert (refused.status, refused.json["detail"]["code"]) == (413, "message_length_exceeds_limit")
    assert accepted.status == 200


async def test_who_leaves_ends_a_turn_that_was_not_handed_off() -> None:
    async with running(IN_2026.set({"pace": 20})) as simulator:
        asked = payload("Tell me about tea in 300 words", model="gpt-5-6")
        connection = await connect(simulator, "POST", f"{API}/f/conversation", asked)
        await until(lambda: simulator.state.streams and simulator.state.streams[0].records > 3)
        await connection.close()
        await until(lambda: not simulator.state.open_streams)
        assert simulator.state.streams[0].outcome == "client_closed"
