"""Changes of messages become the answer that a person reads."""

import pytest

from translate.text import (
    AnswerBuilder,
    Citation,
    CitationsChanged,
    Completed,
    Fenced,
    Grew,
    Message,
    PictureAdded,
    Pictures,
    Presentation,
    ProgramOutput,
    Prose,
    Reasoning,
    Renderer,
    TookBack,
    ToolError,
    ToolFailed,
)
from translate.text.renderer import MAX_ERROR, MAX_REASONING, UNAVAILABLE
from translate.values import (
    Asset,
    Cited,
    Event,
    ItemEnded,
    ItemKind,
    ItemStarted,
    Picture,
    ReasoningDelta,
    Style,
)

ASSET = Asset("file-service://file-1", alt="A cat")
PICTURE = Picture("https://files.example/1.png")


class Desk:
    """A renderer and what comes of it."""

    def __init__(self, style: Style = Style.WEB, *, reasoning: bool = False) -> None:
        self.builder = AnswerBuilder()
        self.renderer = Renderer(self.builder, style, None, reasoning=reasoning)

    def grow(self, message: Message, piece: str) -> None:
        self.renderer.render(Grew(message, piece))

    def written(self) -> str:
        self.renderer.close()
        self.builder.flush()
        return self.builder.answer.text

    @property
    def events(self) -> list[Event]:
        return list(self.builder.events)


def a_message(presentation: Presentation | None = None, id: str = "a1", language: str = "") -> Message:
    return Message(id, presentation or Prose(), language)


def test_items_stand_a_blank_line_apart_each_between_its_events() -> None:
    desk = Desk()
    words, code, output = a_message(), a_message(Fenced(), "c1", "python"), a_message(ProgramOutput(), "o1")
    assert not desk.renderer.began
    desk.grow(words, "Look:\n")
    desk.grow(code, "print(1)")
    desk.renderer.render(Completed(code))
    desk.grow(output, "\n\n1\n\n")
    desk.renderer.render(Completed(output))
    desk.grow(words, "So.")
    assert desk.renderer.began
    assert desk.written() == "Look:\n\n```python\nprint(1)\n```\n\n```output\n1\n```\n\nSo."
    borders = [event for event in desk.events if isinstance(event, ItemStarted | ItemEnded)]
    assert borders == [
        ItemStarted(ItemKind.PROSE, "a1"),
        ItemEnded(ItemKind.PROSE, "a1"),
        ItemStarted(ItemKind.CODE, "c1", "python"),
        ItemEnded(ItemKind.CODE, "c1"),
        ItemStarted(ItemKind.OUTPUT, "o1"),
        ItemEnded(ItemKind.OUTPUT, "o1"),
        ItemStarted(ItemKind.PROSE, "a1"),
        ItemEnded(ItemKind.PROSE, "a1"),
    ]


def test_prose_that_is_complete_stays_open_for_more() -> None:
    desk, words = Desk(), a_message()
    desk.grow(words, "One【1")
    desk.renderer.render(Completed(words))
    desk.grow(words, " two")
    assert desk.written() == "One【1 two"


def test_output_without_a_word_is_no_item() -> None:
    desk, output = Desk(), a_message(ProgramOutput())
    desk.grow(output, "\n \n")
    desk.renderer.render(Completed(output))
    assert not desk.renderer.began
    assert desk.written() == ""


def test_message_that_is_taken_up_again_in_mid_sentence_has_no_gap() -> None:
    desk = Desk()
    desk.grow(a_message(id="a1"), "Once upon")
    desk.renderer.continue_seamlessly()
    desk.grow(a_message(id="a2"), " a time")
    desk.grow(a_message(id="a3"), "More")
    assert desk.written() == "Once upon a time\n\nMore"


@pytest.mark.parametrize("style", [Style.PLAIN, Style.TEXT])
def test_styles_without_markdown_show_neither_code_nor_errors(style: Style) -> None:
    desk = Desk(style)
    desk.grow(a_message(Fenced()), "x")
    desk.grow(a_message(ProgramOutput()), "x")
    desk.renderer.render(ToolFailed(a_message(ToolError()), "Oops", "x"))
    assert desk.written() == ""


def test_what_is_not_open_cannot_be_taken_back_or_cited_or_completed() -> None:
    desk, words, other = Desk(), a_message(), a_message(id="a2")
    desk.grow(words, "One【1")
    desk.renderer.render(TookBack(other, 2))
    desk.renderer.render(CitationsChanged(other))
    desk.renderer.render(Completed(other))
    assert desk.written() == "One【1"


def test_items_without_citations_and_without_anything_held_ignore_such_changes() -> None:
    desk, code = Desk(), a_message(Fenced(), language="python")
    desk.grow(code, "x")
    desk.renderer.render(CitationsChanged(code))
    desk.renderer.render(TookBack(code, 1))
    assert desk.written() == "```python\nx\n```\n"


