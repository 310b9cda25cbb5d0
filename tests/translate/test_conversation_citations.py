"""Citations and links to files, as a reader sees them: however cut, and however late they are told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.reading import answer, content_of, whole_answer
from tests.translate.stories import SIZES
from tests.translate.tool_turns import citation
from tests.translate.wire import Json, finished, message, sse
from translate.openai.citations import page_of, placed
from translate.values.style import CitationForm, Style

CITED = "It is cold【11†source】 and wet【12†来源】."
COLD, WET = (10, 21, 11, "https://cold.example/", "Cold"), (29, 36, 12, "https://wet.example/", "Wet")


def growth(text: str, step: int, citations: list[Json], *, from_length: int = 0) -> bytes:
    """`text` growing by `step` characters; the citations are told from a length on."""
    snapshots = [message("")]
    for end in range(step, len(text) + step, step):
        told: Json = {"citations": citations} if end >= from_length else {}
        snapshots.append(message(text[:end], metadata=told))
    last = finished(text)
    last["message"]["metadata"] |= {"citations": citations}  # type: ignore[index]
    return sse(*snapshots, last)


BOTH = [citation(*COLD), citation(*WET)]
LINKED = "It is cold([cold.example](https://cold.example/)) and wet([wet.example](https://wet.example/))."


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("late", [0, 22, 30, 1000])
def test_trap_15_citations_become_links_however_they_are_cut_and_however_late_they_come(
    step: int, late: int
) -> None:
    stream = growth(CITED, step, BOTH, from_length=late)
    for fast in (True, False):
        seen = answer(stream, fast=fast)
        assert seen.text == LINKED
        assert all("†" not in delta for delta in seen.deltas)
    assert content_of(whole_answer(stream)) == LINKED


def test_two_marks_of_one_number_are_told_apart_by_their_ranges() -> None:
    text = "A【5†source】 B【5†source】"
    marks = [found.span() for found in re.finditer("【.*?】", text)]
    citations = [
        citation(*marks[1], 5, "https://second.example/"),
        citation(*marks[0], 5, "https://first.example/"),
    ]
    expected = "A[[1](https://first.example/)] B[[2](https://second.example/)]"
    for step in (1, 3, 50):
        assert answer(growth(text, step, citations), citations=CitationForm.NUMBER).text == expected


def test_far_citation_of_the_same_number_is_not_taken_while_the_right_one_may_still_come() -> None:
    text = f"A【5†source】 {'word ' * 40}B【5†source】."
    first, second = (found.span() for found in re.finditer("【.*?】", text))
    far = citation(*second, 5, "https://second.example/")
    both: Json = {"citations": [far, citation(*first, 5, "https://first.example/")]}
    stream = sse(
        message(""), message(text, metadata={"citations": [far]}), message(text + " ", metadata=both)
    )
    shown = answer(stream).text
    first_link, second_link = (
        "([first.example](https://first.example/))",
        "([second.example](https://second.example/))",
    )
    assert shown.index("A" + first_link) < shown.index("B" + second_link)


UNCITED = ["【11†source】", "【7:1†source】", "【57†L18-L22】", "【†source】", "【3†(yr.no)】", "【1†资料】"]


@pytest.mark.parametrize("mark", UNCITED)
def test_mark_without_a_citation_is_dropped_by_the_end_of_its_message(mark: str) -> None:
    assert answer(growth(f"Cold{mark}.", 1, [])).text == "Cold."


ORDINARY = ["【注意】重要", "【", "a【1", "【12】", "】†【", "【x†y】", "[1](", "](", "[a](b)", "x[12](34)"]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_brackets_pass(text: str) -> None:
    for step in (1, 2, 50):
        assert answer(growth(text, step, [])).text == text


def test_bracket_that_never_closes_holds_back_only_so_much() -> None:
    text = "【11†" + "long " * 100
    seen = answer(sse(message(""), message(text)))
    assert seen.text == text
    shown = answer(sse(message(""), message(text), message(text + "x"), done=False))
    assert len("".join(shown.deltas[:1])) > 300


def test_marks_inside_code_are_code() -> None:
    text = "`【11†source】` and\n```\n【12†source】 [x](sandbox:/mnt/data/x)\n```\nend"
    for step in (1, 4, 100):
        assert answer(growth(text, step, BOTH)).text == text


MARK = "\ue200cite\ue202turn0search3\ue201"


@pytest.mark.parametrize("step", [1, 5, 100])
def test_marks_of_later_ages_become_the_links_that_come_with_them(step: int) -> None:
    item: Json = {"title": "Weather", "url": "https://yr.example/"}
    bare: Json = {"type": "webpage", "matched_text": MARK, "start_idx": 4, "end_idx": 25, "items": [item]}
    ready = bare | {"alt": "([Yr](https://yr.example/))"}
    for reference, shown in ((bare, "([yr.example](https://yr.example/))"), (ready, str(ready["alt"]))):
        told: Json = {"content_references": [reference]}
        text = f"Cold{MARK}."
        snapshots = [message(text[:end]) for end in range(0, len(text), step)]
        stream = sse(*snapshots, message(text, metadata=told), message(text + " Wet.", metadata=told))
        assert answer(stream).text == f"Cold{shown}. Wet."
    assert answer(growth(f"Cold{MARK}.", step, [])).text == "Cold."


def test_citations_are_left_out_of_styles_without_markdown() -> None:
    for style in (Style.PLAIN, Style.TEXT):
        assert answer(growth(CITED, 3, BOTH), style=style).text == "It is cold and wet."


def test_whole_answer_names_its_citations_with_their_places() -> None:
    message = whole_answer(growth(CITED, 3, BOTH))["choices"][0]["message"]  # type: ignore[index]
    found = [item["url_citation"] for item in message["annotations"]]
    assert [(item["url"], item["title"]) for item in found] == [
        ("https://cold.example/", "Cold"),
        ("https://wet.example/", "Wet"),
    ]
    for item in found:
        assert item["url"] in message["content"][item["start_index"] : item["end_index"]]


@pytest.mark.parametrize("form", CitationForm)
def test_annotations_name_the_pages_in_every_form_by_addresses_that_can_be_followed(
    form: CitationForm,
) -> None:
    text = "A【5†source】 B【5†source】."
    first, second = (found.span() for found in re.finditer("【.*?】", text))
    pages = {first: "https://first.example/a b?q=(1)", second: "https://second.example/|\u3000"}
    citations = [citation(*place, 5, url, "T") for place, url in pages.items()]
    seen = answer(growth(text, 1, citations), citations=form)
    found = list(placed(seen.text, seen.conversation.citations))
    assert [page_of(shown)["url"] for _, _, shown in found] == [
        "https://first.example/a%20b?q=(1)",
        "https://second.example/%7C%E3%80%80",
    ]
    assert (seen.text == "A B.") == (form is CitationForm.NONE)
    for start, end, shown in found:
        assert seen.text[start:end] == shown.link


SANDBOX = {
    "/mnt/data/out.csv": True,
    "/mnt/data/a b (1).csv": True,
    "/mnt/data/报告.pdf": True,
    "/mnt/data/100%25.txt": True,
    "/mnt/data/x.secret": False,
}


@pytest.mark.parametrize("path", SANDBOX)
@pytest.mark.parametrize("step", [1, 3, 100])
def test_trap_16_links_into_the_sandbox_lead_to_the_file(path: str, step: int) -> None:
    text = f"Here: [Download](sandbox:{path}), enjoy."
    link = f"[Download](https://files.example/a1{path})" if SANDBOX[path] else "[Download]"
    for fast in (True, False):
        seen = answer(growth(text, step, []), fast=fast)
        assert seen.text == f"Here: {link}, enjoy."
        assert not any("sandbox" in delta for delta in seen.deltas)


FRAGMENTS = [
    "【11†source】", "【", "】", "†", "11", "[a](sandbox:/mnt/data/x.csv)", "[", "]", "(", ")", "](",
    "sandbox:", "`", "```", "\n", "\n\n", "word ", "🔥", "\ue200cite\ue202turn0\ue201", "\ue200",
    "[b](11)", "/", " ",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


@given(text=TEXTS, step=st.integers(1, 9), late=st.integers(0, 60), sizes=SIZES)
def test_reader_sees_the_same_however_the_text_grew(
    text: str, step: int, late: int, sizes: list[int]
) -> None:
    spans = [found.span() for found in re.finditer("【11†source】", text)]
    citations = [citation(*span, 11, f"https://x.example/{span[0]}") for span in spans]
    at_once = answer(growth(text, 1000, citations)).text
    stream = growth(text, step, citations, from_length=late)
    slow, fast = answer(stream, fast=False), answer(stream, sizes=sizes)
    assert fast.text == slow.text
    assert slow.text == at_once
