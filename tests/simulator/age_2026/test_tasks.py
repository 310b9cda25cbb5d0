"""Pictures and reports that come after the stream, their files, refusals and limits."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator import Simulator
from tests.simulator.age_2026.user_socket import user_socket
from tests.simulator.client import (
    API,
    IN_2026,
    Answer,
    ask_2026,
    call,
    fetch,
    message,
    running,
    until,
)

TOOL = "t2uay3k.sj1i4kz"


async def tree_when_done(simulator: Simulator, answer: Answer) -> dict[str, Any]:
    path = f"{API}/conversation/{answer.records[0]['conversation_id']}"
    tree: dict[str, Any] = {"async_status": 7}
    while tree["async_status"] in (3, 7):
        tree = (await call(simulator, "GET", path)).json
    return tree


def pictures(messages: Any) -> list[dict[str, Any]]:
    """The pictures of the tool, each message's parts."""
    tools = [each for each in messages if each and each["author"]["name"] == TOOL]
    parts = [part for each in tools for part in each["content"].get("parts", [])]
    return [part for part in parts if isinstance(part, dict)]


def messages_of(tree: dict[str, Any]) -> list[Any]:
    return [node["message"] for node in tree["mapping"].values()]


def leaf_of(tree: dict[str, Any]) -> dict[str, Any]:
    leaf: dict[str, Any] = tree["mapping"][tree["current_node"]]["message"]
    return leaf


@pytest.mark.parametrize(
    ("form", "flags"),
    [
        ("async", {"image_gen_async": False, "trigger_async_ux": False, "image_gen_multi_stream": True}),
        ("flags", {"image_gen_async": True, "trigger_async_ux": True, "image_gen_multi_stream": False}),
    ],
)
async def test_the_stream_has_a_card_and_no_picture(form: str, flags: dict[str, bool]) -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, f"Draw a cat [[sim pictures={form}]]")
    assert pictures(answer.shown.values()) == []
    card = list(answer.shown.values())[-1]
    assert {name: card["metadata"][name] for name in flags} == flags
    assert ("image_gen_task_id" in card["metadata"]) == (form == "async")
    assert (card["status"], card["end_turn"], card["metadata"]["ui_card"]) == (
        "finished_successfully",
        True,
        True,
    )
    kinds = [record["type"] for record in answer.records]
    assert kinds.index("conversation_async_status") < kinds.index("server_ste_metadata")
    ste = next(record for record in answer.records if record["type"] == "server_ste_metadata")
    assert ste["metadata"]["turn_use_case"] == "image gen"
    assert ste["metadata"]["resolved_model_slug"] == "i-mini-m"


async def test_the_picture_comes_into_the_conversation() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Draw two pictures of a cat [[sim previews=2]]")
        tree = await tree_when_done(simulator, answer)
    found = pictures(messages_of(tree))
    assert tree["async_status"] == 4
    assert len({part["asset_pointer"] for part in found}) == 2
    for each in [each for each in messages_of(tree) if pictures([each])]:
        assert each["status"] == "finished_successfully"
        assert each["metadata"]["ghostrider"] == {"status": "final"}
        assert each["metadata"]["async_task_type"] == "image_gen"
    assert [each["metadata"]["slot_index"] for each in messages_of(tree) if pictures([each])] == [0, 1]


async def test_the_socket_tells_of_previews_and_of_the_end() -> None:
    async with running(IN_2026) as simulator, user_socket(simulator) as socket:
        await socket.command(2, type="subscribe", topic_id="conversations", offset="0")
        answer = await ask_2026(simulator, "Draw a cat [[sim previews=2]]")
        tree = await tree_when_done(simulator, answer)
        await until(lambda: "conversation_async_status" in str(socket.frames[-1]))
        frames = [frame for frame in socket.frames if frame["type"] == "message"]
    payloads = [each["payload"] for each in frames if each["payload"]["type"] == "conversation-update"]
    kinds = [each["payload"]["update_type"] for each in payloads]
    assert kinds == [
        "async-task-start",
        "async-task-update-message",
        "async-task-completed",
        "set-conversation-async-status",
    ]
    contents = [each["payload"]["update_content"] for each in payloads]
    states = [each["message"]["metadata"]["ghostrider"]["status"] for each in contents[:3]]
    assert states == ["intermediate", "intermediate", "final"]
    pointers = [pictures([each["message"]])[0]["asset_pointer"] for each in contents[:3]]
    assert len(set(pointers)) == 3
    assert pointers[-1] == pictures(messages_of(tree))[0]["asset_pointer"]
    assert contents[3] == {"conversation_async_status": 4}


