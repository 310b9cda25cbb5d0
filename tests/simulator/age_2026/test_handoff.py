"""Turns that go on elsewhere: by the user's socket, the resume endpoint, polling."""

import asyncio
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.age_2026.user_socket import user_socket
from tests.simulator.client import API, IN_2026, Answer, ask_2026, call, connect, payload, running, until

QUESTION = "say exactly: one two three four five six"
WORDS = "one two three four five six"


async def asked(simulator: Simulator, knobs: str, question: str = QUESTION) -> Answer:
    return await ask_2026(simulator, f"{question} [[sim {knobs}]]")


def conversation_of(answer: Answer) -> str:
    return str(answer.records[0]["conversation_id"])


def handoff_of(answer: Answer) -> dict[str, Any]:
    (record,) = [record for record in answer.records if record["type"] == "stream_handoff"]
    return record


def text_of(answer: Answer) -> str:
    said = [each for each in answer.shown.values() if each["channel"] == "final"]
    return str(said[-1]["content"]["parts"][0]) if said else ""


async def resumed(simulator: Simulator, answer: Answer, offset: int = 0, **options: Any) -> Answer:
    body = {"conversation_id": conversation_of(answer), "offset": offset}
    if "token" in options:
        options["X_Conduit_Token"] = options.pop("token")
    return await call(simulator, "POST", f"{API}/f/conversation/resume", body, **options)


async def over(simulator: Simulator) -> None:
    await until(lambda: not simulator.state.open_streams)


async def test_a_handoff_names_its_ways_and_ends_the_answer() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=start")
        one_way = await asked(simulator, "handoff=start handoff_ways=ws")
        await over(simulator)
        assert [stream.outcome for stream in simulator.state.streams] == ["complete", "complete"]
        assert simulator.state.accepted == 2
    record = handoff_of(answer)
    assert set(record) == {"type", "conversation_id", "turn_exchange_id", "options"}
    topic = f"conversation-turn-{record['turn_exchange_id']}"
    assert record["options"] == [
        {"type": "resume_sse_endpoint", "topic_id": topic},
        {"type": "subscribe_ws_topic", "topic_id": topic},
    ]
    assert [way["type"] for way in handoff_of(one_way)["options"]] == ["subscribe_ws_topic"]
    assert answer.done
    assert text_of(answer) == ""


async def test_a_handoff_in_the_middle_comes_after_some_text() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=mid")
    assert handoff_of(answer)
    assert text_of(answer)
    assert WORDS.startswith(text_of(answer))


async def test_a_silent_handoff_only_tells_the_exchange() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=silent")
    kinds = [record["type"] for record in answer.records]
    assert "stream_handoff" not in kinds
    assert "message_stream_complete" not in kinds
    assert kinds[-1] == "server_ste_metadata"
    assert answer.done


async def test_pro_mode_is_handed_off_unless_it_is_unwanted() -> None:
    async with running(IN_2026) as simulator:
        elsewhere = await ask_2026(simulator, "Tea", model="gpt-5-6-pro")
        await over(simulator)
        here = await ask_2026(simulator, "Tea [[sim handoff=none]]", model="gpt-5-6-pro")
    assert handoff_of(elsewhere)
    card = next(each for each in here.shown.values() if each["author"]["name"] == "a8km123")
    assert (card["metadata"]["pro_progress"], card["metadata"]["finished_text"]) == (
        100,
        "Reasoned for 2m 4s",
    )
    assert text_of(here)


