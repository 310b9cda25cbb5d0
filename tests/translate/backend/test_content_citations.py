"""What marks stand for, read from metadata that grows."""

from tests.translate.tool_turns import citation, citations_of
from tests.translate.wire import Json
from translate.backend.content_citations import MAX_CITATIONS, CitationReader, ReferencesChange
from translate.text import FOOTNOTE, Citation, Source

MARK = "\ue200cite\ue202turn0search1\ue201"


def reference(**more: object) -> Json:
    return {"matched_text": MARK, "start_idx": 4, "end_idx": 25, "type": "grouped_webpages"} | more


def only(metadata: Json) -> Citation:
    (found,) = citations_of(metadata)
    return found


def test_items_of_a_reference_are_its_sources() -> None:
    pages = [
        {
            "title": "A",
            "url": "https://a.example/",
            "supporting_websites": [{"title": "S", "url": "https://s.example/"}],
        },
        {"title": "B\ue200", "url": "ftp://b"},
        {},
    ]
    found = only(
        {"content_references": [reference(items=pages, images=[{"content_url": "https://p.example/"}])]}
    )
    assert found.sources == (
        Source("A", "https://a.example/"), Source("B"), Source("", "", "https://p.example/")
    )  # fmt: skip
    assert found.further == (Source("S", "https://s.example/"),)
    assert (found.url, found.title, found.kind) == ("https://a.example/", "A", "grouped_webpages")


def test_reference_is_settled_when_there_is_something_to_show() -> None:
    page: list[Json] = [{"title": "A", "url": "https://a.example/"}]
    for settled, item in (
        (True, reference(alt="(A)", status="loading")),
        (True, reference(items=page, status="done")),
        (True, reference(items=page)),
        (True, reference(type="hidden")),
        (False, reference(items=page, status="loading")),
        (False, reference(items=[])),
    ):
        assert only({"content_references": [item]}).settled is settled


def test_footnote_has_no_place_and_brings_further_pages() -> None:
    footnote = reference(
        type=FOOTNOTE, matched_text=" ", sources=[{"title": "A", "url": "https://a.example/"}]
    )
    found = only({"content_references": [footnote]})
    assert (found.matched, found.further) == ("", (Source("A", "https://a.example/"),))


def test_results_of_a_search_are_known_by_their_names() -> None:
    entry: Json = {"url": "https://a.example/", "title": "A"}
    name: Json = {"turn_index": 0, "ref_type": "search", "ref_index": 1}
    entries = [entry | {"ref_id": name}, entry, {"ref_id": name, "url": "x"}]
    found = only({"search_result_groups": [{"entries": entries}]})
    assert (found.matched, found.url, found.title) == ("turn0search1", "https://a.example/", "A")


def test_reader_tells_whether_anything_has_changed() -> None:
    reader = CitationReader()
    assert not reader.read({})
    assert reader.read({"citations": [citation(4, 15, 11)]})
    size = reader.size
    assert not reader.read({"citations": [citation(4, 15, 11)]})
    assert not reader.read({"citations": [citation(4, 15, 11), {}]})
    assert reader.read({"citations": [citation(4, 15, 11)], "content_references": [reference(alt="(A)")]})
    assert reader.size > size
    assert [one.markdown for one in reader.citations] == ["", "(A)"]


def test_what_comes_beside_the_message_stands_before_its_own() -> None:
    reader = CitationReader()
    reader.read({"content_references": [reference(alt="(own)")]})
    assert reader.patch({"content_references": [reference(alt="(late)")]})
    assert [one.markdown for one in reader.citations] == ["(late)"]
    assert reader.read({"content_references": [reference(alt="(own)")]})
    assert [one.markdown for one in reader.citations] == ["(late)", "(own)"]
    assert reader.patch({})
    assert reader.citations == []


def test_deeply_nested_metadata_is_read_anew() -> None:
    deep: object = 1
    for _ in range(5000):
        deep = [deep]
    reader = CitationReader()
    assert reader.read({"content_references": [reference(alt="(A)", deep=deep)]})
    assert not reader.read({"content_references": [reference(alt="(A)", deep=deep)]})


def test_references_that_are_new_or_filled_are_read_alone() -> None:
    reader = CitationReader()
    assert reader.read({"content_references": [reference(alt="(A)"), reference(items=[])]})
    assert reader.references == 2
    assert reader.change(ReferencesChange([(1, reference(alt="(B)")), (2, reference(alt="(C)"))]))
    assert [one.markdown for one in reader.citations] == ["(A)", "(B)", "(C)"]
    assert reader.change(ReferencesChange([(3, reference(alt="(D)"))]))
    assert reader.references == 4
    whole = CitationReader()
    whole.read({"content_references": [reference(alt=f"({letter})") for letter in "ABCD"]})
    assert (reader.citations, reader.size) == (whole.citations, whole.size)
    assert not reader.change(ReferencesChange([(3, reference(alt="(D)"))]))


def test_what_is_no_reference_has_all_of_them_read_again() -> None:
    reader = CitationReader()
    reader.change(ReferencesChange([(0, None), (1, reference(alt="(A)"))]))
    assert (reader.references, reader.citations) == (None, [])
    reader.read({"content_references": [None, reference(alt="(A)")]})
    assert (reader.references, len(reader.citations)) == (None, 1)
    reader.read({"content_references": 1})
    assert reader.references is None


def test_no_more_references_are_kept_than_are_read() -> None:
    reader = CitationReader()
    reader.change(ReferencesChange([(at, reference(alt=f"({at})")) for at in range(MAX_CITATIONS + 9)]))
    assert len(reader.citations) == MAX_CITATIONS
    assert not reader.change(ReferencesChange([(MAX_CITATIONS + 9, reference(alt="(late)"))]))
    assert reader.references == MAX_CITATIONS + 10