async def test_who_subscribes_later_catches_up_with_the_news() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Draw a cat")
        await tree_when_done(simulator, answer)
        async with user_socket(simulator) as socket:
            await socket.command(2, type="subscribe", topic_id="conversations", offset="0")
            await until(lambda: socket.reply(2))
            caught = (socket.reply(2) or {})["catchups"]
    assert "set-conversation-async-status" in str(caught[-1])


async def test_pictures_may_be_revised_within_the_stream() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Draw a cat [[sim pictures=sync previews=2]]")
    (part,) = pictures(answer.shown.values())
    pointers = {word.partition('"')[0] for word in answer.body.decode().split("sediment://")[1:]}
    assert len(pointers) == 3
    assert part["asset_pointer"].removeprefix("sediment://") in pointers
    assert list(answer.shown.values())[-1]["metadata"]["ghostrider"] == {"status": "final"}


async def test_pictures_may_have_a_second_pointer() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Draw a cat [[sim pictures=sync watermark]]")
    (part,) = pictures(answer.shown.values())
    pointer = part["metadata"]["watermarked_asset_pointer"]
    assert pointer.startswith("file-service://file_00000000")


async def test_files_need_the_session() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Draw a cat")
        conversation_id = answer.records[0]["conversation_id"]
        (part,) = pictures(messages_of(await tree_when_done(simulator, answer)))
        file_id = part["asset_pointer"].removeprefix("sediment://")
        lookups = [
            await call(simulator, "GET", f"{API}/{path}")
            for path in (
                f"files/download/{file_id}?conversation_id={conversation_id}&inline=false",
                f"files/{file_id}/download",
                f"conversation/{conversation_id}/attachment/{file_id}/download",
            )
        ]
        url = urlsplit(lookups[0].json["download_url"])
        anonymous = await fetch(simulator, lookups[0].json["download_url"])
        owned = await call(simulator, "GET", f"{url.path}?{url.query}")
        other = await call(simulator, "GET", f"{url.path}?{url.query}", key="fk-other")
        forged = await call(simulator, "GET", f"{url.path}?{url.query}".replace("sig=", "sig=0"))
    assert [each.status for each in lookups] == [200, 200, 200]
    assert url.path.endswith("/backend-api/estuary/content")
    assert lookups[0].json["file_size_bytes"] == len(owned.body) == part["size_bytes"]
    assert lookups[0].json["mime_type"] == "image/png"
    assert owned.body.startswith(b"\x89PNG")
    assert (anonymous.status, other.status, forged.status) == (401, 403, 403)


async def test_files_may_be_found_as_attachments_only_and_be_on_the_official_host() -> None:
    async with running(IN_2026.set({"lookup": "attachment", "estuary": "official"})) as simulator:
        answer = await ask_2026(simulator, "Draw a cat")
        conversation_id = answer.records[0]["conversation_id"]
        (part,) = pictures(messages_of(await tree_when_done(simulator, answer)))
        file_id = part["asset_pointer"].removeprefix("sediment://")
        direct = await call(simulator, "GET", f"{API}/files/download/{file_id}")
        attached = await call(
            simulator, "GET", f"{API}/conversation/{conversation_id}/attachment/{file_id}/download"
        )
    assert direct.status == 404
    assert attached.json["download_url"].startswith("https://chatgpt.com/backend-api/estuary/content?id=")


async def test_nothing_is_drawn_in_temporary_chats_or_with_sources() -> None:
    sent = message("Draw a cat", metadata={"selected_sources": []})
    async with running(IN_2026) as simulator:
        temporary = await ask_2026(simulator, "Draw a cat", history_and_training_disabled=True)
        with_sources = await ask_2026(simulator, sent, system_hints=["picture_v2"])
    for answer in (temporary, with_sources):
        assert "can't create images" in list(answer.shown.values())[-1]["content"]["parts"][0]