@pytest.mark.parametrize("items", ["whole", "open", "pairs"])
async def test_the_socket_has_the_whole_turn_from_its_beginning(items: str) -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, f"handoff=mid items={items}")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        async with user_socket(simulator) as socket:
            await socket.command(2, type="subscribe", topic_id=topic, offset="0")
            await until(lambda: socket.is_done(topic))
            items_seen, stream = socket.items(topic), socket.text(topic)
            connected, subscribed = socket.reply(1), socket.reply(2)
    whole = Answer(chunks=[stream.encode()])
    assert text_of(whole) == WORDS
    assert [record["type"] for record in whole.records][-4] == "server_ste_metadata"
    assert connected == {"type": "connect"}
    assert subscribed
    assert set(subscribed) == {"type", "topic_id", "last_offset", "recovered", "catchups"}
    parents = [each["parent_stream_item_id"] for each in items_seen]
    assert parents == [None, *(each["stream_item_id"] for each in items_seen[:-1])]
    if items == "open":
        assert not any(each["encoded_item"].endswith("\n") for each in items_seen)
    if items == "pairs":
        assert any(each["encoded_item"].count("data: ") == 2 for each in items_seen)


async def test_catchups_and_live_items_go_on_without_a_gap() -> None:
    async with running(IN_2026) as simulator, user_socket(simulator) as socket:
        answer = await asked(simulator, "handoff=start pace=2")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        await socket.command(2, type="subscribe", topic_id=topic, offset="0")
        await until(lambda: socket.is_done(topic))
        ids = [each["stream_item_id"] for each in socket.items(topic)]
        caught = (socket.reply(2) or {})["catchups"]
    assert ids == [f"si{number}" for number in range(1, len(ids) + 1)]
    assert 0 < len(caught) < len(ids)


async def test_a_subscription_may_go_on_behind_an_offset() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=start")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        await over(simulator)
        async with user_socket(simulator) as socket:
            await socket.command(2, type="subscribe", topic_id=topic, offset="0")
            await until(lambda: socket.is_done(topic))
            third = (socket.reply(2) or {})["catchups"][2]
        async with user_socket(simulator) as socket:
            await socket.command(2, type="subscribe", topic_id=topic, offset=third["offset"])
            await until(lambda: socket.is_done(topic))
            assert socket.items(topic)[0]["stream_item_id"] == "si4"


async def test_items_may_come_twice() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=start duplicates")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        await over(simulator)
        async with user_socket(simulator) as socket:
            await socket.command(2, type="subscribe", topic_id=topic, offset="0")
            await until(lambda: socket.is_done(topic))
            ids = [each["stream_item_id"] for each in socket.items(topic)]
    assert ids[: len(ids) // 2] == ids[len(ids) // 2 :]


async def test_items_may_be_lost() -> None:
    async with running(IN_2026) as simulator, user_socket(simulator) as socket:
        answer = await asked(simulator, "handoff=start pace=2 catchups=0")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        await socket.command(2, type="subscribe", topic_id=topic, offset="0")
        await until(lambda: socket.is_done(topic))
        first = socket.items(topic)[0]
    assert first["parent_stream_item_id"] is not None


async def test_the_socket_may_drop_at_every_frame() -> None:
    async with running(IN_2026.set({"socket_drop": 2})) as simulator:
        answer = await asked(simulator, "handoff=start pace=100 socket_drop=2")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        for _ in range(2):
            async with user_socket(simulator) as socket:
                await socket.command(2, type="subscribe", topic_id=topic, offset="0")
                await until(lambda: socket.is_over)
                assert len(socket.frames) == 2
        assert simulator.state.sockets_opened == 2


async def test_a_topic_that_never_ends_has_heartbeats() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=mid endless heartbeat=0.01")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        conversation_id = conversation_of(answer)
        async with user_socket(simulator) as socket:
            await socket.command(2, type="subscribe", topic_id=topic, offset="0")
            await until(lambda: [each["type"] for each in socket.payloads(topic)].count("heartbeat") > 3)
            status = await call(simulator, "GET", f"{API}/conversation/{conversation_id}/stream_status")
            tree = await call(simulator, "GET", f"{API}/conversation/{conversation_id}")
    assert status.json == {"status": "IS_STREAMING"}
    assert tree.json["async_status"] == 3
    assert tree.json["mapping"][tree.json["current_node"]]["message"]["author"]["role"] == "user"


async def test_another_account_follows_nothing() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=start")
        topic = handoff_of(answer)["options"][1]["topic_id"]
        async with user_socket(simulator, "fk-other") as socket:
            await socket.command(2, type="subscribe", topic_id=topic, offset="0")
            await until(lambda: socket.reply(2))
            reply = socket.reply(2) or {}
    assert (reply["recovered"], reply["catchups"]) == (False, [])


@pytest.mark.parametrize("form", ["official", "none"])
async def test_the_address_of_the_socket_may_be_elsewhere_or_nowhere(form: str) -> None:
    async with running(IN_2026.set({"celsius": form})) as simulator:
        answer = await call(simulator, "GET", f"{API}/celsius/ws/user")
    if form == "none":
        assert answer.status == 404
    else:
        assert answer.json["websocket_url"].startswith("wss://ws.chatgpt.com/p1/ws/user/")


async def test_the_socket_of_older_ages_is_gone_and_that_of_today_was_not_there() -> None:
    async with running() as before, running(IN_2026) as now:
        assert (await call(before, "GET", f"{API}/celsius/ws/user")).status == 404
        assert (await call(now, "POST", f"{API}/register-websocket", {})).status == 404


@pytest.mark.parametrize("fault", ["drop_mid", "leave_mid"])
async def test_a_body_that_ends_in_the_middle_is_resumed_where_it_ended(fault: str) -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, f"fault={fault} ping=0.001 first_delay=0.01")
        counted = [name for name, data in answer.events if name != "ping" and data != "[DONE]"]
        rest = await resumed(simulator, answer, len(counted), token=answer.headers["x-conduit-token"])
        await over(simulator)
        assert simulator.state.streams[0].outcome == "complete"
    assert (answer.ending, answer.done) == ("fin" if fault == "drop_mid" else "end", False)
    assert rest.done
    whole = Answer(chunks=[answer.body, rest.body])
    assert text_of(whole) == WORDS
    records = [data for name, data in whole.events if name != "ping"]
    assert records.count("[DONE]") == 1


