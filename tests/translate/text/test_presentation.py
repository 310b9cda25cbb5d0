"""How each kind of item looks: what is held back of its text, and what stands around it."""

import pytest

from translate.text import (
    AnswerContext,
    Citation,
    Fenced,
    ItemSource,
    Links,
    Pictures,
    Presentation,
    ProgramOutput,
    Prose,
    Reasoning,
    SourceText,
    ToolError,
)
from translate.values import ItemKind, Style

HELD: dict[str, tuple[Presentation, str, int]] = {
    "nothing": (Prose(), "", 0),
    "whole text": (Prose(), "abc", 0),
    "half a pair": (Prose(), "ab\ud83d", 1),
    "the other half": (Prose(), "ab\udd25", 0),
    "half a character": (Prose(), "caf\ufffd", 1),
    "as long as a character can be": (Prose(), "\ufffd" * 4, 4),
    "replacement characters that are meant": (Prose(), "\ufffd" * 5, 0),
    "backtick in prose": (Prose(), "a`", 0),
    "backticks in code": (Fenced(), "a```", 3),
    "half a character in code": (Fenced(), "`\ufffd", 1),
    "backticks in output": (ProgramOutput(), "a``", 2),
    "beginning of a figure's mark": (ProgramOutput(), "data\n<<Image", 7),
    "whole mark": (ProgramOutput(), "<<ImageDisplayed>>", 0),
    "no mark": (ProgramOutput(), "a < b", 0),
    "backticks in reasoning": (Reasoning(), "a`", 0),
}


@pytest.mark.parametrize(("presentation", "text", "count"), HELD.values(), ids=HELD)
def test_end_of_a_text_is_held_back_if_it_may_be_half_of_something(
    presentation: Presentation, text: str, count: int
) -> None:
    assert presentation.held_back(text) == count


@pytest.mark.parametrize(
    ("presentation", "kind", "styles"),
    [
        (Prose(), ItemKind.PROSE, set(Style)),
        (Reasoning(), ItemKind.REASONING, set(Style)),
        (Fenced(), ItemKind.CODE, {Style.WEB}),
        (ProgramOutput(), ItemKind.OUTPUT, {Style.WEB}),
        (ToolError(), ItemKind.ERROR, {Style.WEB}),
        (Pictures(), ItemKind.PICTURE, {Style.WEB, Style.PLAIN}),
    ],
)
def test_each_kind_is_shown_in_its_styles(
    presentation: Presentation, kind: ItemKind, styles: set[Style]
) -> None:
    assert presentation.kind is kind
    assert set(presentation.styles) == styles


def source(text: str = "", language: str = "") -> ItemSource:
    message = SourceText(Prose().held_back)
    message.become(text)
    return ItemSource("a1", message, language)


CONTEXT = AnswerContext(Style.WEB, None)


def test_item_of_a_plain_presentation_has_nothing_around_it() -> None:
    item = Reasoning().open(source(), "x", CONTEXT)
    assert (item.opening, item.closing(0), item.take_notice(), item.stays_open) == ("", "", "", False)
    assert item.filters.feed("x") == "x"


def test_code_stands_in_a_fence_that_its_beginning_does_not_close() -> None:
    item = Fenced().open(source(language="python"), "a ```` b", CONTEXT)
    assert item.opening == "`````python\n"
    assert (item.closing(0), item.closing(1)) == ("\n`````\n", "`````\n")
    assert item.cite([Citation(0, 1, 1, "https://a.example/", "A")]) == ""


def test_output_begins_with_its_first_line_that_has_something_in_it() -> None:
    presentation = ProgramOutput()
    assert presentation.prepare("\n\n x\n", opening=True) == " x\n"
    assert presentation.prepare("\n \n", opening=True) == ""
    assert presentation.prepare("\n \x1b[0m\n", opening=False) == "\n \n"
    assert presentation.open(source(), "x", CONTEXT).opening == "```output\n"


class Shelf(Links):
    """Addresses with the message's id in them."""

    has_room = True

    def sandbox(self, message_id: str, path: str) -> str | None:
        return f"https://files.example/{message_id}{path}"


@pytest.mark.parametrize(
    ("style", "links", "shown"),
    [
        (Style.WEB, Shelf(), "[x](https://files.example/a1/x)"),
        (Style.PLAIN, Shelf(), "[x](https://files.example/a1/x)"),
        (Style.TEXT, Shelf(), "[x]"),
        (Style.WEB, None, "[x]"),
    ],
)
def test_links_to_files_are_those_of_the_caller(style: Style, links: Links | None, shown: str) -> None:
    text = "[x](sandbox:/x)"
    item = Prose().open(source(text), text, AnswerContext(style, links))
    assert item.filters.feed(text) + item.filters.release() == shown
