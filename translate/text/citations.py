"""Marks in the assistant's words: citations become links, sandbox paths become downloads.

A mark such as `【11†source】` may be split over deltas, and its citation may come one or more deltas later
(protocol notes, section 9); so text from an open mark on is held back, for a bounded length. `【` is also an
ordinary bracket, and inside code nothing is a mark but those of private-use characters, which nobody can
read. What only tells how to read the text behind it, such as a backtick or the `]` of a link, is kept to be
looked at again, but shown at once. The fences of writing blocks are left out, the words between them stay.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from translate.text.cited_pages import CitedPages
from translate.text.loose_marks import HINT, LOOSE, OPEN_LOOSE, goes_on_a_word, open_loose_mark, read_loose
from translate.text.marks import (
    CLOSING,
    MAX_ITEMS,
    OPENING,
    SEPARATOR,
    WAIT_FOR_LINK,
    Mark,
    json_prefix,
    kind_named,
    kind_of,
    read_mark,
    shown_for,
)
from translate.text.references import Citation, CitationIndex, Source, escape_url, labelled_link
from translate.text.source_text import SourceText

FOOTNOTE: Final = "sources_footnote"
"""The type of a reference to all pages that were used; it has no place in the text."""
MAX_DRIFT: Final = 8
"""Characters by which a range may be off; a mark is longer, so that its neighbours are not meant."""
MAX_LINK: Final = 1000
"""Characters of a path in the sandbox; it holds no `](`, with which another link begins."""

MAX_ARGUMENTS: Final = 4000
MAX_JSON: Final = 64 * 1024
"""Characters of a mark, without and with JSON in it; what is longer is none, or shows nothing."""
OF_A_LINE_OR_WORD: Final = ":cefi"
"""What opens something only at the beginning of a line or a word, so that it matters what stands before."""
MAX_FENCE: Final = 1000
"""Characters of the line that opens a writing block."""

_TOKENS = "`+|【|\ue200+|[\ue201-\ue206]|\\]\\(|\n[ \t]*\n|:::"
TOKEN = re.compile(_TOKENS)
ANY_TOKEN = re.compile(f"{_TOKENS}|(?P<loose>{LOOSE})")
IN_CODE = re.compile("`+|\ue200+|[\ue201-\ue206]|\n[ \t]*\n")
MARK = re.compile(r"【(?:(\d{1,20})(?::\d{1,6})?)?†([^【】\n]{0,200})】")
OPEN_MARK = re.compile(r"【(?:\d{1,20}(?::\d{0,6})?)?(?:†[^【】\n]{0,200})?")
HEAD = re.compile("\ue200([A-Za-z_]{0,40})")
LONE = re.compile("\ue202(?:turn\\d{1,4}[a-z]{1,12}\\d{1,4}[\ue202\ue203]?){1,40}\ue201?")
OPEN_LONE = re.compile("\ue202[a-z0-9\ue202\ue203]{0,300}")
END = re.compile("[\ue200\ue201]|\n[ \t]*\n")
MAY_END = re.compile("[\ue200\ue201\n]")
END_OF_JSON = re.compile("[\ue200\ue201]")
UNCLOSED = re.compile("\ue200[A-Za-z_]*(?:[\ue202\ue203]\\w*(?:,turn\\w*)*)*")
"""What is left out of a mark that is never closed: its name and its references."""
FENCE = re.compile(r':::writing\{(?:"[^"\n]*"|“[^”\n]*”|[^"“}\n])*\}[ \t]*\n?')
FENCE_OF_A_WHOLE_LINE = re.compile(r":::writing\{[^}\n]*\}[ \t]*\n?")
"""One in which a quotation mark is not closed."""
OPEN_FENCE = re.compile(r":::(?:w(?:r(?:i(?:t(?:i(?:n(?:g(?:\{[^\n]*)?)?)?)?)?)?)?)?")
FENCE_END = re.compile(r":::[ \t]*(?:\n|\Z)")
COLONS = re.compile(r"(?<!:):{1,2}\Z")
OPEN_FENCE_END = re.compile(r":{1,3}[ \t]*\Z")
NUMBERED_LINK = re.compile(r"\]\((\d{1,4})\)")
OPEN_NUMBERED_LINK = re.compile(r"\]\(\d{0,4}")
SANDBOX = "sandbox:"
LINK_PART = re.compile(r"[()\n]|\]\(")
OPEN_TAIL = re.compile(r"\]\Z|\n[ \t]*\Z")
"""Ends of a text whose meaning depends on what follows, besides backticks."""


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

    So many first characters of the mark stay what they are, whatever becomes of it. With `awaited`, only a
    piece that holds this can decide before.
    """

    end: int = 0
    certain: int = 0
    awaited: re.Pattern[str] | None = None


