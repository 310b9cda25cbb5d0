"""The answer in order: text, items, and pictures on which everything behind them waits."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.text import AnswerBuilder, AnswerText, escaped, unescaped
from translate.text.answer import MAX_PIECE_CHARACTERS, breaks_at_end
from translate.values import (
    Asset,
    Cited,
    CodeDelta,
    Event,
    ExchangeEnded,
    ItemEnded,
    ItemKind,
    ItemStarted,
    OutputDelta,
    Picture,
    PictureShown,
    PictureWanted,
    ReasoningDelta,
    Refused,
    ShownCitation,
    TextDelta,
)

ASSET, OTHER = Asset("file-service://file-1"), Asset("file-service://file-2")
PICTURE = Picture("https://files.example/1.png")
CITATION = ShownCitation("[[1](https://a.example/)]", "https://a.example/", "A")


def taken(builder: AnswerBuilder) -> list[Event]:
    builder.flush()
    events = list(builder.events)
    builder.events.clear()
    return events


def delta(*texts: str) -> TextDelta:
    return TextDelta([escaped(text) for text in texts])


def test_texts_are_pieces_of_one_event_up_to_the_next_other_event() -> None:
    builder = AnswerBuilder()
    builder.start_item(ItemKind.PROSE, "a1")
    for text in ("One", "", " two"):
        builder.add_text(text)
    builder.add_unread([b" three", b" \\u4f60"], b" three \\u4f60")
    builder.add_citation(CITATION)
    builder.add_text(".")
    builder.end_item(ItemKind.PROSE, "a1")
    builder.end(ExchangeEnded())
    assert taken(builder) == [
        ItemStarted(ItemKind.PROSE, "a1"),
        TextDelta([b"One", b" two", b" three", b" \\u4f60"]),
        Cited(CITATION),
        delta("."),
        ItemEnded(ItemKind.PROSE, "a1"),
        ExchangeEnded(),
    ]
    assert builder.answer.text == "One two three 你."
    assert builder.answer.escaped == b"One two three \\u4f60."
    assert builder.answer.size == len(builder.answer.escaped)


def test_long_text_is_split_into_pieces_that_fit_a_line() -> None:
    builder = AnswerBuilder()
    builder.add_text("🔥" * (MAX_PIECE_CHARACTERS + 1))
    (event,) = taken(builder)
    assert isinstance(event, TextDelta)
    assert [len(unescaped(piece)) for piece in event.pieces] == [MAX_PIECE_CHARACTERS, 1]
    assert all(len(piece) < 60 * 1024 for piece in event.pieces)


def waiting(stop: Sequence[str] = ()) -> AnswerBuilder:
    """A builder with a picture that is waited for, and all kinds of things behind it."""
    builder = AnswerBuilder(stop)
    builder.start_item(ItemKind.PICTURE, "p1")
    builder.add_picture(ASSET)
    builder.end_item(ItemKind.PICTURE, "p1")
    builder.add_text("\n\n")
    builder.start_item(ItemKind.PROSE, "a1")
    builder.add_text("Words")
    builder.add_citation(CITATION)
    builder.end_item(ItemKind.PROSE, "a1")
    builder.start_item(ItemKind.PICTURE, "p2")
    builder.add_picture(OTHER)
    builder.end_item(ItemKind.PICTURE, "p2")
    builder.add_text("\n\nEnd")
    return builder


BEHIND: list[Event] = [
    ItemEnded(ItemKind.PICTURE, "p1"),
    delta("\n\n"),
    ItemStarted(ItemKind.PROSE, "a1"),
    delta("Words"),
    Cited(CITATION),
    ItemEnded(ItemKind.PROSE, "a1"),
    ItemStarted(ItemKind.PICTURE, "p2"),
    PictureWanted(OTHER),
]


def test_everything_behind_a_picture_waits_for_it_in_order() -> None:
    builder = waiting()
    assert taken(builder) == [ItemStarted(ItemKind.PICTURE, "p1"), PictureWanted(ASSET)]
    assert builder.wanted == ASSET
    assert not builder.passes_through
    assert not builder.empty
    builder.supply(PICTURE, "![1](x)")
    assert taken(builder) == [delta("![1](x)"), PictureShown(ASSET, PICTURE), *BEHIND]
    assert builder.wanted == OTHER
    builder.supply(None, "[lost]")
    assert taken(builder) == [delta("[lost]"), ItemEnded(ItemKind.PICTURE, "p2"), delta("\n\nEnd")]
    assert builder.wanted is None
    assert builder.passes_through


def test_reasoning_does_not_wait() -> None:
    builder = waiting()
    taken(builder)
    builder.start_reasoning("t1")
    builder.add_reasoning("Hm")
    builder.end_reasoning("t1")
    assert taken(builder) == [
        ItemStarted(ItemKind.REASONING, "t1"),
        ReasoningDelta([b"Hm"]),
        ItemEnded(ItemKind.REASONING, "t1"),
    ]


def test_answer_that_ends_while_a_picture_is_waited_for_ends_its_item_alone() -> None:
    builder = waiting()
    taken(builder)
    builder.release()
    assert taken(builder) == [ItemEnded(ItemKind.PICTURE, "p1")]
    assert builder.wanted is None
    assert builder.answer.text == ""


def test_stop_sequence_in_what_waits_ends_the_text_but_no_item_stays_open() -> None:
    builder = waiting(stop=["ord"])
    taken(builder)
    builder.supply(PICTURE, "1")
    assert builder.stopped
    assert builder.wanted is None
    events = taken(builder)
    assert not [event for event in events if isinstance(event, PictureWanted)]
    started = [(event.kind, event.id) for event in events if isinstance(event, ItemStarted)]
    ended = [(event.kind, event.id) for event in events if isinstance(event, ItemEnded)]
    assert ended == [(ItemKind.PICTURE, "p1"), *started]
    assert builder.answer.text == "1\n\nW"
    builder.add_picture(ASSET)
    assert taken(builder) == []


def test_text_that_may_begin_a_stop_sequence_is_held_back_and_then_released() -> None:
    builder = AnswerBuilder(["END"])
    builder.add_text("the EN")
    assert not builder.passes_through
    assert not builder.stopped
    assert builder.answer.text == "the "
    builder.release()
    assert builder.answer.text == "the EN"


def test_what_is_hidden_is_shown_nowhere_and_what_waits_for_it_keeps_its_place() -> None:
    builder = AnswerBuilder(["END"], hidden="-abc")
    assert builder.stop_sequence == ""
    builder.start_reasoning("t1")
    for piece in ("x-a", "bc y", "-a"):
        builder.add_reasoning(piece)
    builder.end_reasoning("t1")
    for kind in (ItemKind.CODE, ItemKind.OUTPUT):
        builder.start_item(kind, "c1")
        builder.add_apart(kind, "f(")
        builder.add_apart(kind, "-a")
        builder.add_apart(kind, "bc)-")
        builder.end_item(kind, "c1")
    builder.add_text("a-abc, b-ab")
    builder.start_reasoning("t2")
    builder.end_reasoning("t2")
    builder.add_citation(CITATION)
    builder.add_refusal("no-abc-")
    assert taken(builder) == [
        ItemStarted(ItemKind.REASONING, "t1"),
        ReasoningDelta([b"x"]),
        ReasoningDelta([b"-... y"]),
        ReasoningDelta([b"-a"]),
        ItemEnded(ItemKind.REASONING, "t1"),
        ItemStarted(ItemKind.CODE, "c1"),
        CodeDelta([b"f("]),
        CodeDelta([b"-...)"]),
        CodeDelta([b"-"]),
        ItemEnded(ItemKind.CODE, "c1"),
        ItemStarted(ItemKind.OUTPUT, "c1"),
        OutputDelta([b"f("]),
        OutputDelta([b"-...)"]),
        OutputDelta([b"-"]),
        ItemEnded(ItemKind.OUTPUT, "c1"),
        delta("a-..., b", "-ab"),
        ItemStarted(ItemKind.REASONING, "t2"),
        ItemEnded(ItemKind.REASONING, "t2"),
        Cited(CITATION),
        Refused("no-...-"),
    ]


def test_refusal_is_an_event_of_its_own() -> None:
    builder = AnswerBuilder()
    builder.add_refusal("No-abc.")
    assert taken(builder) == [Refused("No-abc.")]


@pytest.mark.parametrize(
    ("texts", "expected"), [([], 0), (["a"], 0), (["a\n"], 1), (["a\n", "\n"], 2), (["\n\n\n"], 2)]
)
def test_line_breaks_at_the_end_are_counted(texts: list[str], expected: int) -> None:
    builder = AnswerBuilder()
    for text in texts:
        builder.add_text(text)
    assert builder.line_breaks == expected
    assert builder.empty == (not texts)


def test_line_breaks_at_the_end_are_those_of_what_waits() -> None:
    builder = AnswerBuilder()
    builder.add_text("a\n\n")
    builder.start_item(ItemKind.PICTURE, "p1")
    builder.add_picture(ASSET)
    builder.end_item(ItemKind.PICTURE, "p1")
    assert builder.line_breaks == 0
    builder.add_text("b\n")
    builder.end_item(ItemKind.PROSE, "a1")
    assert builder.line_breaks == 1


@given(st.lists(st.tuples(st.booleans(), st.text("ab\n", max_size=4)), max_size=8))
def test_answer_knows_its_end_whether_it_was_read_or_not(parts: list[tuple[bool, str]]) -> None:
    answer, text = AnswerText(), ""
    for read, part in parts:
        if read:
            answer.append(escaped(part), part)
        else:
            answer.append_unread(escaped(part))
        text += part
    assert answer.line_breaks == min(2, len(text) - len(text.rstrip("\n"))) == breaks_at_end(text)
    assert (answer.text, answer.escaped) == (text, escaped(text))
