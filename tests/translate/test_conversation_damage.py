"""Damaged records: what may have touched a visible text is repaired or fails the turn, others are counted."""

import json
from collections.abc import Callable

import pytest

from tests.translate.deltas import ENCODING, TEXT, append, begun, delta, v1
from tests.translate.reading import QUESTION, Answer, answer
from tests.translate.wire import (
    DONE,
    MODERATION,
    PING,
    TITLE,
    Json,
    echo,
    finished,
    growing,
    hidden_system,
    json_bytes,
    message,
    search_call,
    sse,
    tool_text,
)
from translate.backend.damage import MAX_LOST
from translate.backend.delta import MAX_CHANNELS
from translate.backend.interpreter import MAX_MESSAGES
from translate.backend.stored import StoredTurn


def assert_failed(stream: bytes, text: str) -> None:
    """The turn fails behind `text`, on both paths and however the stream is cut."""
    for seen in (
        answer(stream),
        answer(stream, fast=False),
        answer(stream, sizes=[1]),
        answer(stream, sizes=[7]),
    ):
        assert (seen.text, seen.finish_reason, seen.done) == (text, None, False)
        assert seen.failure.status == 502
        assert seen.failure.code == "upstream_error"
        assert seen.failure.should_retry is False


def assert_whole(stream: bytes, text: str) -> Answer:
    """The turn ends well, with this text, on both paths and however the stream is cut."""
    for sizes in ([], [1], [7]):
        for fast in (True, False):
            seen = answer(stream, fast=fast, sizes=sizes)
            assert (seen.text, seen.finish_reason, seen.error) == (text, "stop", None)
    return seen


