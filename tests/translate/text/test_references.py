"""Citations are found by their mark, their range or their number, while they become more or others."""

from translate.text import Citation
from translate.text.references import CitationIndex


def cited(mark: str, start: int = 0, *, number: int | None = None, title: str = "") -> Citation:
    return Citation(start, start + 5, number, "", title, mark)


def test_new_citations_are_found_beside_those_that_were_known() -> None:
    index, first, second = CitationIndex(), cited("a", number=1), cited("b", 10, number=1)
    assert list(index.become([first])) == [first]
    assert index.matching("a") is first
    assert list(index.become([first, second])) == [second]
    assert (index.matching("b"), index.at(10, 15), index.nearest(1, 9)) == (second, second, second)
    assert (index.matching("c"), index.at(1, 2), index.nearest(2, 0)) == (None, None, None)


def test_citation_that_says_more_stands_in_the_place_of_the_one_before() -> None:
    index, before, after = CitationIndex(), cited("a"), cited("a", title="Now known")
    index.become([before, cited("b", 9)])
    assert index.matching("a") is before
    assert index.become([after, cited("b", 9)])[0] is after
    assert index.matching("a") is after
    assert index.matching("b") == cited("b", 9)


def test_citations_that_are_gone_are_not_found() -> None:
    index = CitationIndex()
    index.become([cited("a"), cited("b", 10)])
    assert index.matching("a") is not None
    index.become([cited("b", 10)])
    assert (index.matching("a"), index.at(0, 5)) == (None, None)
    index.become([cited("c", 10)])
    assert (index.matching("b"), index.matching("c")) == (None, cited("c", 10))
