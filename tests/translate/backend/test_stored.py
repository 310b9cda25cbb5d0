"""What the backend keeps of a conversation, read as the rest of a stream that broke off."""

import json
import tracemalloc

import pytest

from tests.translate.deltas import as_deltas
from tests.translate.reading import QUESTION, answer
from tests.translate.tool_turns import drawn
from tests.translate.wire import DONE, Json, echo, finished, growing, hidden_system, message, sse
from translate.backend.stored import StoredTurn


def stored(*envelopes: Json, **fields: object) -> bytes:
    """The conversation that holds these messages, each the child of the one before, and has these fields."""
    mapping: Json = {"root": {"id": "root", "message": None, "parent": None}}
    parent = "root"
    for envelope in envelopes:
        inner = envelope["message"]
        assert isinstance(inner, dict)
        mapping[inner["id"]] = {"id": inner["id"], "message": inner, "parent": parent}
        parent = inner["id"]
    told = {"conversation_id": "c1", "current_node": parent, "mapping": mapping}
    return json.dumps(told | fields).encode()


NEW = "new"


def test_stored_conversation_says_what_the_stream_would_have_said() -> None:
    turn = StoredTurn(NEW)
    first = turn.feed(stored(hidden_system(), echo("Hello", "u1"), *growing("Half")))
    assert not turn.finished
    assert turn.feed(stored(hidden_system(), echo("Hello", "u1"), *growing("Half"))) == b""
    second = turn.feed(stored(hidden_system(), echo("Hello", "u1"), finished("Half and more.")))
    assert turn.finished
    assert turn.settled
    assert second.count(b"data: ") == 1
    assert answer(first + second + DONE, sent=QUESTION).text == "Half and more."


@pytest.mark.parametrize("at", [0, 1, 30, 700, 1200, 1900])
@pytest.mark.parametrize("dialect", ["snapshots", "deltas"])
def test_it_continues_any_stream_that_broke_off_anywhere(dialect: str, at: int) -> None:
    records = [hidden_system(), echo("Hello", "u1"), *growing("", "One", "One two", "One two three")]
    stream = sse(*records, done=False) if dialect == "snapshots" else as_deltas(records, done=False)
    kept = stored(hidden_system(), echo("Hello", "u1"), finished("One two three four."))
    seen = answer(stream[:at] + StoredTurn(NEW).feed(kept) + DONE)
    assert (seen.text, seen.error) == ("One two three four.", None)


def test_conversation_that_stays_as_it_is_is_read_once() -> None:
    text = "word " * 100_000
    turn, kept = StoredTurn(NEW), stored(finished(text))
    assert turn.feed(kept)
    tracemalloc.start()
    try:
        assert turn.feed(kept) == b""
        assert tracemalloc.get_traced_memory()[1] < len(text) / 10
    finally:
        tracemalloc.stop()
    assert (turn.answered, turn.finished, turn.settled) == (True, True, True)


def test_what_is_no_conversation_is_refused_at_each_look() -> None:
    turn = StoredTurn(NEW)
    for _ in range(2):
        with pytest.raises(ValueError, match="not a conversation"):
            turn.feed(b"[]")


def test_records_that_were_given_are_not_kept() -> None:
    text = "word " * 100_000
    turn, kept = StoredTurn(NEW), stored(finished(text))
    tracemalloc.start()
    try:
        turn.feed(kept)
        assert tracemalloc.get_traced_memory()[0] < len(text) / 10
    finally:
        tracemalloc.stop()


def test_only_what_follows_the_message_that_was_answered_is_the_turn() -> None:
    kept = stored(echo("Hello", "u1"), finished("First.", "a1"), finished("Second.", "a2"))
    out = StoredTurn("a1").feed(kept)
    assert answer(out + DONE).text == "Second."


def test_calls_and_tools_do_not_finish_a_turn_but_a_question_of_a_tool_does() -> None:
    call = message("", "c1", recipient="python", status="finished_successfully")
    asks = message(
        "", "t1", role="tool", status="finished_successfully", metadata={"jit_plugin_data": {"a": 1}}
    )
    picture = message("", "t1", role="tool", status="finished_successfully")
    for last, expected in ((call, (False, False)), (asks, (True, True)), (picture, (True, False))):
        turn = StoredTurn(NEW)
        turn.feed(stored(hidden_system(), last))
        assert (turn.finished, turn.settled) == expected


