"""The pages that an answer cites: how each stands in its text, and which are noted beside it."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from translate.text.references import Source, escape_url, labelled_link
from translate.values import CitationForm, ShownCitation

MAX_FURTHER: Final = 500
"""Pages that are noted beside those that are linked in an answer."""
HOST: Final = re.compile(r"[\w.:-]+")
"""A name that needs no escape in Markdown."""


class CitedPages:
    """Shared by the messages of an answer, in which one page has one number.

    `shown` are the citations that stand in the text, in order; `further` are the titles of pages by address
    that stand behind these, or are left out of the text.
    """

    __slots__ = ("_form", "_numbers", "further", "shown")

    def __init__(self, form: CitationForm) -> None:
        self._form = form
        self._numbers: dict[str, int] = {}  # by address
        self.shown: list[ShownCitation] = []
        self.further: dict[str, str] = {}

    def cite(self, source: Source) -> str:
        """What stands in the place of a mark: `([host](url))`, `[[1](url)]` or nothing, by the form. A
        source without an address is its title.
        """
        if self._form is CitationForm.NONE:
            return self._left_out(source)
        if not source.url:
            return f"({source.title})" if source.title else ""
        if self._form is CitationForm.NUMBER:
            number = self._numbers.setdefault(source.url, len(self._numbers) + 1)
            return self.show(f"[[{number}]({escape_url(source.url)})]", source)
        return self.show(f"({labelled_link(_host(source), source.url)})", source)

    def cite_ready(self, markdown: str, source: Source) -> str:
        """The same, where the backend has written the Markdown of the citation."""
        return self._left_out(source) if self._form is CitationForm.NONE else self.show(markdown, source)

    def show(self, link: str, source: Source) -> str:
        """Note that `link` stands in the text. Returns it."""
        self.shown.append(ShownCitation(link, source.url, source.title))
        return link

    def note(self, sources: Iterable[Source]) -> None:
        """Note pages that are not linked; above `MAX_FURTHER` they are dropped."""
        for source in sources:
            if source.url and len(self.further) < MAX_FURTHER:
                self.further.setdefault(source.url, source.title)

    def close(self) -> None:
        """The text is over: pages that are linked nowhere in it stand at its end, without a link."""
        linked = {citation.url for citation in self.shown}
        self.shown += (
            ShownCitation("", url, title) for url, title in self.further.items() if url not in linked
        )
        self.further.clear()

    def _left_out(self, source: Source) -> str:
        self.note((source,))
        return ""


def _host(source: Source) -> str:
    """The host of the page; its title where there is none that can be shown."""
    try:
        host = urlsplit(source.url).hostname or ""
    except ValueError:
        host = ""
    return host if HOST.fullmatch(host) else source.title or "link"
