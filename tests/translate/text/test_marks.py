"""Each kind of mark: with its reference, without one, and where no links are shown."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.text.reader import Reader
from translate.text import Citation, Source
from translate.text.marks import MARK_KINDS, PRIVATE, read_mark
from translate.text.references import labelled_link
from translate.values import CitationForm

OPEN, SEP, CLOSE = "\ue200", "\ue202", "\ue201"
PAGE, OTHER = Source("A page", "https://a.example/"), Source("Another", "https://b.example/")
PICTURE = Source("Harbour", "https://a.example/p", "https://a.example/p.jpg")


@dataclass(frozen=True)
class Example:
    """A mark without its outermost characters, and what it shows; `words` are all without links."""

    body: str
    words: str
    linked: str
    sources: tuple[Source, ...] = (PAGE, OTHER)
    without: str | None = None

    @property
    def mark(self) -> str:
        return f"{OPEN}{self.body}{CLOSE}"

    @property
    def reference(self) -> Citation:
        first = self.sources[0]
        return Citation(4, 9, None, first.url, first.title, self.mark, sources=self.sources)


def opaque(body: str) -> Example:
    return Example(body, "", "")


EXAMPLES = {
    "cite": Example(
        f"cite{SEP}turn0search1{SEP}turn0news2", "", "[[1](https://a.example/)][[2](https://b.example/)]"
    ),
    "filecite": Example(f"filecite{SEP}turn0file0{SEP}L10-L12", "", "(a.pdf)", (Source("a.pdf"),)),
    "entity": Example(f'entity{SEP}["city","Oslo","a city"]', "Oslo", "Oslo town", (Source("Oslo town"),)),
    "url": Example(
        f"url{SEP}the [manual]{SEP}https://c.example/m",
        "the [manual]",
        "[the \\[manual\\]](https://a.example/)",
        without="[the \\[manual\\]](https://c.example/m)",
    ),
    "link_title": Example(f"link_title{SEP}Site{SEP}turn0search1", "Site", "[Site](https://a.example/)"),
    "product_entity": Example(
        f'product_entity{SEP}["turn0product3","Kettle A"]', "Kettle A", "[A page](https://a.example/)"
    ),
    "product": Example(f'product{SEP}["turn0product3","Kettle A"]', "Kettle A", "Tea", (Source("Tea"),)),
    "products": Example(
        f'products{SEP}{{"selections":[["turn0product1","A page"],["t2","B"]],"tags":["light",""]}}',
        "- A page (light)\n- B",
        "- [A page](https://a.example/) (light)\n- B",
        (PAGE,),
    ),
    "navlist": Example(
        f"navlist{SEP}More news{SEP}turn0news1,turn0news2",
        "",
        "**More news**\n- [A page](https://a.example/)\n- [Another](https://b.example/)\n- No page",
        (PAGE, OTHER, Source("No page")),
    ),
    "video": Example(f"video{SEP}How to knit{SEP}turn0video1", "How to knit", "[How to knit](https://a.example/)"),
    "i": Example(f"i{SEP}turn0image0", "", "![Harbour](https://a.example/p.jpg)", (PICTURE, PAGE)),
    "image_group": Example(
        f'image_group{SEP}{{"query": ["harbour"]}}',
        "",
        "![Harbour](https://a.example/p.jpg)\n\n![image](https://b.example/q.jpg)",
        (PICTURE, Source("", "", "https://b.example/q.jpg")),
    ),
    "genui": Example(
        f'genui{SEP}{{"math_block_widget_x": {{"content": "a^2\\n"}}}}', "\\(a^2\n\\)", "", (Source("x"),)
    ),
    **{
        name: opaque(f"{name}{SEP}turn0{name.replace('_', '')}0")
        for name in (
            "finance", "forecast", "weather", "sports", "schedule", "standing", "time", "map",
            "businesses_map", "memcite", "entity_metadata", "attribution", "app_block",
        )
    },
}  # fmt: skip
STEPS = (1, 2, 7, 1000)


def test_table_of_marks_has_an_example_of_each_kind() -> None:
    assert list(EXAMPLES) == [kind.name for kind in MARK_KINDS]


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("step", STEPS)
def test_mark_shows_its_ready_markdown_or_its_sources_or_its_words(kind: str, step: int) -> None:
    example = EXAMPLES[kind]
    text = f"See {example.mark}."
    without = example.words if example.without is None else example.without
    ready = replace(example.reference, markdown="([Ready](https://r.example/) and [words]())")
    assert Reader().in_pieces(text, step) == f"See {without}."
    assert Reader().in_pieces(text, step, example.reference) == f"See {example.linked}."
    assert Reader().in_pieces(text, step, ready) == "See ([Ready](https://r.example/) and words)."
    assert Reader(show_citations=False).in_pieces(text, step, ready) == f"See {example.words}."
    assert Reader().in_pieces(f"`x{example.mark}`", step, ready) == f"`x{example.words}`"
    assert Reader().in_pieces(text, step, replace(ready, kind="hidden")) == "See ."


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f'{OPEN}entity["city","Oslo",""]{CLOSE}', "Oslo"),
        (f'{OPEN}entity{{"name":"Oslo","type":"city"}}{CLOSE}', "Oslo"),
        (f"{OPEN}entity{SEP}[]{CLOSE}", ""),
        (f'{OPEN}entity{SEP}["city", 7]{CLOSE}', ""),
        (f'{OPEN}entity{SEP}"Oslo"{CLOSE}', ""),
        (f"{OPEN}entity{SEP}[broken{CLOSE}", ""),
        (f"{OPEN}entity{SEP}" + "[" * 3000 + CLOSE, ""),
        (f"{OPEN}genui{SEP}N0Ws{CLOSE}", ""),
        (f'{OPEN}genui{SEP}{{"weather":\n {{"location": "Oslo",\n\n "units": "C"}}}}{CLOSE}', ""),
        (f'{OPEN}genui{SEP}{{"math_block_widget": {{}}}}{CLOSE}', ""),
        (f'{OPEN}products{SEP}{{"selections": [["x"], 1, ["x", 2]]}}{CLOSE}', ""),
        (f"{OPEN}products{SEP}[1]{CLOSE}", ""),
        (f"{OPEN}url{SEP}turn0search1{CLOSE}", ""),
        (f"{OPEN}url{CLOSE}", ""),
        (f'{OPEN}future_widget{SEP}{{"a": [1]}}{CLOSE}', ""),
        (f"{SEP}turn0search1{CLOSE}", ""),
        (f"{SEP}turn0search1{SEP}turn0news2", ""),
        (f"{SEP} ", " "),
        (f"{OPEN}cite{SEP}turn0search1\ue203turn0news2{CLOSE}", ""),
        ("\ue203Water\ue204 boils\ue206\ue205", "Water boils"),
        (f"{OPEN}{CLOSE}", ""),
        (f"{OPEN} words", " words"),
    ],
)
def test_loose_and_broken_forms_show_their_words(text: str, shown: str, step: int) -> None:
    assert Reader().in_pieces(f"See {text}.", step) == f"See {shown}."
    assert Reader().in_pieces(text, step) == shown


def test_unknown_kind_looks_as_the_type_of_its_reference() -> None:
    mark = f"{OPEN}future{SEP}turn0search1{CLOSE}"
    reference = Citation(0, 1, None, PAGE.url, PAGE.title, mark, kind="webpage")
    assert Reader().whole(mark, reference) == "[[1](https://a.example/)]"
    assert Reader().whole(mark, replace(reference, kind="nobody knows")) == ""


def test_products_are_those_of_the_reference_where_the_mark_names_none() -> None:
    mark = f"{OPEN}products{SEP}opaque{CLOSE}"
    reference = Citation(0, 1, None, PAGE.url, PAGE.title, mark, sources=(PAGE, Source("B")))
    assert Reader().whole(mark, reference) == "- [A page](https://a.example/)\n- B"


def test_label_of_a_link_is_its_title_where_the_mark_has_none() -> None:
    mark = f"{OPEN}url{SEP}turn0search1{CLOSE}"
    assert (
        Reader().whole(mark, Citation(0, 1, None, PAGE.url, PAGE.title, mark))
        == "[A page](https://a.example/)"
    )


def test_result_of_a_search_is_the_last_resort() -> None:
    results = (
        Citation(-1, -1, None, "https://a.example/", "A", "turn0search1"),
        Citation(-1, -1, None, "https://b.example/", "B", "turn0news2"),
    )
    reader = Reader()
    assert reader.feed(f"Cold{EXAMPLES['cite'].mark}.") == "Cold"
    assert reader.rewriter.cite(results) == ""
    assert reader.rewriter.release() == "[[1](https://a.example/)][[2](https://b.example/)]."
    assert Reader().whole(EXAMPLES["link_title"].mark, *results) == "[Site](https://a.example/)"


def test_reference_that_is_not_settled_is_waited_for() -> None:
    example = EXAMPLES["cite"]
    loading = replace(example.reference, settled=False)
    reader = Reader()
    assert reader.feed(f"Cold{example.mark}.") == "Cold"
    assert reader.rewriter.cite([loading]) == ""
    ready = replace(loading, markdown="([A](https://a.example/))", settled=True)
    assert reader.rewriter.cite([ready]) == "([A](https://a.example/))."
    assert reader.further == {"https://b.example/": "Another"}


def test_equal_marks_are_told_apart_by_their_ranges() -> None:
    mark = EXAMPLES["cite"].mark
    first, second = (
        Citation(at, at + len(mark), None, f"https://{at}.example/", "", mark) for at in (1, 2 + len(mark))
    )
    assert Reader().whole(f"A{mark}B{mark}", second, first) == (
        f"A[[1](https://1.example/)]B[[2](https://{2 + len(mark)}.example/)]"
    )


def test_mark_of_research_is_resolved_by_its_own_text() -> None:
    mark = "【446346422802141†L175-L190】"
    loading = Citation(4, 9, None, PAGE.url, PAGE.title, mark, settled=False)
    reader = Reader()
    assert reader.feed(f"Cold{mark}.") == "Cold"
    assert reader.rewriter.cite([loading]) == ""
    assert reader.rewriter.cite([replace(loading, settled=True)]) == "[[1](https://a.example/)]."
    named = Citation(4, 9, None, "", "a.pdf", "【8†a.pdf†L1-L10】", kind="file")
    assert Reader().whole("Cold【8†a.pdf†L1-L10】.", named) == "Cold(a.pdf)."


def test_narrow_spaces_in_a_mark_do_not_matter() -> None:
    mark = f"{OPEN}url{SEP}the\u202fsite{SEP}turn0search1{CLOSE}"
    known = Citation(0, 1, None, PAGE.url, "", mark.replace("\u202f", "\u00a0"))
    assert Reader().whole(mark, known) == "[the site](https://a.example/)"


def test_mark_that_adds_little_is_not_waited_for_long() -> None:
    reader = Reader()
    assert reader.feed(f"In {EXAMPLES['entity'].mark}") == "In "
    assert reader.feed("x" * 90) == ""
    assert reader.feed("x" * 20) == "Oslo" + "x" * 110


PIECES = [
    OPEN, SEP, CLOSE, "\ue203", "\ue204", "\ue205", "\ue206", "cite", "url", "entity", "genui",
    "turn0search1",
    '["city","Oslo"]', "{", '"', "word", " ", "\n", "\n\n", "`", "```", ":::writing{a}", ":::", "]",
    "【", ":", "cite" + "turn0search1", "\\ue202" + "turn0search1", "x" * 700,
    *(example.mark for example in EXAMPLES.values()),
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PIECES), max_size=12),
    st.integers(1, 9),
    st.booleans(),
    st.sampled_from(CitationForm),
)
def test_no_private_character_is_shown_and_cuts_do_not_matter(
    pieces: list[str], step: int, show: bool, form: CitationForm
) -> None:
    text = "".join(pieces)
    citations = [example.reference for example in EXAMPLES.values()]
    shown = Reader(form=form, show_citations=show).in_pieces(text, step, *citations)
    assert not PRIVATE.search(shown)
    whole = Reader(form=form, show_citations=show).whole(text, *citations)
    if not any(word in text for word in ("cite" + "turn", "entity[", "\\u")):
        assert shown == whole


@given(st.text(alphabet='\ue200\ue201\ue202\ue203ab_[]{}",\\', max_size=40))
def test_any_text_is_read_as_a_mark(text: str) -> None:
    assert not PRIVATE.search(read_mark(text).kind)


@pytest.mark.parametrize(
    ("label", "shown"),
    [("a [b]", "a \\[b\\]"), ("C:\\", "C:\\\\"), ("a\\[b", "a\\\\\\[b"), ("two\n lines", "two lines")],
)
def test_label_of_a_link_cannot_end_it(label: str, shown: str) -> None:
    assert labelled_link(label, "https://a.example/") == f"[{shown}](https://a.example/)"
