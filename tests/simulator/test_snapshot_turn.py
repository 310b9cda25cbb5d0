"""The snapshot dialect of December 2023: envelope and order of a turn."""

import uuid
from itertools import pairwise

import pytest

from tests.simulator.client import ask, message, running


async def test_envelope_has_message_conversation_id_and_error() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello")
    first = answer.records[0]
    assert list(first) == ["message", "conversation_id", "error"]
    assert first["error"] is None
    assert list(first["message"]) == [
        "id",
        "author",
        "create_time",
        "update_time",
        "content",
        "status",
        "end_turn",
        "weight",
        "metadata",
        "recipient",
    ]
    assert len({record["conversation_id"] for record in answer.records if "conversation_id" in record}) == 1


async def test_turn_begins_with_the_hidden_system_message_which_has_end_turn_true() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello")
    system = answer.messages[0]
    assert system["author"]["role"] == "system"
    assert system["content"] == {"content_type": "text", "parts": [""]}
    assert (system["status"], system["end_turn"], system["weight"]) == ("finished_successfully", True, 0.0)


async def test_sent_messages_are_echoed_in_order_with_the_ids_sent_and_finished_at_once() -> None:
    sent = [
        message("You are a parrot.", role="system"),
        message("First question"),
        message("First answer", role="assistant"),
        message("Second question"),
    ]
    async with running() as simulator:
        answer = await ask(simulator, *sent)
    echoes = answer.messages[1:5]
    assert [echo["id"] for echo in echoes] == [each["id"] for each in sent]
    assert [echo["author"]["role"] for echo in echoes] == ["system", "user", "assistant", "user"]
    assert [echo["content"] for echo in echoes] == [each["content"] for each in sent]
    assert {echo["status"] for echo in echoes} == {"finished_successfully"}


async def test_echo_keeps_the_marker_and_the_answer_does_not_see_it() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "say exactly: parrot [[sim step=2]]")
    assert answer.messages[1]["content"]["parts"] == ["say exactly: parrot [[sim step=2]]"]
    assert answer.text == "parrot"


async def test_assistant_message_starts_empty_and_each_snapshot_is_the_whole_text_so_far() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea")
    snapshots = [shown for shown in answer.messages if shown["author"]["role"] == "assistant"]
    texts = [shown["content"]["parts"][0] for shown in snapshots]
    assert texts[0] == ""
    assert len(texts) > 20
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    assert {shown["status"] for shown in snapshots[:-1]} == {"in_progress"}
    assert {shown["end_turn"] for shown in snapshots[:-1]} == {None}
    assert len({shown["id"] for shown in snapshots}) == 1


async def test_the_finished_snapshot_repeats_the_text_and_ends_the_turn() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello", model="gpt-4")
    before, last = answer.messages[-2:]
    assert last["content"] == before["content"]
    assert (last["status"], last["end_turn"]) == ("finished_successfully", True)
    assert last["metadata"]["finish_details"] == {"type": "stop", "stop_tokens": [100260]}
    assert last["metadata"]["is_complete"] is True
    assert last["metadata"]["message_type"] == "next"
    assert last["metadata"]["model_slug"] == "gpt-4"
    assert last["metadata"]["parent_id"] == answer.messages[1]["id"]


async def test_the_finished_snapshot_may_be_missing() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim finished=0]]")
    assert answer.messages[-1]["status"] == "in_progress"
    assert answer.messages[-1]["content"]["parts"][0]
    assert answer.done


@pytest.mark.parametrize("how", ["max_tokens", "interrupted"])
async def test_finish_details_name_another_end(how: str) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Tell me about tea [[sim finish={how}]]")
    assert answer.messages[-1]["metadata"]["finish_details"] == {"type": how}
    assert answer.messages[-1]["status"] == "finished_partial_completion"


