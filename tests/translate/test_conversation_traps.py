"""The traps of the protocol, each with a name: what has broken translators of this backend before."""

import pytest

from tests.translate.reading import QUESTION, answer, whole_answer
from tests.translate.wire import (
    DONE,
    PING,
    STOP,
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
    turn_of,
)
from translate.values import SentMessage

TALK = (
    SentMessage("h1", "user", "Who are you?"),
    SentMessage("h2", "assistant", "An assistant."),
    SentMessage("h3", "user", "Really?"),
    SentMessage("h4", "assistant", "Yes."),
    SentMessage("h5", "user", "Say that again."),
)


def echoes(*, foreign: bool, status: bool = True) -> list[Json]:
    """The backend's repetition of TALK; `foreign`: our answers come back under other ids."""
    records = []
    for said in TALK:
        id = f"other-{said.id}" if foreign and said.role == "assistant" else said.id
        record = echo(said.text, id, said.role)
        if not status:
            del record["message"]["status"]  # type: ignore[attr-defined]
        records.append(record)
    return records


@pytest.mark.parametrize("foreign", [False, True], ids=["our ids", "other ids"])
@pytest.mark.parametrize("status", [True, False], ids=["2023-12", "2023-05"])
def test_trap_1_answer_does_not_begin_with_an_earlier_answer(foreign: bool, status: bool) -> None:
    stream = sse(hidden_system(), *echoes(foreign=foreign, status=status), *growing("", "No", "Now, again"))
    assert answer(stream, sent=TALK).text == "Now, again"


def test_trap_1_answer_may_repeat_an_earlier_answer_word_for_word() -> None:
    for ending in (growing("", "Yes", "Yes."), [finished("Yes.")]):
        stream = sse(*echoes(foreign=True), *ending)
        assert answer(stream, sent=TALK).text == "Yes."


def test_trap_1_a_new_id_is_a_new_message_and_no_longer_old_one() -> None:
    stream = sse(*growing("", "One", id="a"), *growing("", "One and", "One and two", id="b"))
    assert answer(stream).deltas == ["One", "\n\n", "One and", " two"]


def test_trap_2_message_null_is_no_crash() -> None:
    null: Json = {"message": None, "conversation_id": "c1", "error": None}
    assert answer(sse(null, *growing("", "Hi"), null, finished("Hi there"))).text == "Hi there"


def test_trap_4_characters_cut_in_two_arrive_whole() -> None:
    texts = ["你", "你好", "你好 🔥", "你好 🔥é\u2028\u0085"]
    stream = sse(*growing("", *texts), raw=True)
    assert b"\xe4\xbd\xa0" in stream
    assert b"\xc2\x85" in stream
    for size in (1, 2, 3, 5):
        assert answer(stream, sizes=[size]).text == texts[-1]


def test_trap_5_crlf_pings_among_lf_records_glue_and_lose_nothing() -> None:
    records: list[Json | bytes] = [PING, hidden_system(), PING]
    for record in growing("", "a", "ab", "abc"):
        records += [record, PING]
    stream = sse(*records)
    for size in range(1, 60):
        assert answer(stream, sizes=[size]).deltas == ["a", "b", "c"]


@pytest.mark.parametrize("end", [DONE, b"data: [DONE]", b"data:[DONE]\r\n\r\n", b"data: [DONE]   \n\n"])
def test_trap_6_stream_ends_with_a_finish_chunk_and_done(end: bytes) -> None:
    seen = answer(sse(*growing("", "Hi"), done=False) + end)
    assert (seen.text, seen.finish_reason, seen.done) == ("Hi", "stop", True)


def test_trap_9_message_that_is_blanked_or_begins_empty_repeats_nothing() -> None:
    advert = growing("", "Buy", "Buy this", "", "Buy this now", id="advert")
    stream = sse(*growing("", "Hello"), message("", "a1"), *growing("Hello you", ""), *advert)
    assert answer(stream).text == "Hello you\n\nBuy this now"


def test_trap_10_last_piece_may_come_only_with_the_finished_snapshot() -> None:
    assert answer(sse(*growing("", "Hi"), finished("Hi there."))).text == "Hi there."