def test_what_is_held_of_prose_is_taken_back() -> None:
    desk, words = Desk(), a_message()
    desk.grow(words, "One【1")
    desk.renderer.render(TookBack(words, 1))
    assert desk.written() == "One【"


def test_citations_are_told_behind_the_text_that_holds_them() -> None:
    desk, words = Desk(), a_message()
    desk.grow(words, words.source.grow("A【1†s】.".encode(), "A【1†s】."))
    words.citations = [Citation(1, 6, 1, "https://a.example/", "A")]
    desk.renderer.render(CitationsChanged(words))
    assert desk.written() == "A([a.example](https://a.example/))."
    assert [event.citation for event in desk.events if isinstance(event, Cited)] == desk.renderer.citations
    assert [shown.title for shown in desk.renderer.citations] == ["A"]


@pytest.mark.parametrize(
    ("style", "shown"),
    [(Style.WEB, "![A cat](https://files.example/1.png)"), (Style.PLAIN, PICTURE.address)],
)
def test_picture_is_shown_when_it_was_supplied(style: Style, shown: str) -> None:
    for picture, expected in ((PICTURE, shown), (None, UNAVAILABLE)):
        desk = Desk(style)
        desk.renderer.supply(picture)  # none is wanted yet
        desk.renderer.render(PictureAdded(a_message(Pictures()), ASSET))
        assert desk.builder.wanted == ASSET
        desk.renderer.supply(picture)
        assert desk.written() == expected


def test_picture_without_a_prompt_has_a_general_alternative_text() -> None:
    desk = Desk()
    desk.renderer.render(PictureAdded(a_message(Pictures()), Asset("file-service://file-1", alt="[*]")))
    desk.renderer.supply(PICTURE)
    assert desk.written() == "![image](https://files.example/1.png)"


def test_style_of_text_alone_shows_no_pictures() -> None:
    desk = Desk(Style.TEXT)
    desk.renderer.render(PictureAdded(a_message(Pictures()), ASSET))
    assert desk.builder.wanted is None
    assert not desk.renderer.began


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("ValueError", "no\n <x> `y`", "> **ValueError** `no <x> 'y'`"),
        ("", "no", "> **error** `no`"),
        ("ValueError", "", "> **ValueError**"),
        ("", "x" * 1000, "> **error** `" + "x" * MAX_ERROR + "`"),
    ],
)
def test_error_of_a_tool_is_one_line(name: str, text: str, line: str) -> None:
    desk = Desk()
    desk.renderer.render(ToolFailed(a_message(ToolError()), name, text))
    assert desk.written() == line


def test_notes_are_paragraphs() -> None:
    desk = Desk()
    desk.grow(a_message(), "Hi\n")
    desk.renderer.note("A note")
    assert desk.written() == "Hi\n\nA note"


def thinking(desk: Desk) -> str:
    events = [event for event in desk.events if isinstance(event, ReasoningDelta)]
    return "".join(piece.decode() for event in events for piece in event.pieces)


def test_reasoning_stands_beside_the_answer_in_items_of_its_own() -> None:
    desk = Desk(reasoning=True)
    words, one, two = a_message(), a_message(Reasoning(), "t1"), a_message(Reasoning(), "t2")
    desk.grow(words, "Hi")
    desk.grow(one, "Hm")
    desk.grow(two, "Well")
    desk.renderer.render(Completed(two))
    desk.grow(two, "!")
    desk.grow(words, " there")
    assert desk.written() == "Hi there"
    assert thinking(desk) == "Hm\\n\\nWell!"
    borders = [event for event in desk.events if isinstance(event, ItemStarted | ItemEnded)]
    assert [type(event) for event in borders if event.kind is ItemKind.REASONING] == [
        ItemStarted,
        ItemEnded,
    ] * 3


def test_reasoning_is_passed_on_up_to_a_limit() -> None:
    desk, thought = Desk(reasoning=True), a_message(Reasoning())
    desk.grow(thought, "x" * (MAX_REASONING - 1))
    desk.grow(thought, "yz")
    desk.grow(thought, "z")
    assert len(thinking(desk)) == MAX_REASONING
    assert thinking(desk).endswith("xy")


def test_reasoning_that_is_not_wanted_is_not_shown() -> None:
    desk, thought = Desk(), a_message(Reasoning())
    desk.grow(thought, "Hm")
    desk.renderer.render(Completed(thought))
    assert desk.written() == ""
    assert desk.events == []


def test_plain_pieces_go_by_only_for_the_open_message_with_nothing_held() -> None:
    desk, words = Desk(), a_message()
    assert not desk.renderer.passes_through(words)
    desk.grow(words, "Hi")
    assert desk.renderer.passes_through(words)
    assert not desk.renderer.passes_through(a_message())
    desk.grow(words, " [a](")
    assert not desk.renderer.passes_through(words)
    desk.renderer.render(PictureAdded(a_message(Pictures()), ASSET))
    assert not desk.renderer.passes_through(words)
