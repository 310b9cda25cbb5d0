"""Delta v1 records: sticky fields, patches, typed records, ends."""

import json
from typing import Any

from tests.simulator.client import Answer, ask, running


def deltas(answer: Answer) -> list[dict[str, Any]]:
    return [json.loads(data) for name, data in answer.events if name == "delta"]


def typed(answer: Answer) -> list[str]:
    return [record["type"] for record in answer.records if "type" in record]


async def test_the_first_record_names_the_encoding() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim dialect=delta age=2024]]")
    name, data = answer.events[0]
    assert (name, data.strip()) == ("delta_encoding", '"v1"')


async def test_messages_begin_with_an_add_at_the_root_on_a_channel_of_their_own() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim dialect=delta age=2024]]")
    first, second, third = deltas(answer)[:3]
    assert (first["p"], first["o"], first["c"]) == ("", "add", 0)
    assert set(first["v"]) == {"message", "conversation_id", "error", "error_code"}
    # The next ones say only what differs: p and o are as before.
    assert (set(second), second["c"]) == ({"v", "c"}, 1)
    assert (set(third), third["c"]) == ({"v", "c"}, 2)


async def test_text_grows_by_appends_that_leave_out_what_is_as_before() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "say exactly: one two three [[sim dialect=delta age=2024 title=0]]")
    appends = deltas(answer)[3:6]
    assert appends == [
        {"p": "/message/content/parts/0", "o": "append", "v": "one"},
        {"v": " two"},
        {"v": " three"},
    ]


async def test_a_message_after_text_is_written_in_full_again() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim dialect=delta age=2024 kind=advert]] Tea")
    adds = [record for record in deltas(answer) if "message" in record["v"]]
    assert set(adds[-1]) == {"p", "o", "v", "c"}


async def test_code_streams_at_its_text() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim dialect=delta age=2024 kind=code]] 6*7")
    assert any(record.get("p") == "/message/content/text" for record in deltas(answer))


async def test_a_turn_of_2024_ends_with_a_patch_and_an_append_to_metadata() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim dialect=delta age=2024 empty]]")
    patch, added = deltas(answer)[-2:]
    assert (patch["p"], patch["o"]) == ("", "patch")
    assert patch["v"] == [
        {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
        {"p": "/message/end_turn", "o": "replace", "v": True},
    ]
    assert (added["p"], added["o"], added["v"]["is_complete"]) == ("/message/metadata", "append", True)
    assert [data.strip() for _, data in answer.events[-2:]] == ["", "[DONE]"]
    assert all(len(data) % 8 == 0 for _, data in answer.events)


async def test_the_last_piece_of_2025_is_inside_the_closing_patch() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "say exactly: one two [[sim age=2025]]")
    patch = deltas(answer)[-1]
    assert [change["o"] for change in patch["v"]] == ["append", "replace", "replace", "append"]
    assert patch["v"][0] == {"p": "/message/content/parts/0", "o": "append", "v": " two"}


async def test_a_second_patch_may_leave_out_path_and_operation() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "[[sim dialect=delta age=2025 kind=rounds]] Tea")
    lists = [record for record in deltas(answer) if isinstance(record["v"], list)]
    assert any("p" not in record and record.get("o") == "patch" for record in lists)
    assert any(set(record) == {"v"} for record in lists)


async def test_typed_records_come_between_deltas_and_after_the_end() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim age=2025]]")
    kinds = typed(answer)
    assert kinds.count("title_generation") == 2
    assert kinds[0] == "resume_conversation_token"
    for kind in ("input_message", "message_marker", "server_ste_metadata", "conversation_detail_metadata"):
        assert kind in kinds
    assert kinds.index("message_stream_complete") < len(kinds) - 1
    names = [name for name, _ in answer.events]
    title = next(index for index, (_, data) in enumerate(answer.events) if "title_generation" in data)
    assert names[title - 1] == names[title + 1] == "delta"
    assert set(json.loads(answer.events[title + 1][1])) == {"v"}, "the deltas go on as if nothing had been"


async def test_the_users_message_of_2025_is_echoed_as_input_message() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim age=2025]]")
    (echo,) = [record for record in answer.records if record.get("type") == "input_message"]
    assert echo["input_message"]["author"]["role"] == "user"
    assert not any(shown["author"]["role"] == "user" for shown in answer.shown.values())


async def test_astral_characters_can_be_split_into_lone_surrogates() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "say exactly: hot🔥 [[sim dialect=delta age=2024 surrogates]]")
    pieces = [record["v"] for record in deltas(answer) if isinstance(record["v"], str)]
    assert "\ud83d" in pieces
    at = pieces.index("\ud83d")
    assert pieces[at + 1].startswith("\udd25")
    text = list(answer.shown.values())[-1]["content"]["parts"][0]
    assert text.encode("utf-16", "surrogatepass").decode("utf-16") == "hot🔥"


async def test_emptied_text_is_truncated() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim dialect=delta age=2024 moderation=blanked]]")
    assert list(answer.shown.values())[-1]["content"]["parts"] == [""]
    patches = [change for record in deltas(answer) if isinstance(record["v"], list) for change in record["v"]]
    assert {"p": "/message/content/parts/0", "o": "truncate", "v": 0} in patches


async def test_variants_grow_on_two_channels_in_turn() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim dialect=delta age=2024 kind=variants]]")
    channels = [record["c"] for record in deltas(answer) if isinstance(record["v"], str) and "c" in record]
    assert len(channels) > 10
    assert set(channels) == {2, 3}


async def test_broken_delta_stream_has_neither_completion_nor_done() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim age=2025 fault=end_mid]]")
    assert "message_stream_complete" not in typed(answer)
    assert not answer.done
    assert answer.ending == "end"