async def test_a_turn_handed_off_is_resumed_from_its_beginning_without_a_token() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=mid")
        whole = await resumed(simulator, answer)
        wrong = await resumed(simulator, answer, 3)
        unknown = await resumed(simulator, answer, 3, token="eyJ-no")
        other = await resumed(simulator, answer, key="fk-other")
    assert text_of(whole) == WORDS
    assert wrong.json["detail"]["code"] == "tokenless_resume_unavailable"
    assert unknown.json["detail"]["code"] == "conduit_miss"
    assert (wrong.status, unknown.status, other.status) == (404, 404, 404)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ("conduit_miss", 404, "conduit_miss"),
        ("tokenless", 404, "tokenless_resume_unavailable"),
        ("stored", 410, "persisted_final_available"),
        ("busy", 503, None),
        ("none", 404, None),
    ],
)
async def test_resuming_may_be_refused(form: str, status: int, code: str | None) -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, f"handoff=mid resume={form}")
        refused = await resumed(simulator, answer)
    assert refused.status == status
    assert code is None or refused.json["detail"]["code"] == code


async def test_resuming_may_break_or_be_handed_off_again_each_time() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=mid resume=broken")
        broken = [await resumed(simulator, answer) for _ in range(2)]
        answer = await asked(simulator, "handoff=mid resume=again")
        again = [await resumed(simulator, answer) for _ in range(2)]
    assert [(each.ending, len(each.events)) for each in broken] == [("fin", 3)] * 2
    assert all(handoff_of(each) and each.done for each in again)


