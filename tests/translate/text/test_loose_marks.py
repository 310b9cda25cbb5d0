"""Marks without their private-use characters, and the fences of writing blocks."""

import pytest

from tests.translate.text.reader import Reader
from translate.text import LOOSE_HINT, Citation
from translate.text.loose_marks import open_loose_mark

FORMS = {
    "cite" + "turn0search0turn0news3": "",
    "file" + "citeturn1file0": "",
    "iturn0image0turn0image1": "",
    'entity["company","Acme","maker"]': "Acme",
    'entity["company"]': "",
    ":contentReference[oaicite:0]{index=0}": "",
    ":contentReference[oaicite:12]": "",
    "[oaicite:0]": "",
    "[oai_citation:0‡example.org](https://example.org/)": "[example.org](https://example.org/)",
    '({"attribution":{"attributableIndex":"1009-1"}})': "",
    "\\ue200cite\\ue202turn0search1\\ue201": "",
    "\\ue202turn0search1": "",
}
NONE = [
    "cite", "recite" + "turn0", "citeturn", "an entity[0]", "entity", ":content", "([a])", "({", "\\u1234",
    "x: y",    "cited", "i", "it turns", "::", "Note::", "[oai", "[oaicite:x]", "recite" + "turn0search0",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_form_shows_its_words_or_nothing_outside_of_code(form: str) -> None:
    assert Reader().whole(f"It rains. {form} Take a coat.") == f"It rains. {FORMS[form]} Take a coat."
    assert Reader().whole(form) == FORMS[form]
    assert Reader().whole(f"`{form}`") == f"`{form}`"


@pytest.mark.parametrize("form", FORMS)
def test_form_may_be_cut_anywhere_behind_its_first_word(form: str) -> None:
    first = next(end for end in range(1, len(form)) if form[0] == ":" or LOOSE_HINT.search(_json(form[:end])))
    first = max(first, len(":contentReference[") if form[0] == ":" else first)
    for end in range(max(first, 8 if form[0] == "i" else 5), len(form)):
        reader = Reader()
        shown = reader.feed(f"It rains. {form[:end]}") + reader.feed(f"{form[end:]} Yes.")
        assert shown + reader.rewriter.release() == f"It rains. {FORMS[form]} Yes.", end


def _json(text: str) -> bytes:
    return text.replace("\\", "\\\\").encode()


@pytest.mark.parametrize("text", NONE)
def test_plain_words_stay(text: str) -> None:
    assert Reader().whole(text) == text
    assert Reader().in_pieces(f"{text} {text}", 3) == f"{text} {text}"


def test_stripped_mark_is_resolved_like_any_other() -> None:
    known = Citation(
        9, 25, None, "https://a.example/", "A", "cite" + "turn0search0", "([A](https://a.example/))"
    )
    assert Reader().whole("It rains " + known.matched + ".", known) == "It rains ([A](https://a.example/))."
    result = Citation(-1, -1, None, "https://a.example/", "A", "turn0search0")
    assert Reader().whole("It rains " + known.matched + ".", result) == "It rains [[1](https://a.example/)]."


def test_what_stands_before_the_text_decides_whether_a_word_begins() -> None:
    assert open_loose_mark("cite", 0, "") == 0
    assert open_loose_mark("cite", 0, " ") == 0
    assert open_loose_mark("cite", 0, "e") == -1
    assert open_loose_mark("cite entity", 0, "e") == 5
    reader = Reader()
    assert reader.feed("Please re") == "Please re"
    assert reader.feed("cite" + "turn0search0 it") == "cite" + "turn0search0 it"


LETTER = ':::writing{variant="email" id="1" subject="A } day"}\nDear all,\n\nat ten.\n:::\n'


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (LETTER, "Dear all,\n\nat ten.\n"),
        (f"Draft:\n\n{LETTER}\nChange it?", "Draft:\n\nDear all,\n\nat ten.\n\nChange it?"),
        (":::writing{id=“1}”} Words:::\nMore", "Words\nMore".replace("\n", "")),
        (":::writing{}\nNo end", "No end"),
        (":::writing{}\nAn end:::", "An end"),
        (':::writing{id="1}\nx', "x"),
        ("see :::writing{}", "see :::writing{}"),
        ("\n:::written", "\n:::written"),
        ("\n::: note\n:::", "\n::: note\n:::"),
        (":::writing{" + "x" * 2000 + "}", ":::writing{" + "x" * 2000 + "}"),
        (":::writing{}\na ::: b: :: c\n:::", "a ::: b: :: c\n"),
        ("```\n:::writing{}\nkept\n:::\n```", "```\n:::writing{}\nkept\n:::\n```"),
    ],
)
def test_fences_of_a_writing_block_are_left_out(text: str, shown: str, step: int) -> None:
    assert Reader().in_pieces(text, step) == shown
    assert Reader().whole(text) == shown
