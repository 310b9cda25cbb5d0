"""Marks in the assistant's words: citations become links, sandbox paths become downloads.

A mark such as `【11†source】` may be split over deltas, and its citation may come one or more deltas later
(protocol notes, section 9); so text from an open mark on is held back, for a bounded length. `【` is also an
ordinary bracket, and inside code nothing is a mark. What only tells how to read the text behind it, such as
a backtick or the `]` of a link, is kept to be looked at again, but shown at once.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from translate.text.source_text import SourceText
from translate.values import ShownCitation

MAX_WAIT: Final = 2000
"""Characters held back behind a mark whose citation has not come yet."""
MAX_DRIFT: Final = 8
"""Characters by which a range may be off; a mark is longer, so that its neighbours are not meant."""
MAX_LINK: Final = 1000
"""Characters of a path in the sandbox; it holds no `](`, with which another link begins."""

TOKEN = re.compile("`+|【|\ue200|\\]\\(|\n[ \t]*\n")
IN_CODE = re.compile("`+|\n[ \t]*\n")
MARK = re.compile(r"【(?:(\d{1,6})(?::\d{1,6})?)?†([^【】\n]{0,80})】")
OPEN_MARK = re.compile(r"【(?:\d{1,6}(?::\d{0,6})?)?(?:†[^【】\n]{0,80})?")
REFERENCE = re.compile("\ue200[^\ue200\ue201\n]{0,300}\ue201")
OPEN_REFERENCE = re.compile("\ue200[^\ue200\ue201\n]{0,300}")
NUMBERED_LINK = re.compile(r"\]\((\d{1,4})\)")
OPEN_NUMBERED_LINK = re.compile(r"\]\(\d{0,4}")
SANDBOX = "sandbox:"
LINK_PART = re.compile(r"[()\n]|\]\(")
OPEN_TAIL = re.compile(r"\]\Z|\n[ \t]*\Z")
"""Ends of a text whose meaning depends on what follows, besides backticks."""


@dataclass(frozen=True, slots=True)
class Citation:
    """What a mark in the text stands for; `start` and `end` count code points of the message.

    `number` is the cited message's, `matched` the mark's own text in later dialects, `markdown` their ready
    rendering. Without a `url` only the `title` (a file's name) can be shown.
    """

    start: int
    end: int
    number: int | None
    url: str
    title: str
    matched: str = ""
    markdown: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What ends at `end` is not a mark: show it as it is."""

    end: int


@dataclass(frozen=True, slots=True)
class _Replaced:
    """Show `text` in the place of the mark that ends at `end`."""

    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Undecided:
    """More of the text, or its citation, must come first; text alone is enough at `end`.

    So many first characters of the mark stay what they are, whatever becomes of it.
    """

    end: int = 0
    certain: int = 0


_UNDECIDED: Final = _Undecided()
_Decision = _Kept | _Replaced | _Undecided


class CitationRewriter:
    """A text filter for one message of prose.

    `source` is the message's text, which knows how far the fed text reaches. `sandbox` turns a path in the
    sandbox into an address, or None if it cannot; while `all_paths` says so it can. With `show_citations`,
    citations are shown as links, else they are left out. `shown` gets each citation that is shown, in
    order; it may be shared by the messages of an answer, whose citations are then numbered through.
    """

    __slots__ = (
        "_all_paths",
        "_citations",
        "_code",
        "_given",
        "_held",
        "_more",
        "_more_size",
        "_run",
        "_sandbox",
        "_scanned",
        "_show_citations",
        "_shown",
        "_source",
        "_wake",
    )

    def __init__(
        self,
        source: SourceText,
        sandbox: Callable[[str], str | None],
        all_paths: Callable[[], bool],
        shown: list[ShownCitation],
        *,
        show_citations: bool,
    ) -> None:
        self._source = source
        self._sandbox = sandbox
        self._all_paths = all_paths
        self._shown = shown
        self._show_citations = show_citations
        self._citations = _Index(())
        self._held = ""
        self._given = 0  # how many characters of what is held are shown already
        # What came behind `_held` and was not looked at, since it decides nothing: before `_wake` characters
        # are held, or while it only goes on with a run of these characters, which is shown as it comes.
        self._more: list[str] = []
        self._more_size = 0
        self._wake = 0
        self._run = ""
        self._scanned: tuple[int, int] | None = None  # of the link that is held: how far, and how deep
        self._code = ""  # the backticks that opened the code we are in

    @property
    def passes_through(self) -> bool:
        """See `TextFilter`: nothing at the end is still to be read, no code span is open."""
        return not self._held and len(self._code) not in (1, 2)

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        self._more.append(text)
        self._more_size += len(text)
        if self._run and not text.strip(self._run):
            self._given += len(text)
            return text
        if len(self._held) + self._more_size < self._wake:
            return ""
        return self._rewrite(final=False)

    def release(self) -> str:
        """See `TextFilter`: what is unresolved now stays so."""
        return self._rewrite(final=True)

    def cite(self, citations: Iterable[Citation]) -> str:
        """Take the citations of the message as they stand now. Return what can be shown now."""
        self._citations = _Index(tuple(citations))
        return self._rewrite(final=False)

    def take_back(self, characters: int) -> None:
        """So many characters at the end of the message, as far as it was fed, are no longer part of it."""
        held = self._join()
        self._held = held[: max(0, len(held) - characters)]
        self._given = min(self._given, len(self._held))
        self._scanned = None

    def _join(self) -> str:
        """All that is held."""
        if self._more:
            self._held = "".join((self._held, *self._more))
            self._more.clear()
        self._more_size = self._wake = 0
        self._run = ""
        return self._held

    def _rewrite(self, final: bool) -> str:
        held, start, at = self._join(), self._given, 0
        out: list[str] = []
        keep = shown = len(held)  # what is held from here on, and shown up to there
        while (token := (IN_CODE if self._code else TOKEN).search(held, at)) is not None:
            word, position = token.group(), token.start()
            if token.end() == len(held) and word[0] == "`" and not final:
                keep, self._run = position, "`"  # more backticks may follow
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
            decision = self._decide(held, position, final)
            if isinstance(decision, _Undecided):
                keep, shown = position, max(start, position + decision.certain)
                self._wake = max(0, decision.end - position)
                break
            if isinstance(decision, _Replaced):
                out += (held[start:position], decision.text[max(0, start - position) :])
                start = decision.end
            at = decision.end
        else:
            tail = None if final else OPEN_TAIL.search(held, at)
            if tail is not None and self._is_open(tail.group()):
                keep = tail.start()
                self._run = "" if held[keep] == "]" else " \t"
        out.append(held[start:shown])
        self._held, self._given = held[keep:], shown - keep
        return "".join(out)

    def _is_open(self, tail: str) -> bool:
        """Whether a link, or the end of a code span, may follow `tail`."""
        return not self._code if tail == "]" else 0 < len(self._code) < 3

    def _toggle_code(self, ticks: str) -> None:
        if not self._code:
            self._code = ticks
        elif ticks == self._code or (len(self._code) >= 3 and len(ticks) >= len(self._code)):
            self._code = ""

    def _decide(self, held: str, position: int, final: bool) -> _Decision:
        """What becomes of the mark that seems to begin at `position`."""
        first = held[position]
        if first == "【":
            return self._citation_mark(held, position, final)
        if first == "\ue200":
            return self._reference_mark(held, position, final)
        rest = held[position + 2 : position + 2 + len(SANDBOX)]
        if rest == SANDBOX:
            return self._sandbox_link(held, position, final)
        if SANDBOX.startswith(rest) and not final:
            return self._open_sandbox_link()
        return self._numbered_link(held, position, final)

    def _citation_mark(self, held: str, position: int, final: bool) -> _Decision:
        """`【11†source】`, the mark of 2023 and 2024."""
        if (mark := MARK.match(held, position)) is None:
            may_follow = not final and OPEN_MARK.fullmatch(held, position)
            return _UNDECIDED if may_follow else _Kept(position + 1)
        if not self._show_citations:
            return _Replaced(mark.end(), "")
        number = int(mark[1]) if mark[1] else None
        waited = _has_waited(held, mark.end(), final)
        start = self._position() + position
        citation = self._find(start, start + len(mark.group()), number, waited)
        if citation is None:
            return _Replaced(mark.end(), "") if waited else _until_waited(mark)
        return _Replaced(mark.end(), self._link(citation, mark[1] or "*"))

    def _reference_mark(self, held: str, position: int, final: bool) -> _Decision:
        """The mark of later dialects, between two private-use characters."""
        if (mark := REFERENCE.match(held, position)) is None:
            may_follow = not final and OPEN_REFERENCE.fullmatch(held, position)
            return _UNDECIDED if may_follow else _Replaced(position + 1, "")
        citation = self._citations.matching(mark.group())
        if citation is None and self._show_citations and not _has_waited(held, mark.end(), final):
            return _until_waited(mark)
        if citation is None or not self._show_citations:
            return _Replaced(mark.end(), "")
        if citation.markdown:
            self._shown.append(ShownCitation(citation.markdown, citation.url, citation.title))
            return _Replaced(mark.end(), citation.markdown)
        return _Replaced(mark.end(), self._link(citation, str(len(self._shown) + 1)))

    def _numbered_link(self, held: str, position: int, final: bool) -> _Decision:
        """`[shown](3)`: the number of a citation in place of an address."""
        if (mark := NUMBERED_LINK.match(held, position)) is None:
            may_follow = not final and OPEN_NUMBERED_LINK.fullmatch(held, position)
            return _Undecided(certain=2) if may_follow else _Kept(position + 2)
        end = self._position() + mark.end()
        waited = _has_waited(held, mark.end(), final)
        citation = self._find(end, end, int(mark[1]), waited)
        if citation is None or not citation.url:
            return _Kept(mark.end()) if waited else _until_waited(mark, certain=2)
        link = f"]({escape_url(citation.url)})"
        self._shown.append(ShownCitation(link, citation.url, citation.title))
        return _Replaced(mark.end(), link)

    def _sandbox_link(self, held: str, position: int, final: bool) -> _Decision:
        """`[shown](sandbox:/mnt/data/x)`; the path may hold balanced parentheses."""
        start = position + 2
        limit = start + MAX_LINK
        (end, depth), self._scanned = self._scanned or (start, 0), None
        while (part := LINK_PART.search(held, end, limit)) is not None:
            end = part.end()
            if part[0] == "(":
                depth += 1
            elif part[0] != ")":
                return _Kept(start)
            elif depth:
                depth -= 1
            else:
                address = self._sandbox(held[start + len(SANDBOX) : end - 1])
                return _Replaced(end, f"]({address})" if address is not None else "]")
        if final or len(held) > limit:
            return _Kept(start)
        # What is held will begin with this link. A `]` at its end may begin another one.
        self._scanned = max(end, len(held) - held.endswith("]")) - position, depth
        return self._open_sandbox_link()

    def _open_sandbox_link(self) -> _Undecided:
        """If there is an address, the link stays a link; if not, only its `]` is left."""
        return _Undecided(certain=2 if self._all_paths() else 1)

    def _position(self) -> int:
        """Where in the message the held text begins."""
        return self._source.given - len(self._held)

    def _find(self, start: int, end: int, number: int | None, waited: bool) -> Citation | None:
        """By range first, then by number: two marks may share a number and cite different pages.

        Where emoji occur, the unit of the ranges is not certain, so a near range of the same number will
        do; a far one only when nothing better can come any more.
        """
        if (citation := self._citations.at(start, end)) is not None:
            return citation
        nearest = None if number is None else self._citations.nearest(number, start)
        return nearest if nearest and (waited or abs(nearest.start - start) <= MAX_DRIFT) else None

    def _link(self, citation: Citation, label: str) -> str:
        if not citation.url:
            return f"({citation.title})" if citation.title else ""
        link = f"[[{label}]({escape_url(citation.url)})]"
        self._shown.append(ShownCitation(link, citation.url, citation.title))
        return link


class _Index:
    """Finds citations without looking at all of them. Of several that fit, the first one counts."""

    __slots__ = ("_by_mark", "_by_number", "_by_range")

    def __init__(self, citations: Sequence[Citation]) -> None:
        self._by_range: dict[tuple[int, int], Citation] = {}
        self._by_mark: dict[str, Citation] = {}
        # Those of each number, with where they start and which comes first.
        self._by_number: dict[int, list[tuple[int, int, Citation]]] = {}
        for order, citation in enumerate(citations):
            self._by_range.setdefault((citation.start, citation.end), citation)
            self._by_mark.setdefault(citation.matched, citation)
            if citation.number is not None:
                self._by_number.setdefault(citation.number, []).append((citation.start, order, citation))
        for found in self._by_number.values():
            found.sort(key=itemgetter(0, 1))

    def at(self, start: int, end: int) -> Citation | None:
        """The citation of this range."""
        return self._by_range.get((start, end))

    def matching(self, mark: str) -> Citation | None:
        """The citation that names this mark."""
        return self._by_mark.get(mark)

    def nearest(self, number: int, start: int) -> Citation | None:
        """The citation of this number whose range is nearest to `start`."""
        found = self._by_number.get(number, [])
        behind = bisect_left(found, start, key=itemgetter(0))
        nearest = found[behind : behind + 1]
        if behind:
            nearest.append(found[bisect_left(found, found[behind - 1][0], key=itemgetter(0))])
        return min(nearest, key=lambda one: (abs(one[0] - start), one[1]))[2] if nearest else None


def _until_waited(mark: re.Match[str], certain: int = 0) -> _Undecided:
    return _Undecided(mark.end() + MAX_WAIT + 1, certain)


def _has_waited(held: str, end: int, final: bool) -> bool:
    """Nothing more is waited for: the text is over, or much has come behind the mark that ends at `end`."""
    return final or len(held) - end > MAX_WAIT


def escape_url(url: str) -> str:
    """`url` so that it survives inside the parentheses of a markdown link."""
    return re.sub(r"[\s()<>\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)
