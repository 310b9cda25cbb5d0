"""Delta v1: the same turns say the same, however they are written and cut."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.deltas import ENCODING, TEXT, append, as_deltas, begun, delta, v1
from tests.translate.reading import answer, records_read
from tests.translate.stories import SIZES, Story, stories
from tests.translate.streams import assert_always
from tests.translate.wire import DONE, TITLE, Json, echo, finished, growing, hidden_system, message, sse


@given(
    story=stories(),
    sticky=st.booleans(),
    raw=st.booleans(),
    pad=st.sampled_from([1, 8]),
    end=st.sampled_from([b"\n", b"\n", b"\r\n"]),
    sizes=SIZES,
)
def test_any_turn_in_deltas_says_what_it_says_in_snapshots(
    story: Story, sticky: bool, raw: bool, pad: int, end: bytes, sizes: list[int]
) -> None:
    stream = as_deltas(story.records, sticky=sticky, raw=raw, pad=pad).replace(b"\n", end)
    slow = answer(stream, sent=story.sent, fast=False)
    assert slow.error is None
    assert slow.text == story.text
    for seen in (answer(stream, sent=story.sent), answer(stream, sent=story.sent, sizes=sizes)):
        assert seen.error is None
        assert seen.deltas == slow.deltas
        assert seen.conversation.facts.unknown == slow.conversation.facts.unknown


AROUND = 4
"""Records read in full in any of these turns: the encoding, a message, its first append, `[DONE]`."""


@pytest.mark.parametrize("raw", [False, True], ids=["spaced", "compact"])
def test_bare_appends_pass_unread(raw: bool) -> None:
    words: list[Json] = [{"v": f" word{n}"} for n in range(100)]
    records = [delta(record, raw=raw) for record in (begun(), append("Hi"), *words)]
    seen = answer(v1(*records), sizes=[1000])
    assert seen.deltas == ["Hi", *(f" word{n}" for n in range(100))]
    assert records_read(seen) <= 10 + AROUND


def test_typed_records_and_pings_among_appends_do_not_disturb_them() -> None:
    title = b"event: message\ndata: " + json.dumps(TITLE).encode() + b"\n\n"
    bare = b"data: " + json.dumps({"type": "message_marker", "marker": "last_token"}).encode() + b"\n\n"
    ping = b"event: ping\ndata: 1\n\n"
    seen = answer(v1(begun(), append("a"), title, {"v": "b"}, bare, ping, {"v": "c"}, title, {"v": "d"}))
    assert seen.text == "abcd"
    assert records_read(seen) == AROUND + 3


def test_encoding_is_told_by_its_record_and_not_by_the_shape_of_others() -> None:
    assert answer(ENCODING + sse(*growing("", "Hi"), finished("Hi."))).text == "Hi."


def test_message_on_another_channel_is_a_message_of_its_own() -> None:
    stream = v1(
        {"p": "", "o": "add", "v": hidden_system(), "c": 0},
        {"v": echo("Hello", "u1"), "c": 1},
        {"v": message("", "a1"), "c": 2},
        append("One"),
        {"p": "", "o": "add", "v": message("", "a2"), "c": 3},
        append("Two"),
        {"v": " more"},
    )
    assert answer(stream).text == "One\n\nTwo more"


CLOSING: Json = {
    "p": "",
    "o": "patch",
    "v": [
        {"p": TEXT, "o": "append", "v": " you."},
        {"p": "/message/status", "o": "replace", "v": "finished_successfully"},
        {"p": "/message/end_turn", "o": "replace", "v": True},
        {"p": "/message/metadata", "o": "append", "v": {"finish_details": {"type": "max_tokens"}}},
    ],
}


def test_last_piece_may_stand_in_the_closing_patch() -> None:
    seen = answer(v1(begun(), append("Hello"), CLOSING))
    assert (seen.text, seen.finish_reason) == ("Hello you.", "length")


def test_bare_list_after_a_patch_is_another_patch() -> None:
    more: Json = {"v": [{"p": TEXT, "o": "append", "v": " Bye."}]}
    again: Json = {"o": "patch", "v": [{"p": TEXT, "o": "append", "v": "!"}]}
    assert answer(v1(begun("Hi"), CLOSING, more, again)).text == "Hi you. Bye.!"


def test_removal_has_no_value_and_is_inherited_from() -> None:
    removal: Json = {"p": "/message/metadata/message_type", "o": "remove"}
    seen = answer(v1(begun(), append("Hi"), removal, append(" you"), {"v": "."}))
    assert seen.text == "Hi you."
    assert seen.conversation.facts.unknown == {}


def test_emoji_cut_between_two_appends_comes_whole() -> None:
    for fast in (True, False):
        for stop in ([], ["🔥x"]):
            stream = v1(begun(), append("a"), {"v": "\ud83d"}, {"v": "\udd25"}, {"v": "x"})
            assert answer(stream, fast=fast, stop=stop).text == ("a" if stop else "a🔥x")


@pytest.mark.parametrize("ended", [True, False])
def test_stream_without_done_is_whole_only_if_it_said_so(ended: bool) -> None:
    complete = b'data: {"type": "message_stream_complete", "conversation_id": "c1"}\n\n' if ended else b""
    stream = (v1(begun(), append("Hi")).removesuffix(DONE)) + complete
    seen = answer(stream)
    assert seen.text == "Hi"
    assert (seen.error is None) == ended


def test_failure_among_deltas_is_a_failure() -> None:
    for record in ({"message": None, "conversation_id": "c1", "error": "Oops"}, {"error": "Oops"}):
        seen = answer(v1(begun(), append("Hi"), b"data: " + json.dumps(record).encode() + b"\n\n"))
        assert seen.text == "Hi"
        assert seen.failure.status == 502


def shuffled(values: st.SearchStrategy[object]) -> st.SearchStrategy[Json]:
    paths = st.sampled_from(["", TEXT, "/message", "/message/content", "/message/metadata", "/x", "bad", "/"])
    ops = st.sampled_from(["add", "replace", "append", "patch", "remove", "truncate", "explode"])
    return st.fixed_dictionaries(
        {}, optional={"p": paths | values, "o": ops | values, "v": values, "c": st.integers(-1, 3) | values}
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.builds(message, st.just("M")),
    lambda inner: (
        st.lists(shuffled(inner), max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.lists(shuffled(VALUES), max_size=8))
def test_any_changes_make_no_turn_raise_and_fast_and_slow_agree(records: list[Json]) -> None:
    stream = v1(begun(), append("Hi"), *records, append(" you"), {"v": "."})
    fast, slow = answer(stream), answer(stream, fast=False)
    assert (fast.deltas, fast.error) == (slow.deltas, slow.error)


def test_records_leave_out_what_is_as_before() -> None:
    snapshots = [hidden_system(), *growing("", "Hel", "Hello"), finished("Hello.")]
    lines = as_deltas(snapshots).splitlines()
    records = [json.loads(line[6:]) for line in lines if line.startswith(b"data: {")]
    assert [list(record) for record in records] == [
        ["v"],
        ["v", "c"],
        ["p", "o", "v"],
        ["v"],
        ["p", "o", "v"],
    ]


def test_patch_with_a_path_is_relative_to_it() -> None:
    entry = {"p": "/parts/0", "o": "append", "v": " you"}
    seen = answer(v1(begun(), append("Hi"), {"p": "/message/content", "o": "patch", "v": [entry]}))
    assert (seen.text, seen.conversation.facts.unknown) == ("Hi you", {})


def test_truncated_text_is_not_taken_back_and_goes_on_behind_what_was_shown() -> None:
    seen = answer(v1(begun(), append("Hello"), {"o": "truncate", "v": 2}, {"o": "append", "v": "llo you"}))
    assert (seen.text, seen.error) == ("Hello you", None)


@pytest.mark.parametrize("event", ["delta", "message", ""])
def test_event_name_of_a_delta_does_not_matter(event: str) -> None:
    head = f"event: {event}\n".encode() if event else b""
    words: list[Json] = [{"v": f" word{n}"} for n in range(50)]
    stream = v1(begun(), append("a"), *words)
    stream = stream.replace(b"event: delta\n", head)
    seen = answer(stream)
    assert seen.text == "a" + "".join(f" word{n}" for n in range(50))
    assert records_read(seen) == AROUND


def test_records_on_one_line_are_told_apart() -> None:
    words = v1(begun(), append("a"), {"v": "b}data: {"}, {"v": "c"}).replace(b"}\n\nevent: delta\n", b"}")
    assert words.count(b"\n\n") == 3
    for glued in (words, words.replace(b"}\n\ndata: [DONE]", b"}  data: [DONE]")):
        assert_always(glued, "ab}data: {c", "stop")


def cut_inside_each_record(stream: bytes, *, behind: bytes, offset: int) -> list[bytes]:
    """Chunks that each end at the same place inside a record."""
    ends = [found.end() + offset for found in re.finditer(re.escape(behind), stream)]
    return [stream[start:end] for start, end in zip([0, *ends], [*ends, len(stream)], strict=True)]


@pytest.mark.parametrize(
    ("behind", "offset"),
    [(b"event: delta\n", 0), (b"event: delta", 0), (b"data: ", 0), (b'"}', 0), (b'"}\n', 0), (b'{"v": "', 2)],
    ids=["event line", "name of the event", "field name", "payload", "between the line ends", "in the text"],
)
def test_cut_inside_each_record_costs_the_fast_path_nothing(behind: bytes, offset: int) -> None:
    words: list[Json] = [{"v": f" word{n}"} for n in range(100)]
    stream = v1(begun(), append("a"), *words)
    sizes = [len(chunk) for chunk in cut_inside_each_record(stream, behind=behind, offset=offset)]
    seen = answer(stream, sizes=sizes)
    assert seen.text.endswith("word99")
    assert records_read(seen) == AROUND
