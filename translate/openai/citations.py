"""Where the citations of an answer stand in its text."""

from collections.abc import Iterator, Sequence

from translate.text import usable_url
from translate.values import ShownCitation, well_formed


def placed(text: str, citations: Sequence[ShownCitation]) -> Iterator[tuple[int, int, ShownCitation]]:
    """First character, the one behind the last, and the citation, for each of a page that is found in `text`.

    One without a link of its own has its place at the end.
    """
    at = 0
    for shown in citations:
        link = well_formed(shown.link)  # as it was written
        start = text.find(link, at) if link else len(text)
        if start < 0 or not shown.url:
            continue
        at = start + len(link)
        yield start, at, shown


def page_of(shown: ShownCitation) -> dict[str, str]:
    """Address and title of the page."""
    return {"url": well_formed(usable_url(shown.url)), "title": well_formed(shown.title)}