Damage = Callable[[bytes], bytes]
DAMAGED: dict[str, Damage] = {
    "JSON that breaks off": lambda record: record[: len(record) * 2 // 3] + b"\n\n",
    "JSON with something behind it": lambda record: record.replace(b"}\n\n", b"}}\n\n"),
    "bad UTF-8": lambda record: record.replace(b" w", b" \xff"),
    "a control character": lambda record: record.replace(b" w", b" \x01"),
    "a tab": lambda record: record.replace(b" w", b"\t"),
    "half an escape": lambda record: record.replace(b" w", b"\\u00"),
    "a field without its name": lambda record: record.replace(b"data:", b"dat\x81:"),
    "a line end in the text": lambda record: record.replace(b" w", b"\n"),
    "two records in one": lambda record: record[:-1] + record[:-1] + record[-2:],
    "no object": lambda record: b'data: ["a", 1]\n\n',
    "a string": lambda record: b'data: " world"\n\n',
    "keys that nobody knows": lambda record: b'data: {"w": " world"}\n\n',
}

# Delta v1.


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_delta_that_cannot_be_read_fails_the_turn(damage: Damage) -> None:
    begin: tuple[Json, ...] = (begun(), append("Hello"), {"v": ","})
    assert_whole(v1(*begin, delta({"v": " world"}), {"v": "."}), "Hello, world.")
    assert_failed(v1(*begin, damage(delta({"v": " world"})), {"v": "."}, {"v": " More"}), "Hello,")
    assert_failed(v1(*begin, damage(delta({"v": " world"}))), "Hello,")
    assert_failed(v1(*begin, damage(delta(append(" world"))), {"v": "."}), "Hello,")


MISFITS: dict[str, Json] = {
    "append to nowhere": {"p": "/message/content/nothing/0", "o": "append", "v": "x"},
    "index out of range": {"p": "/message/content/parts/7", "o": "append", "v": "x"},
    "no pointer": {"p": "message", "o": "replace", "v": "x"},
    "no path": {"p": 5, "v": "x"},
    "no operation": {"o": ["append"], "v": "x"},
    "no channel": {"c": "x", "v": "x"},
    "a channel without a message": {"p": TEXT, "o": "append", "c": 3, "v": "x"},
    "unknown operation": {"p": TEXT, "o": "explode", "v": "x"},
    "append of another type": {"p": TEXT, "o": "append", "v": {"a": 1}},
    "nothing to append": {"p": TEXT, "o": "append"},
    "a text in the place of a root": {"p": "", "o": "add", "v": "x"},
    "no message": {"p": "", "o": "add", "v": {"massage": message("x")["message"]}},
    "a text in the place of a message": {"p": "/message", "o": "replace", "v": "x"},
    "a text in the place of a content": {"p": "/message/content", "o": "replace", "v": "x"},
    "a text in the place of parts": {"p": "/message/content/parts", "o": "replace", "v": "x"},
    "a part that is no text": {"p": TEXT, "o": "replace", "v": 5},
    "patch that is no list": {"p": "", "o": "patch", "v": "x"},
    "patch with gaps": {"p": "", "o": "patch", "v": [{"v": "x"}]},
    "patch that fits in part": {"p": "", "o": "patch", "v": [append("!"), {"p": "/x/y", "o": "add", "v": 1}]},
    "too deep": {"p": "/a" * 100, "o": "add", "v": 1},
    "removal of nothing": {"p": "/message/nothing", "o": "remove"},
    "removal of an id": {"p": "/message/id", "o": "remove"},
    "an author that is none": {"p": "/message/author", "o": "replace", "v": []},
}


@pytest.mark.parametrize("record", MISFITS.values(), ids=MISFITS)
def test_delta_that_does_not_fit_fails_the_turn(record: Json) -> None:
    assert_failed(v1(begun(), append("Hello"), {"v": ","}, record, append(" world")), "Hello,")


def test_change_of_a_message_whose_tree_has_gone_fails_the_turn() -> None:
    records = [begun("x", f"a{number}", channel=number) for number in range(MAX_CHANNELS + 1)]
    assert_whole(v1(*records, append("y") | {"c": 1}), "x\n\n" * MAX_CHANNELS + "x\n\ny")
    assert_failed(v1(*records, append("y") | {"c": 0}), "x\n\n" * MAX_CHANNELS + "x")


TEXTLESS: dict[str, Json] = {
    "a citation behind the end": {"p": "/message/metadata/citations/9", "o": "add", "v": {}},
    "metadata of another type": {"p": "/message/metadata", "o": "append", "v": "x"},
    "a status that explodes": {"p": "/message/status", "o": "explode", "v": "x"},
    "a patch of metadata": {"p": "/message/metadata", "o": "patch", "v": "x"},
}


@pytest.mark.parametrize("record", TEXTLESS.values(), ids=TEXTLESS)
def test_change_that_does_not_fit_where_no_text_stands_is_counted(record: Json) -> None:
    seen = assert_whole(
        v1(begun(), append("Hello"), {"v": ","}, record, append(" world"), {"v": "."}), "Hello, world."
    )
    assert seen.conversation.facts.unknown == {"delta": 1}


def test_metadata_of_no_message_is_counted() -> None:
    stray: Json = {"p": "/message/metadata/a", "o": "add", "c": 5, "v": "x"}
    assert_whole(v1(begun(), append("Hello"), stray, append(" world") | {"c": 0}), "Hello world")


def test_text_in_a_patch_is_read_behind_a_change_of_metadata_that_does_not_fit() -> None:
    changes = [{"p": "/message/metadata/x/y", "o": "add", "v": 1}, {"p": TEXT, "o": "append", "v": " world."}]
    assert_whole(v1(begun(), append("Hello"), {"p": "", "o": "patch", "v": changes}), "Hello world.")


def test_change_of_a_hidden_message_that_does_not_fit_is_counted() -> None:
    question = {"p": "", "o": "add", "v": echo("Hello", "u1"), "c": 1}
    misfit = {"p": TEXT, "o": "explode", "v": "x", "c": 1}
    assert_whole(v1(question, misfit, begun("Hi")), "Hi")
    call = {"p": "", "o": "add", "v": search_call(), "c": 1}
    assert_whole(v1(call, misfit, begun("Hi")), "Hi")


def test_deltas_around_a_text_that_grows_are_read_as_on_the_full_path() -> None:
    status: Json = {"p": "/message/status", "o": "replace", "v": "in_progress"}
    pairs = [change for n in range(20) for change in (append(f" {n}"), status)]
    assert_whole(
        v1(begun(), append("Hi"), *pairs, append("!"), {"v": "."}),
        f"Hi{''.join(f' {n}' for n in range(20))}!.",
    )


def test_whole_message_repairs_a_delta_that_was_lost() -> None:
    lost = DAMAGED["bad UTF-8"](delta({"v": " world"}))
    whole = begun("Hello, world")
    assert_whole(v1(begun(), append("Hello,"), lost, whole, append("!")), "Hello, world!")
    assert_whole(
        v1(begun(), append("Hello,"), lost, b"data: " + json_bytes(finished("Hello, world!")) + b"\n\n"),
        "Hello, world!",
    )
    assert_whole(v1(begun(), append("Hello,"), lost, {"v": whole["v"], "c": 0}, append("!")), "Hello, world!")
    assert_failed(v1(begun(), append("Hello,"), lost, {"v": whole["v"]}), "Hello,")
    assert_failed(v1(begun(), append("Hello,"), lost, begun("Another", "a2", 1)), "Hello,\n\nAnother")


MARKER: Json = {"type": "message_marker", "marker": "user_visible_token", "event": "first"}
BEFORE: dict[str, bytes] = {
    "a typed record": b"data: " + json_bytes(MARKER) + b"\n\n",
    "a named typed record": delta(MARKER),
    "a title": b"data: " + json_bytes(TITLE) + b"\n\n",
    "a hidden message": delta({"p": "", "o": "add", "v": echo("Hello", "u1"), "c": 1}),
    "a ping": PING,
    "a comment": b": keep-alive\n\n",
    "a time to try again": b"retry: 3000\n\n",
    "nothing": b"",
}


@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("bad", [b'"', b"\xff", b"\x01", b'x"', b'"}\n'])
def test_damage_that_runs_over_the_end_of_a_record_into_deltas_never_ends_well(
    before: bytes, bad: bytes
) -> None:
    """However the record begins that is damaged, and wherever in it and behind it that begins and ends."""
    words: list[Json] = [append(" big") | {"c": 0}, {"v": " wide"}, {"v": " old"}, {"v": " world"}]
    head = v1(begun(), append("Hello"))[: -len(DONE)]
    ours = before + b"".join(map(delta, words[:3]))
    clean = answer(head + ours + delta(words[3]) + DONE)
    assert (clean.text, clean.finish_reason) == ("Hello big wide old world", "stop")
    first, last = delta(words[0]), delta(words[1])
    start, end = max(1, len(before) - 40), len(before) + len(first) + 5
    for at in range(start, len(before) + len(first) - 1, 3):
        for to in (end, end + len(last) // 2, end + len(last)):
            stream = head + ours[:at] + (bad * (to - at))[: to - at] + ours[to:] + delta(words[3]) + DONE
            seen = answer(stream)
            # What is written over a text, inside of it, is a text.
            assert seen.finish_reason is None or len(seen.text) >= len(clean.text), ours[:at]


@pytest.mark.parametrize("kind", ["title_generation", "message_marker"])
def test_type_of_a_record_that_cannot_be_read_proves_nothing(kind: str) -> None:
    lost = b'data: {"type": "' + kind.encode() + b'", "title": "\xff"}\n\n'
    assert_failed(v1(begun(), append("Hello"), lost, {"v": " world"}), "Hello")
    assert_whole(v1(begun(), append("Hello"), lost, begun("Hello world")), "Hello world")
    assert_whole(sse(*growing("Hello"), lost, *growing("Hello world")), "Hello world")


def test_line_break_that_is_lost_behind_the_name_of_an_event_loses_its_text() -> None:
    lost = delta({"v": ","}).replace(b"\ndata", b"?data")
    assert_failed(v1(begun(), append("Hello"), lost, {"v": " world"}), "Hello")
    assert_failed(v1(begun(), append("Hello"), b"event: delta\n\n", {"v": " world"}), "Hello")
    assert_whole(v1(begun(), append("Hello"), b"event: ping\n\n", {"v": " world"}), "Hello world")


def test_ping_that_ran_into_a_record_loses_it() -> None:
    lost = PING[:-2] + b"?" + delta({"v": ","})
    assert_failed(v1(begun(), append("Hello"), lost, {"v": " world"}), "Hello")


def test_echo_that_was_lost_is_nothing_of_the_answer_but_what_it_set_is_not_inherited() -> None:
    lost = delta({"v": echo("\x00", "u1"), "c": 1}).replace(b"\\u0000", b"\xff")
    behind = {"p": "", "o": "add", "v": message("Hi", parent="u1"), "c": 0}
    system = {"p": "", "o": "add", "v": hidden_system(), "c": 0}
    assert_whole(v1(system, lost, behind, append("!")), "Hi!")
    assert_failed(v1(system, lost, begun("Hi"), append("!")), "Hi")
    assert_failed(v1(begun("Hi"), append("!"), lost, {"v": "?"}), "Hi!")


def test_nothing_is_lost_behind_the_end_of_the_answer() -> None:
    ended: Json = {
        "p": "",
        "o": "patch",
        "v": [
            {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
            {"p": "/message/end_turn", "o": "replace", "v": True},
        ],
    }
    complete = b'data: {"type": "message_stream_complete"}\n\n'
    for over in (ended, complete):
        for lost in (b"data: {\xff\n\n", MISFITS["unknown operation"]):
            assert_whole(v1(begun(), append("Hi"), over, lost), "Hi")


def test_records_of_a_dialect_that_was_not_announced_fail_the_turn() -> None:
    assert_failed(sse(*growing("", "Hi"), {"v": " world"}), "Hi")


# Snapshots.


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_snapshot_that_was_lost_is_repaired_by_the_next_of_its_message_or_fails_the_turn(
    damage: Damage,
) -> None:
    lost = damage(sse(message("Hello, world"), done=False))
    head = sse(hidden_system(), echo("Hello", "u1"), *growing("", "Hello"), done=False)
    repaired = assert_whole(
        head + lost + sse(*growing("Hello, world."), finished("Hello, world.")), "Hello, world."
    )
    assert sum(repaired.conversation.facts.unknown.values()) >= 1
    assert_whole(head + lost + sse(finished("Hello")), "Hello")
    assert_failed(head + lost + DONE, "Hello")
    assert_failed(head + lost + sse(finished("Another.", "a2")), "Hello\n\nAnother.")
    assert_failed(head + lost + sse(MODERATION, TITLE, {}), "Hello")
    assert_whole(head + sse(finished("Hello"), done=False) + lost + DONE, "Hello")


ASSISTANT: Json = {"role": "assistant"}
HI: Json = {"content_type": "text", "parts": ["x"]}
WRECKS: dict[str, Json] = {
    "no id": {"author": ASSISTANT, "content": HI},
    "no author": {"id": "a1", "content": HI},
    "an unknown author": {"id": "a1", "author": {"role": "assXstant"}, "content": HI},
    "no content": {"id": "a1", "author": ASSISTANT},
    "no type": {"id": "a1", "author": ASSISTANT, "content": {"parts": ["x"]}},
    "no parts": {"id": "a1", "author": ASSISTANT, "content": {"content_type": "text"}},
    "parts of nothing": {"id": "a1", "author": ASSISTANT, "content": HI | {"parts": [None]}},
    "no thoughts": {
        "id": "a1",
        "author": ASSISTANT,
        "content": {"content_type": "thoughts", "thoughts": ["x"]},
    },
    "no recipient": {"id": "a1", "author": ASSISTANT, "recipient": 5, "content": HI},
}


@pytest.mark.parametrize("wreck", WRECKS.values(), ids=WRECKS)
@pytest.mark.parametrize("first", [True, False])
def test_snapshot_of_a_wrong_shape_shows_nothing_and_is_repaired_or_fails_the_turn(
    wreck: Json, first: bool
) -> None:
    before = [] if first else growing("Hi")
    record = {"message": wreck, "conversation_id": "c1"}
    head = sse(echo("Hello", "u1"), *before, record, done=False)
    assert_whole(head + sse(message("Hi you", parent="u1"), finished("Hi you.", "a1")), "Hi you.")
    assert_failed(head + DONE, "" if first else "Hi")


@pytest.mark.parametrize("value", [5, "x", []])
def test_message_that_is_no_object_is_lost_and_one_that_is_null_is_none(value: object) -> None:
    assert_failed(sse(*growing("Hi"), {"message": value}), "Hi")
    assert_whole(sse(*growing("Hi"), {"message": value}, *growing("Hi you")), "Hi you")
    assert_whole(sse(*growing("Hi"), {"message": None, "error": None}), "Hi")


def test_record_that_tells_its_message_is_repaired_by_that_one_only() -> None:
    lost = sse(message("\x00", "a2"), done=False).replace(b"\\u0000", b"\xff")
    head = sse(finished("One.", "a1", end_turn=False), done=False) + lost
    assert_whole(head + sse(finished("Two.", "a2")), "One.\n\nTwo.")
    assert_failed(head + sse(finished("Three.", "a3")), "One.\n\nThree.")
    assert_failed(head + sse(finished("One.", "a1", end_turn=False)), "One.")


def test_record_of_a_hidden_message_that_was_lost_is_repaired_by_that_one_or_the_one_behind_it() -> None:
    for hidden, id in ((echo("Hello", "u1"), "u1"), (tool_text("\x00", "t1"), "t1")):
        head = sse(hidden, done=False)
        lost = head.replace(b'"role"', b'"ro\xff"')
        assert_whole(head + lost + sse(message("Hi", parent=id)), "Hi")
        assert_whole(head + lost + head + sse(message("Hi", parent="u2")), "Hi")
        assert_failed(head + lost + sse(message("Hi", parent="u2")), "Hi")
        assert_whole(head + sse(finished("Hi"), done=False) + lost + DONE, "Hi")


def test_record_of_a_hidden_message_that_is_of_a_wrong_shape_is_counted() -> None:
    wreck: Json = {"message": {"id": "t1", "author": {"role": "assXstant"}, "content": HI}}
    seen = assert_whole(sse(tool_text("x", "t1"), *growing("Hi"), wreck), "Hi")
    assert seen.conversation.facts.unknown == {"message": 1}


def test_message_behind_the_one_that_was_last_shows_that_none_is_missing_between() -> None:
    lost, step = b"data: {\xff\n\n", finished("One.", "a1", end_turn=False)
    assert_whole(sse(step, lost, message("Two", "a2", parent="a1")), "One.\n\nTwo")
    assert_failed(sse(step, lost, message("Three", "a3", parent="a2")), "One.\n\nThree")
    assert_failed(sse(message("One", "a1"), lost, message("Two", "a2", parent="a1")), "One\n\nTwo")
    assert_whole(sse(echo("Hello", "u1"), lost, message("Hi", parent="u1")), "Hi")


def test_what_is_lost_before_an_echo_is_nothing_of_the_answer() -> None:
    assert_whole(sse(b"data: {\xff\n\n", echo("Hello", "u1"), *growing("Hi")), "Hi")


def test_damage_without_end_is_not_remembered_without_end_and_never_forgotten() -> None:
    ids = [f"x{number}" for number in range(MAX_LOST + 1)]
    lost = [sse(message("\x00", id), done=False).replace(b"\\u0000", b"\xff") for id in ids]
    stream = sse(*growing("Hi"), *lost, *(message("", id) for id in ids), *growing("Hi you"))
    assert answer(stream).failure.status == 502
    assert answer(sse(*lost[1:], *(message("", id) for id in ids), *growing("Hi"))).error is None


def test_answer_of_more_messages_than_are_kept_is_not_whole() -> None:
    stream = sse(*(message("x", f"m{number}") for number in range(MAX_MESSAGES + 1)))
    assert answer(stream).failure.status == 502


def test_stop_sequence_behind_damage_does_not_end_well() -> None:
    lost = b"data: {\xff\n\n"
    stream = sse(*growing("Hi"), lost, message("you STOP", "a2"))
    assert answer(stream, stop=["STOP"]).failure.status == 502
    assert answer(sse(*growing("Hi"), lost, *growing("Hi STOP")), stop=["STOP"]).text == "Hi "


# Glued records, and pieces of a WebSocket's stream.


def test_wreck_among_records_on_one_line_is_damage() -> None:
    line = sse(message("Hi"), done=False)[:-2] + b"data: " + json_bytes(message("Hi you"))
    assert_whole(line + b"\n\n" + DONE, "Hi you")
    assert_failed(line[:-1] + b"\n\n" + DONE, "")


def test_ping_that_has_lost_its_name_is_no_damage() -> None:
    assert_whole(v1(begun(), append("Hi"), b"data: 2023-12-15 07:00:15.123456\n\n", {"v": " you"}), "Hi you")


@pytest.mark.parametrize(
    "begin", [b"", ENCODING, sse(hidden_system(), done=False), v1(begun(), append("Hel"))[: -len(DONE)]]
)
@pytest.mark.parametrize(
    "cut", [b"da", b"data: {", b'event: delta\ndata: {"v": "l', b'data: {"message": {"id": "s9']
)
def test_stored_conversation_repairs_what_was_cut_off(begin: bytes, cut: bytes) -> None:
    node = {"a": {"message": finished("Hello")["message"], "parent": "u1"}}
    stored = StoredTurn("u1").feed(
        json.dumps({"mapping": node, "current_node": "a", "conversation_id": "c1"}).encode()
    )
    assert_whole(begin + cut + stored + DONE, "Hello")


def test_sent_messages_that_are_repeated_need_no_repair() -> None:
    lost = sse(echo("\x00", QUESTION[0].id), done=False).replace(b"\\u0000", b"\xff")
    assert_whole(sse(hidden_system(), lost, message("Hi", parent=QUESTION[0].id)), "Hi")


@pytest.mark.parametrize("value", [{"sun": True}, {"text": "words"}, {"type": "new"}])
def test_event_of_an_unknown_name_takes_nothing_from_the_answer(value: Json) -> None:
    other = b"event: weather\ndata: " + json_bytes(value) + b"\n\n"
    for stream in (
        v1(begun(), append("Hello"), other, {"v": " world"}),
        sse(*growing("Hello"), done=False) + other + sse(finished("Hello world")),
    ):
        assert assert_whole(stream, "Hello world").conversation.facts.unknown == {"record": 1}
