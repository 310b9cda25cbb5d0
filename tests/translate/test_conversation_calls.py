"""Calls of the client's tools in the backend's streams: in both dialects, on the fast path and off it."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate.deltas import append, begun, v1
from tests.translate.player import Player
from tests.translate.reading import Files, chat_stream, cut
from tests.translate.tool_turns import code
from tests.translate.wire import Json, finished, growing, message, sse
from translate import Conversation, Options
from translate.tools import AnswerContract
from translate.values import (
    PAUSED,
    Finished,
    ItemEnded,
    ItemKind,
    ItemStarted,
    JsonFormat,
    Refused,
    SentMessage,
    TextDelta,
    Tool,
    Toolbox,
    ToolCalled,
)

NONCE = "7f3a9c12"
CALL = f'<call-{NONCE} name="f">\n{{"a": 1}}\n</call-{NONCE}>'
MADE = ("f", '{"a": 1}')
TOOLS = Toolbox((Tool("f"),))


class Seen:
    """What came of a turn with tools."""

    def __init__(
        self,
        *streams: bytes,
        sizes: Sequence[int] = (),
        fast: bool = True,
        toolbox: Toolbox | None = TOOLS,
        form: JsonFormat | None = None,
    ) -> None:
        contract = AnswerContract(toolbox, form, NONCE, lambda: "call_1")
        conversation = Conversation(
            (SentMessage("u1", "user", "Hello"),), Options(contract=contract), Files(), fast=fast
        )
        self.player = Player(conversation, chat_stream())
        self.player.play(cut(streams[0], sizes))
        self.questions = []
        for stream in streams[1:]:
            assert self.player.ended is not None
            self.questions.append(self.player.ended.question)
            conversation.start_next_exchange((), seamless=self.player.ended.cut)
            self.player.play(cut(stream, sizes))
        if self.player.error is None:
            conversation.conclude()
            self.player.drain()
        events = self.player.events
        self.text = conversation.answer.text
        self.calls = [
            (event.call.name, event.call.arguments) for event in events if isinstance(event, ToolCalled)
        ]
        self.items = [event.kind for event in events if isinstance(event, ItemStarted)]
        self.ended = [event.kind for event in events if isinstance(event, ItemEnded)]
        self.deltas = [
            json.loads(b'"' + p + b'"') for e in events if isinstance(e, TextDelta) for p in e.pieces
        ]


def as_deltas(text: str, size: int) -> bytes:
    """An answer in delta v1."""
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    first, *rest = parts or [""]
    more: list[Json] = [{"v": part} for part in rest]
    return v1(begun(), append(first), *more, finished(text))


def as_snapshots(text: str, size: int) -> bytes:
    ends = [*range(size, len(text), size), len(text)]
    return sse(*growing("", *(text[:end] for end in ends)), finished(text))


@pytest.mark.parametrize("stream", [as_deltas, as_snapshots])
@pytest.mark.parametrize("size", [1, 3, 20, 1000])
@pytest.mark.parametrize("fast", [True, False])
def test_text_before_a_call_is_the_text_and_the_call_follows(stream, size: int, fast: bool) -> None:  # type: ignore[no-untyped-def]
    text = f"Is 3 < 4?\n\nLet me look:\n\n{CALL}"
    for sizes in ([], [7], [1000]):
        seen = Seen(stream(text, size), sizes=sizes, fast=fast)
        assert (seen.text, seen.calls) == ("Is 3 < 4?\n\nLet me look:", [MADE])


def test_call_alone_makes_no_item_and_no_text() -> None:
    seen = Seen(as_deltas(CALL, 5))
    assert (seen.text, seen.calls, seen.items) == ("", [MADE], [])


def test_calls_count_as_tokens_of_the_answer() -> None:
    def counted(stream: bytes) -> int:
        conversation = Seen(stream).player.conversation
        return conversation.count_usage(lambda texts: sum(map(len, texts))).completion_tokens

    assert counted(as_deltas(CALL, 5)) == len("f") + len('{"a": 1}')
    assert counted(as_deltas(f"Look:\n{CALL}", 5)) == len("Look:") + counted(as_deltas(CALL, 5))


def test_message_that_is_a_call_adds_no_blank_lines_to_the_text_before() -> None:
    stream = sse(
        finished("Let me look.", end_turn=False),
        *growing("", "<", CALL[:20], CALL, id="a2"),
        finished(CALL, "a2"),
    )
    seen = Seen(stream)
    assert (seen.text, seen.calls) == ("Let me look.", [MADE])
    assert seen.items == seen.ended == [ItemKind.PROSE]


def test_messages_are_parted_as_without_tools() -> None:
    stream = sse(
        finished("One\n", end_turn=False), finished("Two <", "a2", end_turn=False), finished("Three", "a3")
    )
    assert Seen(stream).text == "One\n\nTwo <\n\nThree"


def test_call_that_was_cut_by_length_is_one_if_it_is_continued() -> None:
    at = CALL.index("1}")
    first = message(CALL[:at], "a1", status="finished_partial_completion", end_turn=True)
    first["message"]["metadata"] = {"finish_details": {"type": "max_tokens"}}  # type: ignore[index]
    seen = Seen(sse(*growing("", CALL[:20]), first), sse(*growing("", id="a2"), finished(CALL[at:], "a2")))
    assert (seen.text, seen.calls, seen.questions) == ("", [MADE], [""])


def test_wrong_call_is_asked_for_again_in_the_same_turn() -> None:
    wrong = CALL.replace('"f"', '"g"')
    seen = Seen(as_deltas(f"Look. {wrong}", 4), as_deltas(f"Sorry. {CALL}", 4))
    assert (seen.text, seen.calls) == ("Look.", [MADE])
    assert "named g" in seen.questions[0]


def test_text_behind_a_call_ends_the_exchange() -> None:
    text = f"{CALL}\n" + "The result is that all is well, and nobody has to do anything. " * 50
    for sizes in ([200], [], [10_000]):
        seen = Seen(as_deltas(f"So it goes on. {text}", 6) + b"data: broken", sizes=sizes)
        assert (seen.text, seen.calls) == ("So it goes on.", [MADE])


def test_nothing_but_the_json_is_shown() -> None:
    stream = sse(
        finished("I compute.", end_turn=False),
        code("print(1)", status="finished_successfully"),
        finished('{"a": 1}', "a2"),
    )
    seen = Seen(stream, toolbox=None, form=JsonFormat())
    assert (seen.text, seen.items) == ('{"a": 1}', [ItemKind.PROSE])


PIECES = st.lists(
    st.sampled_from(
        [
            CALL,
            CALL[:25],
            CALL[30:],
            "<",
            "`",
            "```",
            "\n",
            "\n\n",
            " ",
            "~~~",
            "word",
            "x y",
            '"',
            "\\",
            "<b>",
            "]",
        ]
    ),
    max_size=14,
).map("".join)


@settings(max_examples=60)
@given(text=PIECES, size=st.integers(1, 12), sizes=st.lists(st.integers(1, 400), max_size=3))
def test_any_text_gives_the_same_in_any_dialect_at_any_cut(text: str, size: int, sizes: list[int]) -> None:
    whole = Seen(sse(finished(f"{text}.")), fast=False)
    for stream in (as_deltas(f"{text}.", size), as_snapshots(f"{text}.", size)):
        for fast in (True, False):
            seen = Seen(stream, sizes=sizes, fast=fast)
            assert (seen.text, seen.calls) == (whole.text, whole.calls)


def test_text_streams_as_it_comes() -> None:
    text = "One two three. Four < five, and so on."
    for sizes in ([], [1000], [40]):
        seen = Seen(as_deltas(text, 3), sizes=sizes)
        assert "".join(seen.deltas) == text
        assert len(seen.deltas) > 9


def test_answer_that_was_cut_and_is_not_continued_ends_as_it_is() -> None:
    for text, shown in (("Look at this", "Look at this"), (f"Look. {CALL[:30]}", "Look.")):
        cut_off = message(text, "a1", status="finished_partial_completion", end_turn=True)
        cut_off["message"]["metadata"] = {"finish_details": {"type": "max_tokens"}}  # type: ignore[index]
        seen = Seen(sse(*growing("", text[:8]), cut_off))
        assert (seen.text, seen.calls) == (shown, [])
        assert [event.reason for event in seen.player.events if isinstance(event, Finished)] == ["length"]


def test_white_space_at_an_odd_place_stays() -> None:
    for text in (
        "a \\ \n\n b",
        "a\\\n",
        "one\t\ttwo \\n three\n",
        " \n",
        "a\n`b` \nc",
        "words and\\ \\ words",
    ):
        for size in (1, 2, 5):
            for sizes in ([], [60]):
                assert Seen(as_deltas(text, size), sizes=sizes).text == text


def test_white_space_before_the_stream_breaks_stays() -> None:
    stream = as_deltas("Some words \n", 4).partition(b'event: delta\ndata: {"message"')[0]
    seen = Seen(stream, sizes=[80])
    assert seen.player.error is not None
    assert seen.text.startswith("Some words")


def test_forced_call_that_never_comes_fails_the_turn() -> None:
    forced = Toolbox(TOOLS.tools, "required")
    for answers in ((as_deltas("No.", 2),), (as_deltas("No.", 2), as_deltas("Never.", 2))):
        seen = Seen(*answers, toolbox=forced)
        assert seen.text == ""
        assert seen.player.error is not None
        assert (seen.player.error.status, seen.player.error.code) == (502, "tool_call_failed")


def test_wrong_call_that_is_not_asked_for_again_is_passed_on() -> None:
    seen = Seen(as_deltas(f"Look. {CALL.replace(': 1', ': x')}", 4), toolbox=Toolbox((Tool("f"),)))
    assert (seen.text, seen.calls) == ("Look.", [])


def test_refusal_is_told_and_nothing_is_added_to_it() -> None:
    seen = Seen(as_deltas("I will not.", 3), as_deltas("No.", 3), toolbox=None, form=JsonFormat())
    assert (seen.text, [event.text for event in seen.player.events if isinstance(event, Refused)]) == (
        "",
        ["No."],
    )


def test_notes_are_not_added_to_json() -> None:
    contract = AnswerContract(None, JsonFormat(), NONCE, lambda: "call_1")
    conversation = Conversation((), Options(contract=contract))
    conversation.receive_data(as_deltas('{"a": 1}', 3))
    while conversation.next_event() is not PAUSED:
        pass
    conversation.conclude(["A note."])
    assert conversation.answer.text == '{"a": 1}'


@pytest.mark.parametrize("stream", [as_deltas, as_snapshots])
@pytest.mark.parametrize("size", [1, 2, 3, 9, 1000])
@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        f"So:\n\n```xml\n{CALL}\n```\n\nor `<call-{NONCE} name=...>`.",
        f"It is call-{NONCE}, or <call-{NONCE}x, or &lt;call-{NONCE}&gt;, well-known - as result-{NONCE}",
    ],
    ids=["code", "words"],
)
def test_secret_of_the_conversation_is_shown_nowhere(stream, text: str, size: int, fast: bool) -> None:  # type: ignore[no-untyped-def]
    seen = Seen(stream(text, size), fast=fast)
    assert (seen.text, seen.calls) == (text.replace(NONCE, "..."), [])


@pytest.mark.parametrize(
    ("toolbox", "done"), [(TOOLS, True), (Toolbox((Tool("f", strict=True),)), False)], ids=["kept", "strict"]
)
def test_question_that_the_backend_does_not_take_is_done_without(toolbox: Toolbox, done: bool) -> None:
    contract = AnswerContract(toolbox, None, NONCE, lambda: "call_1")
    conversation = Conversation((), Options(contract=contract), Files())
    player = Player(conversation, chat_stream())
    player.play([as_deltas("Look.\n" + CALL.replace('"f"', '"g"'), 4)])
    assert player.ended is not None
    assert player.ended.question
    assert not conversation.do_without(), "nothing was asked yet"
    conversation.start_next_exchange((), seamless=False)
    assert conversation.do_without() == done
    if done:
        assert not conversation.do_without(), "it is over"
        conversation.conclude()
        assert conversation.answer.text == "Look."
    plain = Conversation((), Options())
    assert not plain.do_without()