def test_trap_10_finished_snapshot_may_be_missing() -> None:
    seen = answer(sse(*growing("", "Hi", "Hi there.")))
    assert (seen.text, seen.error) == ("Hi there.", None)


def test_trap_10_finished_record_may_be_all_there_is() -> None:
    assert answer(sse(finished("Hi there."))).text == "Hi there."


def test_trap_11_of_two_interleaved_variants_the_first_is_the_answer() -> None:
    records: list[Json] = [{"type": "num_variants_in_stream", "num_variants_in_stream": 2}]
    for first, second in (("", ""), ("One", "Another"), ("One way", "Another way")):
        records += [message(first, "a1", parent="u1"), message(second, "b1", parent="u1")]
    records += [finished("One way.", "a1"), message("Another way.", "b1", parent="u1")]
    assert answer(sse(*records)).text == "One way."


def test_trap_12_end_turn_of_a_call_or_of_the_system_message_is_no_end() -> None:
    stream = sse(
        hidden_system(),
        *growing("", "Let me look.", id="a1"),
        finished("Let me look.", "a1", end_turn=False),
        search_call(),
        tool_text("Snippet", name="browser"),
        *growing("", "It is", "It is cold.", id="a2"),
    )
    assert answer(stream).text == "Let me look.\n\nIt is cold."


def test_trap_12_finish_details_in_mid_text_are_no_end() -> None:
    stream = sse(
        message("", status=None),
        message("Hel", status=None, metadata=STOP),
        message("Hello", status=None, metadata=STOP),
        message("Hello!", status=None, metadata=STOP, end_turn=True),
    )
    assert answer(stream).text == "Hello!"


NO_ANSWER = {
    "nothing": b"",
    "only the end": DONE,
    "only pings": PING * 3,
    "echo only": sse(hidden_system(), echo("Hello", "u1")),
    "echo only, cut": sse(hidden_system(), echo("Hello", "u1"), done=False),
    "title only": sse(hidden_system(), TITLE),
    "empty message": sse(hidden_system(), *growing("", "")),
    "no records": b"Internal Server Error",
}


@pytest.mark.parametrize("stream", NO_ANSWER.values(), ids=NO_ANSWER)
def test_trap_13_a_turn_without_an_answer_is_a_failure_of_the_backend(stream: bytes) -> None:
    seen = answer(stream)
    assert seen.deltas == []
    assert seen.failure.status == 502
    assert seen.error is not None
    assert seen.error["code"] == "upstream_error"


def test_trap_13_json_in_place_of_records_tells_its_own_error() -> None:
    body = b'{"detail": {"message": "Too many", "code": "model_cap_exceeded", "clears_in": 90}}'
    seen = answer(body, sizes=[10])
    assert (seen.failure.status, seen.failure.retry_after) == (429, 90)


def test_trap_13_error_record_as_the_only_one_has_its_true_status() -> None:
    said = "Our systems have detected unusual activity from your system. Please try again later."
    record = {"message": None, "conversation_id": "c1", "error": said}
    for done in (True, False):
        failure = answer(sse(record, done=done)).failure
        assert (failure.status, failure.should_retry) == (503, False)


def test_trap_14_failure_after_text_keeps_the_text_and_ends_without_done() -> None:
    record = {"message": None, "conversation_id": "c1", "error": {"message": "An error occurred."}}
    seen = answer(sse(*growing("", "Half an"), record, *growing("Half an answer"), done=True))
    assert seen.text == "Half an"
    assert seen.error is not None
    assert "An error occurred." in str(seen.error["message"])
    assert not seen.done


def test_trap_14_stream_that_just_ends_is_a_failure_unless_the_message_ended_the_turn() -> None:
    cut_off = answer(sse(*growing("", "Half an"), done=False))
    assert cut_off.text == "Half an"
    assert (cut_off.failure.status, cut_off.failure.should_retry) == (502, False)
    complete = answer(sse(*growing("", "Half an"), finished("Half an answer."), TITLE, done=False))
    assert (complete.text, complete.error, complete.done) == ("Half an answer.", None, True)


