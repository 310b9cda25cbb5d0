"""Marks in the assistant's words: citations become links, sandbox paths become downloads.

A mark such as ``【11†source】`` is cut over deltas, and what it cites may be told one or more deltas
later; so text from an open mark on is held back, for a bounded length. ``【`` is also an ordinary
bracket, and inside code nothing is a mark.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from translate.backend.content import Citation

MAX_WAIT = 2000
"""Characters held back behind a mark whose citation has not come yet."""
MAX_DRIFT = 8
"""Characters by which a range may be off; a mark is longer, so that its neighbours are not meant."""
MAX_LINK = 1000
MAX_REFERENCE = 300

TOKEN = re.compile("`+|【|\ue200|\\]\\(|\n[ \t]*\n")
IN_CODE = re.compile("`+|\n[ \t]*\n")
MARK = re.compile(r"【(?:(\d{1,6})(?::\d{1,6})?)?†([^【】\n]{0,80})】")
OPEN_MARK = re.compile(r"【(?:\d{1,6}(?::\d{0,6})?)?(?:†[^【】\n]{0,80})?")
REFERENCE = re.compile("\ue200[^\ue200\ue201\n]{0,300}\ue201")
NUMBERED_LINK = re.compile(r"\]\((\d{1,4})\)")
OPEN_NUMBERED_LINK = re.compile(r"\]\(\d{0,4}")
SANDBOX = "sandbox:"
HELD_TAIL = re.compile(r"`+\Z|\]\Z|\n[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Shown:
    """A citation that was shown, for ``annotations``: ``link`` is its text in the answer."""

    link: str
    url: str
    title: str


class Marks:
    """For one message: feed its pieces, tell its citations, end it; each gives the text to show.

    ``sandbox`` turns a path in the sandbox into an address, or None if it cannot; ``citations`` says
    whether citations are shown as links or left out.
    """

    __slots__ = ("_at", "_citations", "_code", "_held", "_sandbox", "_shows", "cited")

    def __init__(self, sandbox: Callable[[str], str | None], *, shows_citations: bool) -> None:
        self.cited: list[Shown] = []
        self._sandbox = sandbox
        self._shows = shows_citations
        self._citations: list[Citation] = []
        self._held = ""
        self._at = 0  # offset in the message of the first held character
        self._code = ""  # the backticks that opened the code we are in

    @property
    def transparent(self) -> bool:
        """Text without brackets and backticks needs no look: nothing is held, no code span is open."""
        return not self._held and len(self._code) not in (1, 2)

    def skip(self, characters: int) -> None:
        """Text of this length was shown without a look."""
        self._at += characters

    def rewind(self, offset: int) -> None:
        """The message was rewritten from ``offset`` on, where the next piece begins."""
        self._held = self._held[: max(0, offset - self._at)]
        self._at = offset - len(self._held)

    def feed(self, piece: str) -> str:
        """Take a piece of the message."""
        self._held += piece
        return self._scan(final=False)

    def cite(self, citations: Iterable[Citation]) -> str:
        """The citations as they stand now."""
        self._citations = list(citations)
        return self._scan(final=False)

    def end(self) -> str:
        """The message is complete: what is unresolved now stays so."""
        return self._scan(final=True)

    def _scan(self, final: bool) -> str:
        held, start, at = self._held, 0, 0
        out: list[str] = []
        keep = len(held)
        while (token := (IN_CODE if self._code else TOKEN).search(held, at)) is not None:
            word, position = token.group(), token.start()
            if token.end() == len(held) and word[0] == "`" and not final:
                keep = position  # more backticks may follow
                break
            if word[0] == "`":
                self._toggle_code(word)
                at = token.end()
                continue
            if word[0] == "\n":
                if len(self._code) < 3:
                    self._code = ""  # a code span does not reach over a blank line
                at = token.end()
                continue
            found = self._mark(held, position, final)
            if found is None:
                keep = position
                break
            end, shown = found
            if shown is not None:
                out += (held[start:position], shown)
                start = end
            at = end
        else:
            if (
                not final
                and (tail := HELD_TAIL.search(held, at)) is not None
                and self._tail_matters(tail.group())
            ):
                keep = tail.start()
        out.append(held[start:keep])
        self._held = held[keep:]
        self._at += keep
        return "".join(out)

    def _tail_matters(self, tail: str) -> bool:
        return (
            tail[0] == "`"
            or (tail == "]" and not self._code)
            or (tail[0] == "\n" and 0 < len(self._code) < 3)
        )

    def _toggle_code(self, ticks: str) -> None:
        if not self._code:
            self._code = ticks
        elif ticks == self._code or (len(self._code) >= 3 and len(ticks) >= len(self._code)):
            self._code = ""

    def _mark(self, held: str, position: int, final: bool) -> tuple[int, str | None] | None:
        """Where the mark at ``position`` ends and what to show for it.

        None in the place of the text: it is no mark, show it as it is. None for all: wait.
        """
        first = held[position]
        if first == "【":
            return self._citation_mark(held, position, final)
        if first == "\ue200":
            return self._reference_mark(held, position, final)
        rest = held[position + 2 : position + 2 + len(SANDBOX)]
        if rest == SANDBOX:
            return self._sandbox_link(held, position, final)
        if SANDBOX.startswith(rest) and not final:
            return None
        return self._numbered_link(held, position, final)

    def _citation_mark(self, held: str, position: int, final: bool) -> tuple[int, str | None] | None:
        if (mark := MARK.match(held, position)) is None:
            if not final and OPEN_MARK.fullmatch(held, position):
                return None
            return position + 1, None
        if not self._shows:
            return mark.end(), ""
        number = int(mark[1]) if mark[1] else None
        waited = self._waited(held, mark.end(), final)
        citation = self._find(self._at + position, self._at + mark.end(), number, waited)
        if citation is None:
            return (mark.end(), "") if waited else None
        return mark.end(), self._link(citation, mark[1] or "*")

    def _reference_mark(self, held: str, position: int, final: bool) -> tuple[int, str | None] | None:
        if (mark := REFERENCE.match(held, position)) is None:
            return (position + 1, "") if final or len(held) - position > MAX_REFERENCE else None
        citation = next((c for c in self._citations if c.matched == mark.group()), None)
        if citation is None and self._shows and not self._waited(held, mark.end(), final):
            return None
        if citation is None or not self._shows:
            return mark.end(), ""
        if citation.markdown:
            self.cited.append(Shown(citation.markdown, citation.url, citation.title))
            return mark.end(), citation.markdown
        return mark.end(), self._link(citation, str(len(self.cited) + 1))

    def _numbered_link(self, held: str, position: int, final: bool) -> tuple[int, str | None] | None:
        """``[shown](3)``: the number of a citation in place of an address."""
        if (mark := NUMBERED_LINK.match(held, position)) is None:
            if not final and OPEN_NUMBERED_LINK.fullmatch(held, position):
                return None
            return position + 2, None
        end = self._at + mark.end()
        waited = self._waited(held, mark.end(), final)
        citation = self._find(end, end, int(mark[1]), waited)
        if citation is None or not citation.url:
            return (mark.end(), None) if waited else None
        link = f"]({escape_url(citation.url)})"
        self.cited.append(Shown(link, citation.url, citation.title))
        return mark.end(), link

    def _sandbox_link(self, held: str, position: int, final: bool) -> tuple[int, str | None] | None:
        start = position + 2
        end, depth = start, 0
        while end < len(held) and held[end] != "\n" and end - start < MAX_LINK:
            if held[end] == "(":
                depth += 1
            elif held[end] == ")":
                if not depth:
                    break
                depth -= 1
            end += 1
        else:
            if end == len(held) and not final:
                return None
            return position + 2, None
        address = self._sandbox(held[start + len(SANDBOX) : end])
        return end + 1, f"]({address})" if address is not None else "]"

    def _find(self, start: int, end: int, number: int | None, waited: bool) -> Citation | None:
        """By range first, then by number: two marks may share a number and cite different pages.

        Where emoji occur, the unit of the ranges is not certain, so a near range of the same number will
        do; a far one only when nothing better can come any more.
        """
        for citation in self._citations:
            if citation.start == start and citation.end == end:
                return citation
        same = [c for c in self._citations if c.number == number and number is not None]
        nearest = min(same, key=lambda c: abs(c.start - start), default=None)
        return nearest if nearest and (waited or abs(nearest.start - start) <= MAX_DRIFT) else None

    def _waited(self, held: str, end: int, final: bool) -> bool:
        return final or len(held) - end > MAX_WAIT

    def _link(self, citation: Citation, label: str) -> str:
        if not citation.url:
            return f"({citation.title})" if citation.title else ""
        link = f"[[{label}]({escape_url(citation.url)})]"
        self.cited.append(Shown(link, citation.url, citation.title))
        return link


def escape_url(url: str) -> str:
    """``url`` so that it survives inside the parentheses of a markdown link."""
    return re.sub(r"[\s()<>\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)