async def test_moderation_of_2023_has_no_type_and_names_the_message() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello")
    (record,) = [each for each in answer.records if "moderation_response" in each]
    assert "type" not in record
    assert record["is_completion"] is True
    assert record["message_id"] == answer.messages[-1]["id"]
    assert record["moderation_response"]["blocked"] is False
    assert record["moderation_response"]["moderation_id"].startswith("modr-")


async def test_blocked_moderation_comes_within_the_answer() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim moderation=blocked]]")
    (at,) = [index for index, each in enumerate(answer.records) if "moderation_response" in each]
    assert answer.records[at]["moderation_response"]["blocked"] is True
    assert "message" in answer.records[at + 1]


async def test_moderation_can_empty_the_text() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Tell me about tea [[sim moderation=blanked]]")
    assert answer.text == ""
    assert max(len(shown["content"]["parts"][0]) for shown in answer.messages) > 50


async def test_title_comes_once_per_conversation_amid_the_text() -> None:
    async with running() as simulator:
        first = await ask(simulator, "Tell me about tea")
        conversation_id = first.records[0]["conversation_id"]
        second = await ask(
            simulator,
            "And coffee?",
            conversation_id=conversation_id,
            parent_message_id=first.messages[-1]["id"],
        )
        untitled = await ask(simulator, "Tell me about tea [[sim title=0]]")
    (at,) = [index for index, each in enumerate(first.records) if each.get("type") == "title_generation"]
    assert first.records[at] == {
        "type": "title_generation",
        "title": "Tea",
        "conversation_id": conversation_id,
    }
    assert "message" in first.records[at - 1]
    assert "message" in first.records[at + 1]
    assert not any(each.get("type") == "title_generation" for each in second.records + untitled.records)


async def test_step_sets_what_each_snapshot_adds() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "say exactly: 0123456789 [[sim unit=char step=4 title=0]]")
    texts = [shown["content"]["parts"][0] for shown in answer.messages[2:]]
    assert texts == ["", "0123", "01234567", "0123456789", "0123456789"]


async def test_a_cut_character_can_show_as_u_fffd_until_the_next_snapshot() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "say exactly: hot🔥 stuff [[sim fffd]]")
    texts = [shown["content"]["parts"][0] for shown in answer.messages]
    assert "hot\ufffd" in texts
    assert texts[texts.index("hot\ufffd") + 1] == "hot🔥"
    assert answer.text == "hot🔥 stuff"


async def test_a_conversation_goes_on_under_its_id() -> None:
    async with running() as simulator:
        first = await ask(simulator, "My cat is called Miau")
        conversation_id = first.records[0]["conversation_id"]
        fields = {"conversation_id": conversation_id, "parent_message_id": first.messages[-1]["id"]}
        second = await ask(simulator, "What did I just say?", **fields)
    assert {record["conversation_id"] for record in second.records} == {conversation_id}
    assert "My cat is called Miau" in second.text


async def test_message_ids_of_answers_are_fresh_uuids() -> None:
    async with running() as simulator:
        one, two = await ask(simulator, "Hello"), await ask(simulator, "Hello")
    assert not set(one.final()) & set(two.final())
    for message_id in one.final():
        uuid.UUID(message_id)


async def test_continue_carries_only_the_new_text() -> None:
    whole = "one two three four five six seven eight"
    async with running() as simulator:
        cut = await ask(simulator, f"say exactly: {whole} [[sim finish=max_tokens]]")
        conversation_id, parent_id = cut.records[0]["conversation_id"], cut.messages[-1]["id"]
        rest = await ask(
            simulator, action="continue", conversation_id=conversation_id, parent_message_id=parent_id
        )
    assert cut.text == "one two three four"
    assert rest.text == " five six seven eight"
    assert rest.messages[-1]["end_turn"] is True
    assert rest.messages[-1]["metadata"]["message_type"] == "continue"
    assert {shown["author"]["role"] for shown in rest.messages} == {"system", "assistant"}
