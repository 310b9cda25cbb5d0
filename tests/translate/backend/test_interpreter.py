"""Records of the backend in, changes of messages out; and no record makes it raise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.tool_turns import citation, code, confirmation_request, drawn, output
from tests.translate.wire import (
    BLOCKED,
    MODERATION,
    TITLE,
    Json,
    echo,
    finished,
    growing,
    hidden_system,
    message,
    tool_text,
)
from translate.backend import Interpreter
from translate.backend.interpreter import IGNORED_TYPES, MAX_MESSAGES
from translate.text import (
    BrowserUsed,
    Change,
    CitationsChanged,
    Completed,
    Grew,
    PictureAdded,
    TookBack,
    ToolFailed,
)
from translate.values import BackendLimits, Confirmation, FeatureLimit, ItemKind, SentMessage

SENT = (SentMessage("h1", "assistant", "An answer of old."), SentMessage("u1", "user", "Hello"))


def changes_of(interpreter: Interpreter, *envelopes: Json) -> list[tuple[str, object]]:
    """The changes, each as its name and what it is about."""
    return [said(change) for envelope in envelopes for change in interpreter.receive(envelope)]


def said(change: Change) -> tuple[str, object]:
    match change:
        case Grew(_, piece):
            return "grew", piece
        case TookBack(_, characters):
            return "took back", characters
        case CitationsChanged(message):
            return "cites", [citation.url for citation in message.citations]
        case PictureAdded(_, asset):
            return "picture", asset.file_id
        case ToolFailed(_, name, text):
            return "failed", (name, text)
        case BrowserUsed(message_id, action):
            return "browsed", (message_id, action.queries)
        case Completed(message):
            return "completed", message.id


def test_text_grows_by_what_is_new_and_the_message_may_go_on() -> None:
    interpreter = Interpreter(SENT)
    assert changes_of(interpreter, *growing("", "Hi", "Hi you")) == [("grew", "Hi"), ("grew", " you")]
    assert interpreter.growing is not None
    assert interpreter.growing.kind is ItemKind.PROSE
    assert interpreter.facts.answering
    assert changes_of(interpreter, finished("Hi you.")) == [("grew", "."), ("completed", "a1")]
    assert interpreter.growing is None
    facts = interpreter.facts
    assert (facts.end_turn, facts.finish_reason, facts.last_message_id) == (True, "stop", "a1")
    assert (facts.conversation_id, facts.model_slug) == ("c1", "gpt-4")


def test_what_is_said_next_stands_behind_the_last_message_that_shows_something() -> None:
    interpreter = Interpreter(SENT)
    changes_of(interpreter, *growing("Here it is"))
    assert interpreter.facts.last_shown_id == "a1"
    changes_of(interpreter, drawn("file-1"))
    assert interpreter.facts.last_shown_id == "drawn-1"
    changes_of(interpreter, finished("Here it is."))
    facts = interpreter.facts
    assert (facts.last_message_id, facts.last_shown_id) == ("a1", "drawn-1")
    changes_of(interpreter, finished("Do you like it?", "a2"))
    assert facts.last_shown_id == "a2"


def test_rewritten_text_is_taken_back_to_what_both_have_in_common() -> None:
    interpreter = Interpreter(SENT)
    changes_of(interpreter, *growing("It is cold"))
    assert changes_of(interpreter, *growing("It is warm")) == [("took back", 4), ("grew", "warm")]


def test_half_character_comes_when_the_stream_is_over_or_another_message_begins() -> None:
    for ending in ("release", "another"):
        interpreter = Interpreter(SENT)
        assert changes_of(interpreter, *growing("a\ufffd")) == [("grew", "a")]
        if ending == "release":
            assert list(map(said, interpreter.release())) == [("grew", "\ufffd")]
        else:
            assert changes_of(interpreter, *growing("b", id="a2")) == [("grew", "\ufffd"), ("grew", "b")]
    hidden = Interpreter(SENT)
    changes_of(hidden, tool_text("x"))
    assert list(hidden.release()) == []


def test_echo_of_what_was_sent_is_nothing_and_its_end_is_told_by_the_question() -> None:
    interpreter = Interpreter(SENT)
    old = echo("An answer of old.", "other-id", "assistant")
    assert changes_of(interpreter, hidden_system(), old, old, echo("Hello", "u1")) == []
    assert not interpreter.facts.answering
    again = echo("An answer of old.", "a1", "assistant")
    assert changes_of(interpreter, again) == [("grew", "An answer of old."), ("completed", "a1")]


def test_code_has_its_language_and_output_its_figures() -> None:
    interpreter = Interpreter(SENT)
    assert changes_of(interpreter, code("x", language="r")) == [("grew", "x")]
    assert interpreter.growing is not None
    assert interpreter.growing.language == "r"
    figure = output("1", images=("file-service://file-1",))
    assert changes_of(interpreter, figure, figure) == [
        ("grew", "1"),
        ("completed", "out-1"),
        ("picture", "file-1"),
        ("completed", "out-1"),
    ]
    assert changes_of(interpreter, drawn("file-1", "file-2")) == [("picture", "file-2")]
    assert interpreter.pictures == 2


def test_error_of_a_tool_is_told_once() -> None:
    interpreter = Interpreter(SENT)
    content: Json = {"content_type": "system_error", "name": "Oops"}
    failed = message("", "t1", role="tool", content=content)
    assert changes_of(interpreter, failed, failed) == [("failed", ("Oops", "failed"))]


def test_citations_are_told_when_they_change() -> None:
    interpreter = Interpreter(SENT)
    told = [message("Hi【1†s】", metadata={"citations": [citation(2, 7, 1)]})] * 2
    assert changes_of(interpreter, *told) == [("grew", "Hi【1†s】"), ("cites", ["https://a.example/"])]


def test_second_answer_to_one_message_is_hidden() -> None:
    interpreter = Interpreter(SENT)
    first, second = message("One", "a1", parent="u1"), message("Two", "b1", parent="u1")
    assert changes_of(interpreter, first, second, first) == [("grew", "One")]


@pytest.mark.parametrize(
    ("details", "status", "reason"),
    [
        ({"type": "max_tokens"}, "finished_successfully", "length"),
        ({"type": "stop", "stop_tokens": [100260]}, "finished_successfully", "stop"),
        ({"type": "interrupted"}, "finished_successfully", "stop"),
        ({"type": "whim"}, "finished_successfully", "stop"),
        ({"type": None}, "finished_successfully", "stop"),
        ("stop", "finished_successfully", "stop"),
        (None, "finished_successfully", "stop"),
        ({}, "finished_partial_completion", "length"),
        ({}, "finished_successfully", "stop"),
    ],
)
def test_reason_is_that_of_the_details_or_else_of_the_status(
    details: object, status: str, reason: str
) -> None:
    interpreter = Interpreter(SENT)
    changes_of(interpreter, message("Hi", status=status, metadata={"finish_details": details}))
    assert interpreter.facts.finish_reason == reason


def test_blocked_answer_stays_blocked_whatever_the_message_says() -> None:
    interpreter = Interpreter(SENT)
    interpreter.aside(BLOCKED)
    changes_of(interpreter, finished("Hi"))
    assert interpreter.facts.finish_reason == "content_filter"


def test_model_that_really_answered_is_the_one_that_the_backend_resolved() -> None:
    interpreter = Interpreter(SENT)
    facts = interpreter.facts
    assert (facts.served_slug, facts.answered_by("gpt-6")) == ("", "")
    changes_of(interpreter, message("Hi", metadata={"model_slug": "gpt-6"}))
    assert (facts.model_slug, facts.answered_by("gpt-6")) == ("gpt-6", "")
    assert facts.answered_by("gpt-4") == "gpt-6", "which is not what was asked"
    assert facts.served_slug == "gpt-6"
    changes_of(interpreter, message("Hi", metadata={"resolved_model_slug": "gpt-6-mini"}))
    assert facts.answered_by("gpt-6") == facts.served_slug == "gpt-6-mini"
    assert interpreter.aside({"type": "server_ste_metadata", "metadata": {"resolved_model_slug": "gpt-5"}})
    assert facts.answered_by("gpt-6") == "gpt-5"
    assert interpreter.aside({"type": "server_ste_metadata", "metadata": {"resolved_model_slug": "a\r\nb"}})
    assert interpreter.aside({"type": "server_ste_metadata", "metadata": None})
    assert facts.answered_by("gpt-6") == "gpt-5"
    assert facts.unknown == {}


def test_slug_that_is_none_is_not_told() -> None:
    interpreter = Interpreter(SENT)
    changes_of(interpreter, message("Hi", metadata={"model_slug": "a\r\nb"}))
    assert interpreter.facts.answered_by("gpt-6") == ""


def test_limits_of_the_account_are_a_fact_of_the_turn() -> None:
    interpreter = Interpreter(SENT)
    kind = "conversation_detail_metadata"
    assert interpreter.aside({"type": kind})
    assert interpreter.facts.limits is None
    progress = [{"feature_name": "image_gen", "remaining": 3}]
    assert interpreter.aside({"type": kind, "limits_progress": progress})
    told = BackendLimits(features=(FeatureLimit("image_gen", 3, False, 0.0),))
    assert interpreter.facts.limits == told
    assert interpreter.aside({"type": kind, "limits_progress": None})
    assert interpreter.facts.limits == told
    assert interpreter.facts.unknown == {}


@pytest.mark.parametrize("record", [MODERATION, TITLE, *({"type": kind} for kind in sorted(IGNORED_TYPES))])
def test_record_that_means_nothing_to_the_user_is_known(record: Json) -> None:
    interpreter = Interpreter(SENT)
    interpreter.aside(record)
    assert interpreter.facts.unknown == {}


def test_unknown_records_and_messages_are_counted() -> None:
    interpreter = Interpreter(SENT)
    interpreter.aside({"type": "new"})
    changes_of(interpreter, {"message": None}, {"message": {"author": {}}})
    changes_of(interpreter, *(finished("", f"m{n}") for n in range(MAX_MESSAGES + 2)))
    assert interpreter.facts.unknown == {"record": 2, "message": 3}


def test_first_error_counts_wherever_it_comes() -> None:
    interpreter = Interpreter(SENT)
    interpreter.aside({"error": "First"})
    assert changes_of(interpreter, message("Hi") | {"error": "Second"}) == []
    assert interpreter.facts.error is not None
    assert "First" in interpreter.facts.error.message


def test_stream_says_that_it_is_complete() -> None:
    interpreter = Interpreter(SENT)
    interpreter.aside({"type": "message_stream_complete"})
    assert interpreter.facts.stream_complete


def test_tool_asks_for_a_confirmation_and_what_is_missing_is_read_from_its_name() -> None:
    interpreter = Interpreter(SENT)
    changes_of(interpreter, confirmation_request())
    asked = interpreter.facts.confirmation
    assert asked is not None
    assert (asked.domain, asked.operation, asked.operation_hash) == ("api.example.com", "getItem", "9f2c")
    bare: Json = {"jit_plugin_data": {"from_server": {"type": "oauth_required", "body": {}}}}
    changes_of(interpreter, message("", "t2", role="tool", name="a_b_com__jit_plugin.look", metadata=bare))
    assert interpreter.facts.confirmation == Confirmation(
        "a_b_com__jit_plugin.look", "t2", "a.b.com", "look", login=True
    )


def test_what_a_program_prints_asks_for_nothing() -> None:
    interpreter = Interpreter(SENT)
    record = output("x")
    metadata = confirmation_request()["message"]["metadata"]  # type: ignore[index]
    record["message"]["metadata"] |= metadata  # type: ignore[index]
    changes_of(interpreter, record)
    assert interpreter.facts.confirmation is None


def test_next_exchange_keeps_what_is_known_of_the_turn_and_begins_its_messages_anew() -> None:
    interpreter = Interpreter(SENT)
    changes_of(interpreter, confirmation_request(), drawn("file-1"), finished("Hi"))
    interpreter.begin([SentMessage("t9", "tool", "")])
    facts = interpreter.facts
    assert (facts.confirmation, facts.end_turn, facts.conversation_id) == (None, False, "c1")
    assert interpreter.growing is None
    assert interpreter.pictures == 1
    assert changes_of(interpreter, echo("", "t9", "tool"), *growing("Hi")) == [("grew", "Hi")]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
FIELDS = [
    "message", "id", "author", "role", "name", "content", "content_type", "parts", "text", "status",
    "end_turn", "weight", "metadata", "recipient", "channel", "parent_id", "model_slug", "finish_details",
    "citations", "content_references", "aggregate_result", "jit_plugin_data", "from_server", "body",
    "actions", "error", "type", "moderation_response", "thoughts", "language",
]  # fmt: skip
WHOLE = [
    message("Hi"), finished("Hi there"), code("x"), output("1", images=("file-service://f",)), drawn("g"),
    confirmation_request(), message("", role="tool", content={"content_type": "system_error"}),
    message("x", metadata={"citations": [citation(0, 1, 1)]}),
]  # fmt: skip


def damaged(value: object, draw: st.DrawFn) -> object:
    """`value` with junk in the place of some of its fields."""
    if isinstance(value, dict):
        return {
            key: draw(JUNK) if key in FIELDS and draw(st.integers(0, 9)) == 0 else damaged(inner, draw)
            for key, inner in value.items()
        }
    return [damaged(item, draw) for item in value] if isinstance(value, list) else value


@st.composite
def hostile(draw: st.DrawFn) -> Json:
    if draw(st.booleans()):
        return draw(st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=4))
    record = damaged(draw(st.sampled_from(WHOLE)), draw)
    assert isinstance(record, dict)
    return record


@given(st.lists(hostile(), max_size=5))
def test_hostile_records_never_raise(records: list[Json]) -> None:
    interpreter = Interpreter(SENT)
    for record in records:
        for change in interpreter.receive(record):
            assert isinstance(change, BrowserUsed) or change.message.kind in ItemKind
        interpreter.aside(record)
    assert all(isinstance(change, Grew) for change in interpreter.release())
    assert set(interpreter.facts.unknown) <= {"record", "message"}