async def test_polling_shows_the_answer_once_it_is_finished() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=start pace=2")
        conversation_id = conversation_of(answer)
        path = f"{API}/conversation/{conversation_id}"
        during = (await call(simulator, "GET", path)).json
        await over(simulator)
        after = (await call(simulator, "GET", path)).json
        status = (await call(simulator, "GET", f"{path}/stream_status")).json
        page = (await call(simulator, "GET", f"{API}/conversations/{conversation_id}?num_turns=1")).json
    assert during["async_status"] == 3
    assert after["async_status"] is None
    leaf = after["mapping"][after["current_node"]]["message"]
    assert (leaf["content"]["parts"], leaf["end_turn"]) == ([WORDS], True)
    assert during["current_node"] in after["mapping"]
    assert status == {"status": "COMPLETE"}
    assert page["messages"][-1] == leaf
    assert [each["author"]["role"] for each in page["messages"]] == ["user", "assistant"]
    assert page["page_info"]["has_previous_page"] is False


async def test_polling_may_fail_at_first() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "poll_fails=2 poll_error=temporarily_limited")
        path = f"{API}/conversation/{conversation_of(answer)}"
        statuses = [(await call(simulator, "GET", path)).status for _ in range(3)]
    assert statuses == [429, 429, 200]


async def test_temporary_chats_can_be_polled() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, QUESTION, history_and_training_disabled=True)
        tree = await call(simulator, "GET", f"{API}/conversation/{conversation_of(answer)}")
    assert tree.status == 200


async def test_stopping_ends_a_turn_that_was_handed_off() -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, "handoff=mid endless")
        conversation_id = conversation_of(answer)
        busy = await ask_2026(simulator, "Hello")
        body = {"conversation_id": conversation_id, "exclude_async_types": []}
        stopped = await call(simulator, "POST", f"{API}/stop_conversation", body)
        await over(simulator)
        tree = (await call(simulator, "GET", f"{API}/conversation/{conversation_id}")).json
        assert simulator.state.stops == [conversation_id]
        assert simulator.state.streams[0].outcome == "stopped"
        assert (await ask_2026(simulator, "Hello")).done
    assert busy.status == 429
    assert stopped.json == {"status": "ok", "last_message_id": None}
    leaf = tree["mapping"][tree["current_node"]]["message"]
    assert leaf["metadata"]["finish_details"] == {"type": "interrupted"}


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("reset_mid", "reset"),
        ("fin_mid", "fin"),
        ("end_mid", "end"),
        ("cut_record", "fin"),
        ("cut_character", "fin"),
        ("error_mid", "end"),
        ("fin_after_headers", "fin"),
        ("reset_before_headers", "reset"),
    ],
)
async def test_a_turn_that_fails_does_not_go_on(fault: str, ending: str) -> None:
    async with running(IN_2026) as simulator:
        answer = await asked(simulator, f"fault={fault}", "Tell me about tea")
        await over(simulator)
        assert simulator.state.streams[0].outcome == fault
        if "before" not in fault:
            path = f"{API}/conversation/{simulator.state.streams[0].conversation_id}"
            status = await call(simulator, "GET", f"{path}/stream_status")
            assert status.json == {"status": "FAILURE"}
        assert (await ask_2026(simulator, "Hello")).done, "the next message must be answered"
    assert answer.ending == ending


async def test_a_turn_may_outlive_its_client() -> None:
    async with running(IN_2026.set({"outlives": True, "pace": 200})) as simulator:
        asked_ = payload(QUESTION, model="gpt-5-6", supported_encodings=["v1"])
        connection = await connect(simulator, "POST", f"{API}/f/conversation", asked_)
        await until(lambda: simulator.state.streams and simulator.state.streams[0].records > 3)
        await connection.close()
        conversation_id = simulator.state.streams[0].conversation_id
        await over_by_status(simulator, conversation_id)
        tree = (await call(simulator, "GET", f"{API}/conversation/{conversation_id}")).json
    assert tree["mapping"][tree["current_node"]]["message"]["content"]["parts"] == [WORDS]


async def over_by_status(simulator: Simulator, conversation_id: str) -> None:
    async with asyncio.timeout(10):
        while True:
            found = await call(simulator, "GET", f"{API}/conversation/{conversation_id}/stream_status")
            if found.json["status"] != "IS_STREAMING":
                return
            await asyncio.sleep(0.01)
