"""Marks in prose: rewritten, kept or waited for, however the text and its citations come."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.text.reader import Reader
from translate.text import Citation, CitedPages, Source
from translate.text.citations import MAX_ARGUMENTS, MAX_DRIFT, MAX_JSON, MAX_LINK
from translate.text.marks import PRIVATE
from translate.text.marks import WAIT_FOR_LINK as MAX_WAIT
from translate.text.references import escape_url
from translate.text.source_text import common_prefix
from translate.values import CitationForm, ShownCitation

COLD = Citation(4, 15, 11, "https://cold.example/", "Cold")
MARKED = "Cold【11†source】."
REFERENCE = "\ue200cite\ue202turn0search3\ue201"


def test_text_from_an_open_mark_on_waits_for_the_citation() -> None:
    reader = Reader()
    assert reader.feed("Cold【11") == "Cold"
    assert not reader.rewriter.passes_through
    assert reader.feed("†source】. Wet.") == ""
    assert reader.rewriter.cite([COLD]) == "[[1](https://cold.example/)]. Wet."
    assert reader.rewriter.passes_through
    assert reader.shown == [ShownCitation("[[1](https://cold.example/)]", COLD.url, "Cold")]


def test_citation_that_never_comes_is_waited_for_only_so_long() -> None:
    reader = Reader()
    assert reader.feed(MARKED) == "Cold"
    assert reader.feed("x" * (MAX_WAIT - 10)) == ""
    assert reader.feed("y" * 20).startswith(".xxx")


def test_citation_of_the_number_may_be_some_characters_off_but_not_far_until_the_end() -> None:
    near = Citation(4 + MAX_DRIFT, 15 + MAX_DRIFT, 11, "https://near.example/", "Near")
    far = Citation(500, 511, 11, "https://far.example/", "Far")
    reader = Reader()
    reader.feed(MARKED)
    assert reader.rewriter.cite([far]) == ""
    assert reader.rewriter.cite([far, near]) == "[[1](https://near.example/)]."
    assert Reader().whole(MARKED, far) == "Cold[[1](https://far.example/)]."


def test_position_counts_what_went_by_unread() -> None:
    reader = Reader()
    assert reader.feed("a") == "a"
    reader.source.pass_unread(b"\\ud83d\\udd25!!")
    reader.feed(MARKED)
    moved = Citation(4 + 4, 15 + 4, None, COLD.url, "")
    assert reader.rewriter.cite([moved]) == "[[1](https://cold.example/)]."


@pytest.mark.parametrize(
    ("citation", "shown"),
    [
        (Citation(4, 15, 11, "", "a.pdf"), "Cold(a.pdf)."),
        (Citation(4, 15, 11, "", ""), "Cold."),
        (COLD, "Cold[[1](https://cold.example/)]."),
    ],
)
def test_citation_without_an_address_shows_its_title(citation: Citation, shown: str) -> None:
    reader = Reader()
    assert reader.whole(MARKED, citation) == shown
    assert bool(reader.shown) == bool(citation.url)


def test_mark_without_a_number_gets_one() -> None:
    citation = Citation(4, 13, None, "https://a.example/", "A")
    assert Reader().whole("Cold【†source】.", citation) == "Cold[[1](https://a.example/)]."


def test_one_page_has_one_number_and_no_other_page_has_it() -> None:
    text = "A【5†source】B【5†source】C【7†source】D【†source】E" + REFERENCE
    starts = [found.start() for found in re.finditer("【", text)]
    pages = [f"https://{host}.example/" for host in "abac"]
    citations = [Citation(at, at + 10, 5, page, "") for at, page in zip(starts[:3], pages, strict=False)]
    citations.append(Citation(starts[3], starts[3] + 9, None, pages[3], ""))
    citations.append(Citation(0, 0, None, pages[1], "", REFERENCE))
    assert re.findall(r"\[\[(\d)\]", Reader().whole(text, *citations)) == ["1", "2", "1", "3", "2"]


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        (
            Source("A", "https://user@www.Example.org:8443/x y"),
            "([www.example.org](https://user@www.Example.org:8443/x%20y))",
        ),
        (Source("A", "https://例子.example/"), "([例子.example](https://例子.example/))"),
        (Source("A", "https://[::1]/"), "([::1](https://[::1]/))"),
        (Source("A [b]", "https://[/"), r"([A \[b\]](https://[/))"),
        (Source("", "https://a`b/"), "([link](https://a%60b/))"),
        (Source("", "urn:isbn:1"), "([link](urn:isbn:1))"),
        (Source("a.pdf"), "(a.pdf)"),
        (Source(""), ""),
    ],
)
def test_page_is_cited_by_its_host(page: Source, shown: str) -> None:
    assert CitedPages(CitationForm.HOST).cite(page) == shown


def test_what_is_left_out_of_the_text_is_noted() -> None:
    ready = Citation(4, 9, None, "https://a.example/", "A", REFERENCE, "([A](https://a.example/))")
    for text, cited in (
        (f"Cold{REFERENCE}.", ready),
        (MARKED, COLD),
        (MARKED, Citation(4, 15, 11, "", "a.pdf")),
    ):
        reader = Reader(form=CitationForm.NONE)
        assert reader.whole(text, cited) == "Cold."
        assert reader.shown == []
        assert reader.further == ({cited.url: cited.title} if cited.url else {})


@pytest.mark.parametrize("form", CitationForm)
def test_link_with_words_to_a_file_is_its_words(form: CitationForm) -> None:
    mark = "\ue200url\ue202the report\ue202turn0file3\ue201"
    file = Citation(0, 0, None, "", "a.pdf", mark)
    assert Reader(form=form).whole(f"See {mark}.", file) == "See the report."


def test_of_openings_in_a_row_the_last_one_counts() -> None:
    cited = Citation(0, 0, None, "https://a.example/", "A", REFERENCE)
    assert Reader().whole(f"A\ue200\ue200{REFERENCE}.", cited) == "A[[1](https://a.example/)]."


def test_link_with_words_stays_where_citations_are_left_out() -> None:
    mark = "\ue200url\ue202the site\ue202turn0search3\ue201"
    entity = "\ue200entity\ue202turn0search3\ue201"
    reader = Reader(form=CitationForm.NONE)
    site = Citation(0, 0, None, "https://a.example/", "A", mark)
    ready = Citation(0, 0, None, "https://b.example/", "B", entity, "[B](https://b.example/)")
    assert reader.whole(f"See {mark} in {entity}.", site, ready) == (
        "See [the site](https://a.example/) in [B](https://b.example/)."
    )


def test_citations_are_left_out_where_none_are_shown() -> None:
    for text in (MARKED, f"Cold{REFERENCE}."):
        reader = Reader(show_citations=False)
        assert reader.feed(text) == "Cold."
        assert reader.shown == []


def test_reference_becomes_its_own_markdown_or_a_numbered_link() -> None:
    ready = Citation(4, 9, None, "https://a.example/", "A", REFERENCE, "([A](https://a.example/))")
    bare = Citation(4, 9, None, "https://a.example/", "A", REFERENCE)
    assert Reader().whole(f"Cold{REFERENCE}.", ready) == "Cold([A](https://a.example/))."
    reader = Reader()
    assert reader.whole(f"Cold{REFERENCE}{REFERENCE}.", bare) == (
        "Cold[[1](https://a.example/)][[1](https://a.example/)]."
    )
    assert Reader().whole(f"Cold{REFERENCE}.") == "Cold."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cold\ue200cite\ue202turn0sea", "Cold"),
        ("Cold\ue200cite\ue202turn0search1 and wet\n\nWarm.", "Cold and wet\n\nWarm."),
        ("Cold\ue200cite\n", "Cold\n"),
        ("Cold\ue200cite", "Cold"),
        ("Cold\ue200", "Cold"),
        ("Cold\ue200and", "Coldand"),
        ("Cold\ue200" + "x" * 300, "Cold" + "x" * 300),
        ("See \ue200url\ue202the site\ue202turn0search1", "See the site"),
        ("See \ue200url\ue202the site", "See the site"),
        ("Cold\ue200cite\ue202turn0search1\ue200cite\ue202turn0search2\ue201.", "Cold."),
        ('In \ue200entity\ue202["city","Oslo",""] it rains.', "In Oslo it rains."),
        ('In \ue200entity\ue202["city","Os', "In "),
        ("Cold\ue200cite\ue202" + "turn0search1 " * MAX_ARGUMENTS, None),
        ("Cold\ue200genui\ue202{" + "[" * 2 * MAX_JSON + "\ue201.", "Cold."),
        ("Cold\ue200genui\ue202{" + "[" * 2 * MAX_JSON + "\ue200.", "Cold."),
        ("Cold\ue200genui\ue202{" + "[" * 2 * MAX_JSON, "Cold"),
    ],
)
def test_mark_that_never_closes_shows_its_words_if_it_has_any(text: str, shown: str | None) -> None:
    reader = Reader()
    step = 1 + len(text) // 997
    pieces = "".join(reader.feed(text[at : at + step]) for at in range(0, len(text), step))
    pieces += reader.rewriter.release()
    assert pieces == Reader().whole(text)
    assert shown is None or pieces == shown
    assert not PRIVATE.search(pieces)


def test_numbered_link_leads_to_the_cited_page() -> None:
    reader = Reader()
    assert reader.feed("[here](1") == "[here]("
    assert reader.feed("1) and") == ""
    cited = Citation(9, 10, 11, "https://a.example/(x)", "A")
    assert reader.rewriter.cite([cited]) == "https://a.example/%28x%29) and"
    assert reader.shown == [ShownCitation("](https://a.example/%28x%29)", cited.url, "A")]


@pytest.mark.parametrize("citations", [(), (Citation(9, 10, 11, "", "A file"),)])
def test_numbered_link_without_an_address_stays_as_it_is(citations: tuple[Citation, ...]) -> None:
    assert Reader().whole("[here](11) and", *citations) == "[here](11) and"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[a](sandbox:/mnt/data/x (1).csv)!", "[a](https://files.example/mnt/data/x (1).csv)!"),
        ("[a](sandbox:/x.secret)!", "[a]!"),
        ("[a](sandbox:/x", "[a](sandbox:/x"),
        ("[a](sandbox:/x\ny)", "[a](sandbox:/x\ny)"),
        ("[a](sandbox:/" + "x" * MAX_LINK + ")", "[a](sandbox:/" + "x" * MAX_LINK + ")"),
        ("[a](sand", "[a](sand"),
        ("[a](https://x.example/)", "[a](https://x.example/)"),
        ("`[a](sandbox:/x)`", "`[a](sandbox:/x)`"),
    ],
)
def test_link_into_the_sandbox_leads_to_the_file(text: str, shown: str) -> None:
    assert Reader().whole(text) == shown
    reader = Reader()
    assert "".join(map(reader.feed, text)) + reader.rewriter.release() == shown


def test_code_span_ends_at_a_blank_line_and_a_fence_does_not() -> None:
    assert Reader().whole("`a\n \n【11†x】b`") == "`a\n \nb`"
    assert Reader().whole("```\n\n【11†x】\n````\n【11†x】") == "```\n\n【11†x】\n````\n"
    assert Reader().whole("``` `` ```【11†x】") == "``` `` ```"


def test_plain_pieces_go_by_unless_something_is_open() -> None:
    reader = Reader()
    for text, passes in (("a", True), ("```x", True), ("\n```\nb", True), ("`c", False), ("`d]", False)):
        reader.feed(text)
        assert reader.rewriter.passes_through is passes


def test_what_is_held_can_still_be_taken_back() -> None:
    reader = Reader()
    assert reader.feed("Cold【11†so") == "Cold"
    taken_back, rest = reader.source.become("Cold【1")
    assert (taken_back, rest) == (0, "")  # a shorter text is no new one
    taken_back, rest = reader.source.become("Cold【注意】")
    reader.rewriter.take_back(taken_back)
    assert reader.rewriter.feed(rest) == "【注意】"
    reader.rewriter.take_back(100)
    assert reader.rewriter.release() == ""


FRAGMENTS = [
    "【11†source】", "【", "】", "†", "11", "[a](sandbox:/x)", "](", ")", "`", "```", "\n", "\n\n", "word ",
    "🔥", REFERENCE, "\ue200", "[b](11)",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(FRAGMENTS), max_size=10).map("".join),
    st.integers(1, 6),
    st.sampled_from(CitationForm),
)
def test_result_does_not_depend_on_how_the_text_came(text: str, step: int, form: CitationForm) -> None:
    reader = Reader(form=form)
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    shown = "".join(map(reader.feed, pieces)) + reader.rewriter.cite([COLD]) + reader.rewriter.release()
    assert shown == Reader(form=form).whole(text, COLD)
    assert "\ue200" not in shown or "`" in text


OPENED = [
    "`", "```", "\n", "\n\n", " ", "word", "]", "[", "(", "](", "[a](b)", "- [ ] ", "sandbox:/x", "sand", "1",
    "11", "【", "【11†", "】", "\ue200", "\ue200cite",
]  # fmt: skip
ENDINGS = [
    *(
        mark[at:]
        for mark in ("【11†source】", REFERENCE, "(sandbox:/x.secret)", "(11)")
        for at in range(len(mark) + 1)
    ),
    *(")" * depth + ".secret)" for depth in range(10)),
]
CITED = [
    [Citation(0, 0, int("1" * size), address, "A") for size in range(1, 5)]
    for address in ("https://a.example/", "")
]


@given(st.lists(st.sampled_from(OPENED), max_size=10).map("".join), st.integers(1, 6), st.booleans())
def test_all_that_no_ending_can_change_is_shown_and_nothing_else(text: str, step: int, room: bool) -> None:
    reader = Reader(room=room)
    shown = "".join(reader.feed(text[at : at + step]) for at in range(0, len(text), step))
    outcomes = [
        Reader(room=room).whole(text + ending, *citations) for ending in ENDINGS for citations in ((), *CITED)
    ]
    assert shown == outcomes[0][: common_prefix(min(outcomes), max(outcomes))]


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://a.example/x", "https://a.example/x"),
        ("https://a.example/ (x)<y>\\", "https://a.example/%20%28x%29%3Cy%3E%5C"),
        ("https://a.example/\u2028", "https://a.example/%E2%80%A8"),
        (' https://a.example/|"`{}^\n', "https://a.example/%7C%22%60%7B%7D%5E"),
    ],
)
def test_address_survives_the_parentheses_of_a_link(url: str, written: str) -> None:
    assert escape_url(url) == written