async def test_refusals_are_words_at_once_or_later() -> None:
    async with running(IN_2026) as simulator:
        at_once = await ask_2026(simulator, "Draw a violent cat")
        later = await ask_2026(simulator, "Tea [[sim kind=draw_late_refused]]")
        tree = await tree_when_done(simulator, later)
    assert "content policy" in list(at_once.shown.values())[-1]["content"]["parts"][0]
    assert "Processing image" in list(later.shown.values())[-1]["content"]["parts"][0]
    assert "content policy" in leaf_of(tree)["content"]["parts"][0]


async def test_pictures_are_counted_and_the_limit_is_words() -> None:
    async with running(IN_2026.set({"image_quota": 1})) as simulator:
        first = await ask_2026(simulator, "Draw a cat")
        second = await ask_2026(simulator, "Draw a cat")
        other = await ask_2026(simulator, "Draw a cat", key="fk-other")
    details = first.records[-1]
    progress = {each["feature_name"]: each["remaining"] for each in details["limits_progress"]}
    assert progress["image_gen"] == 0
    assert [each["name"] for each in details["blocked_features"]] == ["image_gen"]
    assert "resets in 40 minutes" in list(second.shown.values())[-1]["content"]["parts"][0]
    assert list(other.shown.values())[-1]["metadata"]["ui_card"] is True


async def test_a_picture_may_never_come_and_can_be_stopped() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Draw a cat [[sim endless task_time=0]]")
        conversation_id = answer.records[0]["conversation_id"]
        path = f"{API}/conversation/{conversation_id}"
        await until(lambda: not simulator.state.open_streams)
        statuses = {(await call(simulator, "GET", path)).json["async_status"] for _ in range(3)}
        await call(simulator, "POST", f"{API}/stop_conversation", {"conversation_id": conversation_id})
        stopped = await tree_when_done(simulator, answer)
    assert statuses == {7}
    assert stopped["async_status"] is None
    assert pictures(messages_of(stopped)) == []


async def test_research_of_2025_comes_as_a_message() -> None:
    async with running(IN_2026) as simulator:
        answer = await ask_2026(simulator, "Tides", system_hints=["research"])
        tree = await tree_when_done(simulator, answer)
    start = list(answer.shown.values())[-1]
    assert start["author"]["name"] == "research_kickoff_tool.start_research_task"
    assert start["metadata"]["async_task_type"] == "research"
    report = leaf_of(tree)
    assert report["metadata"]["is_async_task_result_message"] is True
    text, (reference,) = report["content"]["parts"][0], report["metadata"]["content_references"]
    assert text[reference["start_idx"] : reference["end_idx"]] == reference["matched_text"]
    assert reference["type"] == "webpage_extended"


async def test_research_of_2026_comes_within_the_message_of_its_app() -> None:
    async with running(IN_2026) as simulator:
        hint = "plugin:connector_openai_deep_research"
        answer = await ask_2026(simulator, "Tides", system_hints=[hint])
        tree = await tree_when_done(simulator, answer)
        page = await call(
            simulator, "GET", f"{API}/conversations/{answer.records[0]['conversation_id']}?num_turns=10"
        )
    assert "started" in list(answer.shown.values())[-1]["content"]["parts"][0]
    for messages in (messages_of(tree), page.json["messages"]):
        (app,) = [each for each in messages if each and "chatgpt_sdk" in each["metadata"]]
        assert '"status": "completed"' in app["metadata"]["chatgpt_sdk"]["widget_state"]
        assert "# Tides" in app["metadata"]["chatgpt_sdk"]["widget_state"]


@pytest.mark.parametrize("hint", ["research", "plugin:connector_openai_deep_research"])
async def test_research_is_counted_and_not_for_temporary_chats(hint: str) -> None:
    async with running(IN_2026.set({"research_quota": 1})) as simulator:
        answers = [
            await ask_2026(simulator, "Tides", system_hints=[hint], history_and_training_disabled=temporary)
            for temporary in (True, False, False)
        ]
    words = ["not available" in str(list(answer.shown.values())[-1]) for answer in answers]
    assert words == [True, False, True]
