"""A rewriter of marks, and the message whose text it is given."""

from translate.text import Citation, CitationRewriter, Prose, SourceText, escaped
from translate.values import ShownCitation


class Reader:
    """A rewriter and the message that is fed to it."""

    def __init__(self, *, show_citations: bool = True, room: bool = False) -> None:
        self.shown: list[ShownCitation] = []
        self.further: dict[str, str] = {}
        self.source = SourceText(Prose().held_back)
        self.rewriter = CitationRewriter(
            self.source,
            lambda path: None if path.endswith(".secret") and not room else f"https://files.example{path}",
            lambda: room,
            self.shown,
            self.further,
            show_citations=show_citations,
        )

    def feed(self, text: str) -> str:
        return self.rewriter.feed(self.source.grow(escaped(text), text))

    def whole(self, text: str, *citations: Citation) -> str:
        return self.feed(text) + self.rewriter.cite(citations) + self.rewriter.release()

    def in_pieces(self, text: str, step: int, *citations: Citation) -> str:
        """The same, the text coming piece by piece."""
        fed = "".join(self.feed(text[at : at + step]) for at in range(0, len(text), step))
        return fed + self.rewriter.cite(citations) + self.rewriter.release()
