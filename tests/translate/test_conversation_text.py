"""A turn of plain text: what is shown, why it ended, and that nothing makes it fall over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import answer, content_of, whole_answer
from tests.translate.wire import BLOCKED, DONE, MODERATION, Json, finished, growing, message, sse


def test_reason_of_the_backend_is_told_to_the_client() -> None:
    cut: Json = {"finish_details": {"type": "max_tokens"}}
    stream = sse(
        *growing("", "Hi"), message("Hi.", status="finished_successfully", end_turn=True, metadata=cut)
    )
    assert answer(stream).finish_reason == "length"
    assert whole_answer(stream)["choices"][0]["finish_reason"] == "length"  # type: ignore[index]


def test_blocked_completion_ends_with_content_filter_and_keeps_what_was_shown() -> None:
    for stream in (
        sse(*growing("", "Bad"), BLOCKED, message(""), finished("")),
        sse(*growing("", "Bad"), finished("Bad"), BLOCKED),
    ):
        seen = answer(stream)
        assert (seen.text, seen.finish_reason, seen.error) == ("Bad", "content_filter", None)


def test_completion_that_was_blocked_before_a_word_is_an_empty_answer() -> None:
    stream = sse(BLOCKED)
    assert answer(stream).finish_reason == "content_filter"
    assert content_of(whole_answer(stream)) == ""


@pytest.mark.parametrize("moderation", [MODERATION, BLOCKED | {"is_completion": False}])
def test_other_moderation_changes_nothing(moderation: Json) -> None:
    seen = answer(sse(moderation | {"type": "moderation"}, *growing("", "Hi"), moderation))
    assert (seen.text, seen.finish_reason) == ("Hi", "stop")


def test_several_messages_stand_one_blank_line_apart() -> None:
    for first in ("One", "One\n", "One\n\n"):
        stream = sse(*growing("", first, id="a"), *growing("", "Two", id="b"), finished("Three", "c"))
        assert answer(stream).text == first.rstrip("\n") + "\n\nTwo\n\nThree"


def test_message_without_text_leaves_no_gap() -> None:
    stream = sse(message("", "a"), finished("", "a"), *growing("", "Two", id="b"), message("", "c"))
    assert answer(stream).text == "Two"


UNSEEN: dict[str, Json] = {
    "of the system": message("hidden", "x", role="system"),
    "of nobody": message("hidden", "x", role=""),
    "thoughts": message("", "x", content={"content_type": "thoughts", "thoughts": [{"content": "hidden"}]}),
}


@pytest.mark.parametrize("record", UNSEEN.values(), ids=UNSEEN)
def test_what_is_not_for_the_user_is_not_shown(record: Json) -> None:
    assert answer(sse(record, finished("Hi"), record)).text == "Hi"


def test_emoji_split_over_snapshots_comes_whole_and_once() -> None:
    stream = sse(*growing("", "Hot \ud83d", "Hot 🔥", "Hot 🔥!"))
    for fast in (True, False):
        assert answer(stream, fast=fast).deltas == ["Hot ", "🔥", "!"]


@pytest.mark.parametrize(("stop", "met"), [((), ""), (("END",), ""), (("END", "tw", "two"), "tw")])
def test_stop_sequence_that_has_ended_the_answer_is_known(stop: tuple[str, ...], met: str) -> None:
    stream = sse(*growing("", "one two"), finished("one two"))
    assert answer(stream, stop=stop).conversation.stop_sequence == met


def test_stop_sequence_is_found_in_an_emoji_split_over_snapshots() -> None:
    stream = sse(*growing("", "Hot \ud83d", "Hot 🔥", "Hot 🔥!"))
    for fast in (True, False):
        seen = answer(stream, stop=["🔥"], fast=fast)
        assert (seen.text, seen.finish_reason) == ("Hot ", "stop")


def test_half_characters_that_stay_half_become_replacement_characters() -> None:
    assert answer(sse(*growing("", "a\ud83d"))).text == "a\ufffd"
    assert answer(sse(*growing("", "a\udd25b", "a\udd25b\ud83dc"))).text == "a\ufffdb\ufffdc"
    assert content_of(whole_answer(sse(*growing("", "a\ud83d")))) == "a\ufffd"


def test_replacement_characters_wait_until_it_is_known_whether_they_stay() -> None:
    assert answer(sse(*growing("", "caf\ufffd", "caf\ufffd\ufffd", "café", "café."))).text == "café."
    assert answer(sse(*growing("", "a\ufffd", "a\ufffdb"))).text == "a\ufffdb"
    assert answer(sse(*growing("", "a\ufffd"))).text == "a\ufffd"


def test_half_character_of_a_message_comes_before_the_next_message() -> None:
    stream = sse(*growing("", "One\ufffd", id="a"), *growing("", "Two", id="b"))
    assert answer(stream).text == "One\ufffd\n\nTwo"


def test_held_half_character_can_still_be_taken_back() -> None:
    for ending in ([], [finished("a")], [finished("ab")]):
        assert answer(sse(*growing("", "ab\ufffd", "a"), *ending)).text == "ab"


@pytest.mark.parametrize("text", ["\nUse", "]", "`", "【1", "\ud83d"])
def test_answer_that_was_wholly_held_back_is_an_answer(text: str) -> None:
    for stream in (sse(*growing("", text)), sse(finished(text))):
        seen = answer(stream, stop=["\nUser:"])
        assert (seen.text, seen.error) == (text.replace("\ud83d", "\ufffd"), None)


def test_rewritten_text_goes_on_behind_what_both_have_in_common() -> None:
    seen = answer(sse(*growing("", "It is cold", "It is warm", "It is warm today")))
    assert seen.deltas == ["It is cold", "warm", " today"]


def test_huge_deltas_are_split_into_lines_that_clients_can_read() -> None:
    for text in ("x" * 200_000, "é🔥\u2028" * 20_000, '"\\\n' * 20_000):
        for texts in ([text], ["a", "a" + text]):
            stream = sse(*growing("", *texts))
            for fast in (True, False):
                assert answer(stream, fast=fast).text == texts[-1]  # the reader checks each line


def test_first_words_are_out_before_the_next_record_is_complete() -> None:
    stream = sse(*growing("", "Hi", "Hi there", "Hi there you"), done=False)
    seen = answer(stream[: stream.index(b"Hi there you")])
    assert seen.text == "Hi there"


def test_usage_is_there_even_if_the_answer_is_empty() -> None:
    completion = whole_answer(sse(BLOCKED))
    assert completion["usage"] == {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
FIELDS = {
    "message": ["id", "author", "content", "status", "end_turn", "weight", "metadata", "recipient"],
    "author": ["role", "name"],
    "content": ["content_type", "parts", "text", "language", "name"],
    "metadata": ["parent_id", "model_slug", "finish_details", "citations", "aggregate_result",
                 "content_references", "jit_plugin_data", "is_visually_hidden_from_conversation"],
}  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> Json:
    """An envelope in which some fields are of any type, or missing."""
    role = draw(st.sampled_from(["assistant", "tool", "user"]))
    types = ["text", "code", "execution_output", "multimodal_text", "system_error"]
    kind = draw(st.sampled_from(types))
    content: Json = {"content_type": kind, "parts": ["x"], "text": "y"}
    record = message("", draw(st.sampled_from("ab")), role=role, content=content)
    inner = record["message"]
    assert isinstance(inner, dict)
    for _ in range(draw(st.integers(1, 4))):
        owner = draw(st.sampled_from(sorted(FIELDS)))
        field = draw(st.sampled_from(FIELDS[owner]))
        target = inner if owner == "message" else inner.get(owner)
        if isinstance(target, dict):
            target[field] = draw(JUNK)
    extra = draw(
        st.dictionaries(
            st.sampled_from(["type", "error", "conversation_id", "moderation_response", "message", "detail"]),
            JUNK,
            max_size=2,
        )
    )
    return record | extra if draw(st.booleans()) else record


@given(records=st.lists(st.one_of(damaged(), JUNK), max_size=5))
def test_damaged_records_never_make_a_turn_raise(records: list[object]) -> None:
    stream = sse(*records, *growing("", "Hi", id="last"))
    fast, slow = answer(stream), answer(stream, fast=False)
    assert (fast.deltas, fast.error) == (slow.deltas, slow.error)
    for number in slow.conversation.facts.unknown.values():
        assert number > 0


@given(junk=st.binary(max_size=200))
def test_any_bytes_never_make_a_turn_raise(junk: bytes) -> None:
    for stream in (junk, sse(*growing("", "Hi"), done=False) + junk + DONE):
        fast, slow = answer(stream), answer(stream, fast=False)
        assert (fast.deltas, fast.error) == (slow.deltas, slow.error)


@pytest.mark.parametrize("payload", [b"{", b"[]", b"1", b'"v1"', b"null", b'{"a":', b"\xff", b"[" * 5000])
def test_records_that_are_no_objects_are_counted_and_passed_over(payload: bytes) -> None:
    stream = b"data: " + payload + b"\n\n" + sse(*growing("", "Hi"))
    seen = answer(stream)
    assert seen.text == "Hi"
    assert sum(seen.conversation.facts.unknown.values()) == 1
    assert set(seen.conversation.facts.unknown) <= {"json", "record"}


def test_records_of_unknown_kinds_are_counted_under_a_closed_list_of_names() -> None:
    records: list[Json] = [{}, {"type": "new"}, {"type": []}, {"message": {}}, {"message": {"id": 5}}]
    seen = answer(sse(*records, finished("Hi")))
    assert seen.text == "Hi"
    assert seen.conversation.facts.unknown == {"record": 3, "message": 2}
