"""What the marks in a text stand for: citations and references, and how a link to one is written."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Source:
    """A page, file or thing that is cited. `url` is empty if it has no address; `picture` is that of a
    picture of it.
    """

    title: str
    url: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """What a mark in the text stands for; `start` and `end` count code points of the message.

    `number` is the cited message's, `matched` the mark's own text in later dialects, `markdown` their ready
    rendering. Without a `url` only the `title` (a file's name) can be shown.

    Of later dialects too: `kind` is the type of the reference, `sources` are its items, `further` those that
    stand behind them. One that is not `settled` may get more of this with a later record.
    """

    start: int
    end: int
    number: int | None
    url: str
    title: str
    matched: str = ""
    markdown: str = ""
    kind: str = ""
    sources: tuple[Source, ...] = ()
    further: tuple[Source, ...] = ()
    settled: bool = True

    @property
    def cited(self) -> tuple[Source, ...]:
        """Its sources, or the one that it is itself."""
        return self.sources or ((Source(self.title, self.url),) if self.url or self.title else ())


_Entry = tuple[int, int, Citation]
"""A citation, with where it starts and which comes first."""
Name = TypeVar("Name")


class CitationIndex:
    """Finds citations without looking at all of them. Of several that fit, the first one counts."""

    def __init__(self, citations: Sequence[Citation]) -> None:
        self._citations = citations

    @cached_property
    def _by_range(self) -> dict[tuple[int, int], Citation]:
        return {(one.start, one.end): one for one in reversed(self._citations)}

    @cached_property
    def _by_mark(self) -> dict[str, list[_Entry]]:
        matched = (_with_plain_spaces(one.matched) for one in self._citations)
        return _sorted(zip(matched, self._citations, strict=True))

    @cached_property
    def _by_number(self) -> dict[int | None, list[_Entry]]:
        return _sorted((one.number, one) for one in self._citations)

    def at(self, start: int, end: int) -> Citation | None:
        """The citation of this range."""
        return self._by_range.get((start, end))

    def matching(self, mark: str, start: int = 0) -> Citation | None:
        """The citation that names this mark; of several, the one whose range is nearest to `start`."""
        return _nearest(self._by_mark.get(_with_plain_spaces(mark), []), start)

    def nearest(self, number: int, start: int) -> Citation | None:
        """The citation of this number whose range is nearest to `start`."""
        return _nearest(self._by_number.get(number, []), start)


def _with_plain_spaces(mark: str) -> str:
    """A mark and the text that a reference gives for it may differ in narrow and no-break spaces."""
    return mark.replace("\u00a0", " ").replace("\u202f", " ")


def _sorted(named: Iterable[tuple[Name, Citation]]) -> dict[Name, list[_Entry]]:
    """The citations of each name, by where they start."""
    found: dict[Name, list[_Entry]] = {}
    for order, (name, citation) in enumerate(named):
        found.setdefault(name, []).append((citation.start, order, citation))
    for entries in found.values():
        if len(entries) > 1:
            entries.sort(key=itemgetter(0, 1))
    return found


def _nearest(found: list[_Entry], start: int) -> Citation | None:
    if len(found) < 2:
        return found[0][2] if found else None
    behind = bisect_left(found, start, key=itemgetter(0))
    nearest = found[behind : behind + 1]
    if behind:
        nearest.append(found[bisect_left(found, found[behind - 1][0], key=itemgetter(0))])
    return min(nearest, key=lambda one: (abs(one[0] - start), one[1]))[2]


def citation_link(label: str, url: str) -> str:
    """A link to what is cited, with a number or a star as its label: `[[1](https://example.org/)]`."""
    return f"[[{label}]({escape_url(url)})]"


def labelled_link(label: str, url: str) -> str:
    """A link whose label is words."""
    return f"[{_one_line(label)}]({escape_url(url)})"


def picture_link(label: str, url: str) -> str:
    """A picture on the web."""
    return f"!{labelled_link(label or 'image', url)}"


def _one_line(label: str) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", " ".join(label.split()))


def escape_url(url: str) -> str:
    """`url` so that it survives inside the parentheses of a markdown link."""
    return re.sub(r"[\s()<>\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url)