class _Asked(NamedTuple):
    """The mark that what is held begins with, and that waits for its citation."""

    text: str
    mark: Mark
    size: int


_UNDECIDED: Final = _Undecided()
_Decision = _Kept | _Replaced | _Undecided


class CitationRewriter:
    """A text filter for one message of prose.

    `source` is the message's text, which knows how far the fed text reaches. `sandbox` turns a path in the
    sandbox into an address, or None if it cannot; while `all_paths` says so it can. With `show_citations`,
    citations are shown as links, else they are left out. `pages` gets each citation that is shown, in order,
    and what stands behind it; it is shared by the messages of an answer.
    """

    __slots__ = (
        "_all_paths",
        "_asked",
        "_awaited",
        "_before",
        "_citations",
        "_code",
        "_given",
        "_held",
        "_more",
        "_more_size",
        "_pages",
        "_read",
        "_run",
        "_sandbox",
        "_scanned",
        "_show_citations",
        "_skipping",
        "_source",
        "_wake",
        "_writing",
    )

    def __init__(
        self,
        source: SourceText,
        sandbox: Callable[[str], str | None],
        all_paths: Callable[[], bool],
        pages: CitedPages,
        *,
        show_citations: bool,
    ) -> None:
        self._source = source
        self._sandbox = sandbox
        self._all_paths = all_paths
        self._pages = pages
        self._show_citations = show_citations
        self._citations = CitationIndex()
        self._held = ""
        self._given = 0  # how many characters of what is held are shown already
        # What came behind `_held` and was not looked at, since it decides nothing: before `_wake` characters
        # are held, or while it only goes on with a run of these characters, which is shown as it comes.
        self._more: list[str] = []
        self._more_size = 0
        self._wake = 0
        self._run = ""
        self._awaited: re.Pattern[str] | None = None
        self._asked: _Asked | None = None
        self._read = "", Mark("")  # the mark that was read last
        self._before: str | None = None  # the character before what is held, if that is not in the source
        self._skipping = False  # the rest of a mark that is too long
        self._writing = False  # in a writing block
        self._scanned: tuple[int, int] | None = None  # of the link that is held: how far, and how deep
        self._code = ""  # the backticks that opened the code we are in

    @property
    def passes_through(self) -> bool:
        """See `TextFilter`: nothing at the end is still to be read, no code span or writing block is open."""
        return not (self._held or self._skipping or self._writing) and len(self._code) not in (1, 2)

    @property
    def heeds_loose_marks(self) -> bool:
        """Plain pieces in which `LOOSE_HINT` is found must be fed all the same."""
        return not self._code

    @property
    def waits(self) -> bool:
        """A mark waits for its citation, and all that comes with it."""
        return self._asked is not None

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        if self._skipping:
            text = self._skip(text)
        self._more.append(text)
        self._more_size += len(text)
        if self._run and not text.strip(self._run):
            self._given += len(text)
            return text
        if len(self._held) + self._more_size < self._wake and (
            self._awaited is None or not self._awaited.search(text)
        ):
            return ""
        return self._rewrite(final=False)

    def _skip(self, text: str) -> str:
        """What of `text` stands behind the mark that is too long to be shown."""
        if (end := END_OF_JSON.search(text)) is None:
            return ""
        self._skipping = False
        at = end.end() if end[0] == CLOSING else end.start()
        self._before = text[at - 1 : at]
        return text[at:]

    def release(self) -> str:
        """See `TextFilter`: what is unresolved now stays so."""
        self._skipping = False
        return self._rewrite(final=True)

    def cite(self, citations: Sequence[Citation]) -> str:
        """Take the citations of the message as they stand now. Return what can be shown now."""
        changed = self._citations.become(citations)
        if self._show_citations:
            for citation in changed:
                if citation.kind == FOOTNOTE:
                    self._pages.note(citation.further)
        if not self._held or (self._asked is not None and self._citations.matching(self._asked.text) is None):
            return ""
        return self._rewrite(final=False)

    def take_back(self, characters: int) -> None:
        """So many characters at the end of the message, as far as it was fed, are no longer part of it."""
        held = self._join()
        self._held = held[: max(0, len(held) - characters)]
        self._given = min(self._given, len(self._held))
        self._scanned = self._asked = None

    def _join(self) -> str:
        """All that is held."""
        if self._more:
            self._held = "".join((self._held, *self._more))
            self._more.clear()
        self._more_size = self._wake = 0
        self._run = ""
        self._awaited = None
        return self._held

    def _rewrite(self, final: bool) -> str:
        held, start, at = self._join(), self._given, 0
        out: list[str] = []
        if (asked := self._asked) is not None:
            self._asked = None
            answered = self._resolved(held, asked.text, asked.mark, 0, asked.size, final)
            if isinstance(answered, _Undecided):
                self._wake = answered.end
                return ""
            out.append(answered.text)
            start = at = answered.end
        keep = shown = len(held)  # what is held from here on, and shown up to there
        hinted = HINT.search(held, at) is not None
        outside = ANY_TOKEN if hinted else TOKEN
        while (token := (IN_CODE if self._code else outside).search(held, at)) is not None:
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
            if len(word) > 1 and word[0] == OPENING:  # all but the last open nothing
                out.append(held[start:position])
                start = position = token.end() - 1
            if token.lastgroup is None:
                decision = self._decide(held, position, final)
            else:
                decision = self._loose_mark(held, token, final)
            if isinstance(decision, _Undecided):
                keep, shown = position, max(start, position + decision.certain)
                self._wake = max(0, decision.end - position)
                self._awaited = decision.awaited
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
            elif not final and not self._code and (loose := self._open_at(held, at, hinted)) >= 0:
                keep, shown = loose, max(start, loose)
        out.append(held[start:shown])
        if keep == len(held):
            self._before = None
        elif keep:
            self._before = held[keep - 1]
        elif held[0] in OF_A_LINE_OR_WORD:
            self._before = self._character_before()
        self._held, self._given = held[keep:], shown - keep
        return "".join(out)

    def _character_before(self) -> str:
        """What stands before the text that is held or fed; empty if nothing does."""
        return self._source.before if self._before is None else self._before

    def _open_at(self, held: str, at: int, hinted: bool) -> int:
        """Where a loose mark or a fence may begin that is not whole; -1 if none does."""
        if self._writing or held.endswith(":"):
            open_fence = OPEN_FENCE_END if self._writing else COLONS
            fence = open_fence.search(held, max(at, len(held) - MAX_FENCE))
            if fence is not None and (self._writing or self._begins_line(held, fence.start())):
                return fence.start()
        return open_loose_mark(held, at, self._character_before()) if hinted else -1

    def _begins_line(self, held: str, position: int) -> bool:
        return (held[position - 1] if position else self._character_before()) in ("", "\n")

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
        if first == ":":
            return self._fence(held, position, final)
        if first != "]":
            return self._private_mark(held, position, final)
        rest = held[position + 2 : position + 2 + len(SANDBOX)]
        if rest == SANDBOX:
            return self._sandbox_link(held, position, final)
        if SANDBOX.startswith(rest) and not final:
            return self._open_sandbox_link()
        return self._numbered_link(held, position, final)

    def _fence(self, held: str, position: int, final: bool) -> _Decision:
        """`:::writing{...}`, which begins a line, opens a writing block; `:::`, which ends one, closes it."""
        if self._writing:
            if (fence := FENCE_END.match(held, position)) is None:
                return _Kept(position + 1)
            if fence.end() == len(held) and held[-1] != "\n" and not final:
                return _UNDECIDED
            self._writing = False
            return _Replaced(fence.end(), "")
        if not self._begins_line(held, position):
            return _Kept(position + 1)
        limit = position + MAX_FENCE
        if (fence := FENCE.match(held, position, limit)) is None:
            if not final and len(held) < limit and OPEN_FENCE.fullmatch(held, position):
                return _UNDECIDED
            if (fence := FENCE_OF_A_WHOLE_LINE.match(held, position, limit)) is None:
                return _Kept(position + 1)
        if fence.end() == len(held) and held[-1] != "\n" and not final:
            return _UNDECIDED
        self._writing = True
        return _Replaced(fence.end(), "")

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
        citation = self._citations.matching(mark.group(), start)
        if citation is not None and not citation.settled and not waited:
            return _until_waited(mark)
        citation = citation or self._find(start, start + len(mark.group()), number, waited)
        if citation is None:
            return _Replaced(mark.end(), "") if waited else _until_waited(mark)
        if citation.matched:
            return _Replaced(mark.end(), self._shown_text(Mark("cite"), citation))
        return _Replaced(mark.end(), self._pages.cite(Source(citation.title, citation.url)))

    def _private_mark(self, held: str, position: int, final: bool) -> _Decision:
        """The mark of later dialects, in private-use characters; one of them alone is left out."""
        if held[position] == SEPARATOR:
            return self._lone_mark(held, position, final)
        head = HEAD.match(held, position)
        if head is None:
            return _Replaced(position + 1, "")
        name, at = head[1], head.end()
        if at == len(held):
            if final:
                return _Replaced(at if kind_named(name) else position + 1, "")
            return _UNDECIDED
        kind, follows = kind_named(name), held[at]
        if not name or not (
            follows in (SEPARATOR, CLOSING) or (kind is not None and kind.json and follows in "[{")
        ):
            return _Replaced(at if kind else position + 1, "")
        body = at + (follows == SEPARATOR)
        if body == len(held) and not final:
            return _UNDECIDED
        holds_json = held[body : body + 1] in ("[", "{")
        limit = position + (MAX_JSON if holds_json else MAX_ARGUMENTS)
        end = (END_OF_JSON if holds_json else END).search(held, body, limit)
        if end is None and not final and len(held) < limit:
            return _Undecided(limit, awaited=END_OF_JSON if holds_json else MAY_END)
        if end is not None and end[0] == CLOSING:
            return self._whole_mark(held, position, end.end(), final)
        stop = end.start() if end is not None else min(limit, len(held))
        return self._unclosed_mark(held, position, body, stop, name)

    def _unclosed_mark(self, held: str, position: int, body: int, stop: int, name: str) -> _Decision:
        """A mark that is not closed before `stop`. Words behind it stay, as far as they can be told apart."""
        if held[body : body + 1] in ("[", "{"):
            whole = json_prefix(held[body:stop])
            if whole is not None:
                words = kind_of(Mark(name)).without(Mark(name, (), whole[0]))
                return _Replaced(body + whole[1], words)
            if stop == position + MAX_JSON:
                self._skipping = True
                rest = self._skip(held[stop:])
                return _Replaced(len(held) - len(rest), "")
            return _Replaced(stop, "")
        kind = kind_named(name)
        if kind is not None and kind.labelled:
            label, _, behind = held[body:stop].partition(SEPARATOR)
            return _Replaced(stop, label + UNCLOSED.sub("", f"{OPENING}{SEPARATOR}{behind}"))
        left_out = UNCLOSED.match(held, position, stop)
        return _Replaced(left_out.end() if left_out is not None else stop, "")

    def _lone_mark(self, held: str, position: int, final: bool) -> _Decision:
        """References that lost the beginning of their mark."""
        if not final and OPEN_LONE.fullmatch(held, position):
            return _UNDECIDED
        mark = LONE.match(held, position)
        if mark is None:
            return _Replaced(position + 1, "")
        read = read_mark(f"{OPENING}cite{mark.group()}")
        return self._resolved(held, mark.group(), read, position, mark.end(), final)

    def _whole_mark(self, held: str, position: int, end: int, final: bool) -> _Decision:
        text = held[position:end]
        if text != self._read[0]:
            self._read = text, read_mark(text)
        return self._resolved(held, text, self._read[1], position, end, final)

    def _loose_mark(self, held: str, found: re.Match[str], final: bool) -> _Decision:
        """A mark that lost its private-use characters."""
        position, end = found.span()
        if goes_on_a_word(held, position, self._character_before()):
            return _Kept(position + 1)
        if not final and (end == len(held) or OPEN_LOOSE.match(held, position)):
            return _UNDECIDED
        read = read_loose(found.group())
        if isinstance(read, str):
            return _Replaced(end, read)
        return self._resolved(held, found.group(), read, position, end, final)

    def _resolved(
        self, held: str, text: str, mark: Mark, position: int, end: int, final: bool
    ) -> _Replaced | _Undecided:
        """Show the mark that is `text` and reaches to `end`, or wait for what it stands for."""
        if self._code or not self._show_citations:
            return _Replaced(end, kind_of(mark).without(mark))
        citation = self._citations.matching(text, self._position() + position)
        wait = kind_of(mark, citation).wait
        if (citation is None or not citation.settled) and not final and len(held) - end <= wait:
            self._asked = _Asked(text, mark, end - position)
            return _Undecided(end + wait + 1)
        return _Replaced(end, self._shown_text(mark, citation))

    def _shown_text(self, mark: Mark, citation: Citation | None) -> str:
        """What is shown for a mark; the links in it are noted."""
        results: list[Source] = []
        if citation is None or not (citation.markdown or citation.cited):
            named = map(self._citations.matching, mark.references)
            results = [Source(found.title, found.url) for found in named if found is not None]
        out, pages = [], self._pages
        for part in shown_for(mark, citation, results):
            if isinstance(part, str):
                if citation is not None and citation.markdown:
                    put = pages.cite_ready if kind_of(mark, citation).cites else pages.show
                    part = put(part, Source(citation.title, citation.url))
                out.append(part)
            elif not part.label:
                out.append(pages.cite(part.source))
            elif not part.source.url:
                out.append(part.label)
            else:
                out.append(pages.show(labelled_link(part.label, part.source.url), part.source))
        if citation is not None:
            pages.note((*citation.sources[1:MAX_ITEMS], *citation.further))
        return "".join(out)

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
        return _Replaced(mark.end(), self._pages.show(link, Source(citation.title, citation.url)))

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


def _until_waited(mark: re.Match[str], certain: int = 0) -> _Undecided:
    return _Undecided(mark.end() + WAIT_FOR_LINK + 1, certain)


def _has_waited(held: str, end: int, final: bool) -> bool:
    """Nothing more is waited for: the text is over, or much has come behind the mark that ends at `end`."""
    return final or len(held) - end > WAIT_FOR_LINK