@pytest.mark.parametrize("page", ["<html><body>Just a moment...</body></html>", "<!DOCTYPE html> cf_chl_opt"])
def test_trap_20_html_is_never_passed_on(page: str) -> None:
    for stream in (
        page.encode(),
        sse({"message": None, "error": page}),
        json_bytes({"detail": page}),
        json_bytes({"detail": {"message": page}}),
    ):
        message = answer(stream).failure.message
        assert "<" not in message
        assert "cf_chl" not in message
        assert "moment" not in message


def test_trap_21_endless_record_ends_the_turn() -> None:
    stream = sse(*growing("", "Hi"), done=False) + b"data: " + b"x" * 5000
    seen = answer(stream, sizes=[100], max_record_bytes=2000)
    assert seen.text == "Hi"
    assert seen.failure.status == 502


def test_trap_21_endless_answer_ends_the_turn() -> None:
    stream = sse(*growing("", *("x" * n for n in range(100, 5000, 100)), id="a1"))
    for fast in (True, False):
        seen = answer(stream, sizes=[1000], fast=fast, max_answer_bytes=1000)
        assert 1000 < len(seen.text) < 2000
        assert seen.failure.status == 502


def test_trap_21_state_of_a_turn_is_bounded_however_many_messages_come() -> None:
    stream = sse(*(finished("x", f"m{n}") for n in range(1500)))
    seen = answer(stream)
    assert seen.text.count("x") == 1000
    assert seen.conversation.facts.unknown == {"message": 500}


def test_trap_24_custom_instructions_are_never_shown() -> None:
    private: Json = {"content_type": "user_editable_context", "user_profile": "secret", "parts": ["secret"]}
    memory: Json = {
        "content_type": "model_editable_context",
        "model_set_context": "secret",
        "parts": ["secret"],
    }
    stream = sse(
        message("", "s1", role="system", content=private),
        message("", "s2", role="user", content=private),
        message("", "s3", content=memory),
        finished("Hi"),
    )
    assert answer(stream).text == "Hi"


def test_trap_26_answer_has_the_name_that_was_asked_for() -> None:
    stream = sse(message("Hi", metadata={"model_slug": "gpt-4-gizmo"}))
    assert whole_answer(stream)["model"] == "gpt-4-s"
    assert answer(stream).conversation.facts.model_slug == "gpt-4-gizmo"


def test_trap_27_text_of_tools_is_never_shown() -> None:
    quote: Json = {"content_type": "tether_quote", "url": "file-1", "title": "a.txt", "text": "whole file"}
    display: Json = {"content_type": "tether_browsing_display", "result": "# 【0†Page】", "summary": "s"}
    stream = sse(
        message("", "t0", role="tool", content=display, weight=0.0),
        message("", "t1", role="tool", content=quote, metadata={"command": "context_stuff"}),
        tool_text("Never tell the user about this instruction.", "t2"),
        tool_text("DALL-E displayed 1 images. Do not list them.", "t3", name="dalle.text2im"),
        finished("Hi"),
    )
    assert answer(stream).text == "Hi"


@pytest.mark.parametrize(
    "text",
    ['say \\"hi\\"', "C:\\new\\table", "\\u00e9 stays", "\\\\n", '{"a": "\\"}', "\\", '"', "a\\\\\n\\"],
)
def test_trap_28_escapes_are_undone_exactly_once(text: str) -> None:
    stream = turn_of(*(text[: n + 1] for n in range(len(text))))
    assert answer(stream).text == text
    assert answer(stream, sizes=[3]).text == text


def test_bytes_behind_the_end_are_not_read() -> None:
    stream = sse(*growing("", "Hi")) + sse(*growing("", "More", id="a2"))
    assert answer(stream).text == "Hi"
    assert answer(stream, sizes=[50]).text == "Hi"


def test_questions_of_others_are_not_shown() -> None:
    assert answer(sse(echo("Somebody's question", "x9"), finished("Hi")), sent=QUESTION).text == "Hi"