def test_system_message_alone_finishes_nothing() -> None:
    turn = StoredTurn(NEW)
    turn.feed(stored(hidden_system()))
    assert not turn.finished


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"mapping": []}'])
def test_what_is_no_conversation_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a conversation"):
        StoredTurn(NEW).feed(body)


def test_messages_of_other_turns_are_told_apart() -> None:
    before = [echo("Draw a fox", "u0"), finished("A fox.", "a0")]
    turn = StoredTurn("a0")
    turn.feed(stored(*before))
    assert turn.earlier == {"u0", "a0"}, "the question is not there yet"
    kept = json.loads(stored(*before, echo("Make it blue", "u1"), finished("Blue.", "a1")))
    kept["mapping"]["u2"] = {"id": "u2", "message": echo("Make it red", "u2")["message"], "parent": "a0"}
    kept["mapping"]["a2"] = {"id": "a2", "message": finished("Red.", "a2")["message"], "parent": "u2"}
    kept["mapping"]["loop"] = {"id": "loop", "message": echo("?", "loop")["message"], "parent": "loop"}
    turn.feed(json.dumps(kept).encode())
    assert turn.earlier == {"u0", "a0", "u2", "a2", "loop"}
    later = stored(*before, echo("Make it blue", "u1"), finished("Blue.", "a1"), finished("More.", "a3"))
    turn.feed(later)
    assert "a3" not in turn.earlier


def test_new_conversation_has_no_other_turns() -> None:
    turn = StoredTurn(NEW)
    turn.feed(stored(hidden_system(), echo("Hello", "u1"), finished("Hi.")))
    assert turn.earlier == frozenset()


def test_circle_in_the_tree_ends() -> None:
    node = {"id": "a", "parent": "a", "message": growing("x", id="a")[0]["message"]}
    body = json.dumps({"mapping": {"a": node}, "current_node": "a"}).encode()
    assert StoredTurn(NEW).feed(body)


def test_messages_of_one_id_are_not_told_again_while_they_stay_as_they_are() -> None:
    mapping: Json = {
        "a": {"message": finished("One")["message"], "parent": NEW},
        "b": {"message": finished("Two")["message"], "parent": "a"},
    }
    body = json.dumps({"conversation_id": "c1", "current_node": "b", "mapping": mapping}).encode()
    turn = StoredTurn(NEW)
    assert turn.feed(body).count(b'data: {"message"') == 2
    assert turn.feed(body) == b""


@pytest.mark.parametrize(
    ("status", "settled"),
    [(None, True), (4, True), (3, False), (7, False), ("REALTIME_BUSY", False), ("unread", True), (1, True)],
)
def test_turn_is_settled_when_the_backend_is_no_more_at_work(status: object, settled: bool) -> None:
    turn = StoredTurn(NEW)
    turn.feed(stored(finished("Short.", "a1"), async_status=status))
    assert (turn.finished, turn.ended, turn.settled) == (True, True, settled)


def test_picture_of_today_ends_a_turn_once_it_is_no_preview_whatever_its_end_of_turn() -> None:
    picture = drawn("file-1")["message"]
    assert isinstance(picture, dict)
    sharp: Json = {"message": picture}
    blurred: Json = {"message": {**picture, "metadata": {"ghostrider": {"status": "intermediate"}}}}
    failed = message("No.", "t1", role="tool", content={"content_type": "system_error", "text": "No."})
    failed["message"]["status"] = "finished_successfully"  # type: ignore[index]
    for last, status, expected in (
        (sharp, None, (True, True, True)),
        (sharp, 4, (True, True, True)),
        (sharp, 7, (True, True, False)),
        (blurred, 4, (False, False, False)),
        (failed, None, (True, True, True)),
    ):
        turn = StoredTurn(NEW)
        turn.feed(stored(last, async_status=status))
        assert (turn.drawn, turn.ended, turn.settled) == expected


def test_picture_of_a_tool_is_a_last_word_and_its_announcement_is_none() -> None:
    for card, settled in (({"ui_card": True}, False), ({}, True)):
        last = message(
            "", "t1", role="tool", status="finished_successfully", end_turn=True, metadata={**card}
        )
        turn = StoredTurn(NEW)
        turn.feed(stored(last, async_status=None))
        assert turn.settled is settled
        turn.feed(stored(last))
        assert not turn.settled, "conversations of before have no such last word"
