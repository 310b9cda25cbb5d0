"""A rewriter of marks, and the message whose text it is given."""

from translate.text import Citation, CitationRewriter, CitedPages, Prose, SourceText, escaped
from translate.values import CitationForm, ShownCitation


class Reader:
    """A rewriter and the message that is fed to it. Numbers tell one citation from another."""

    def __init__(
        self, *, form: CitationForm = CitationForm.NUMBER, show_citations: bool = True, room: bool = False
    ) -> None:
        self._pages = CitedPages(form)
        self.source = SourceText(Prose().held_back)
        self.rewriter = CitationRewriter(
            self.source,
            lambda path: None if path.endswith(".secret") and not room else f"https://files.example{path}",
            lambda: room,
            self._pages,
            show_citations=show_citations,
        )

    @property
    def shown(self) -> list[ShownCitation]:
        return self._pages.shown

    @property
    def further(self) -> dict[str, str]:
        return self._pages.further

    def feed(self, text: str) -> str:
        return self.rewriter.feed(self.source.grow(escaped(text), text))

    def whole(self, text: str, *citations: Citation) -> str:
        return self.feed(text) + self.rewriter.cite(citations) + self.rewriter.release()

    def in_pieces(self, text: str, step: int, *citations: Citation) -> str:
        """The same, the text coming piece by piece."""
        fed = "".join(self.feed(text[at : at + step]) for at in range(0, len(text), step))
        return fed + self.rewriter.cite(citations) + self.rewriter.release()
