"""What the marks in a text stand for: citations and references, and how a link to one is written."""

import re
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

UNUSABLE: Final = re.compile(r'[\s\x00-\x1f\x7f-\x9f"<>\\^`{|}]')
"""Characters that stand in no address (RFC 3986)."""


class Source(NamedTuple):
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
    def place(self) -> tuple[int, int, int | None, str]:
        """What it is found by."""
        return self.start, self.end, self.number, self.matched

    @property
    def cited(self) -> tuple[Source, ...]:
        """Its sources, or the one that it is itself."""
        return self.sources or ((Source(self.title, self.url),) if self.url or self.title else ())


_Place = tuple[int, int]
"""Where a citation starts, and which it is."""


class CitationIndex:
    """Finds citations without looking at all of them. Of several that fit, the first one counts.

    While they only become more, or change in what they say of the same place, none is sorted in twice.
    """

    __slots__ = ("_by_mark", "_by_number", "_by_range", "_citations", "_sorted")

    def __init__(self) -> None:
        self._citations: Sequence[Citation] = ()
        self._sorted = 0  # how many of them are in the three
        self._by_range: dict[tuple[int, int], int] = {}
        self._by_mark: dict[str, list[_Place]] = {}
        self._by_number: dict[int, list[_Place]] = {}

    def become(self, citations: Sequence[Citation]) -> Sequence[Citation]:
        """Take all citations as they stand now, which stay so. Return those that are new or changed."""
        before, self._citations = self._citations, citations
        if citations[: len(before)] == before:
            return citations[len(before) :]
        pairs = [(one, other) for one, other in zip(before, citations, strict=False) if one is not other]
        if len(citations) < len(before) or any(one.place != other.place for one, other in pairs):
            self._sorted = 0
            for index in (self._by_range, self._by_mark, self._by_number):
                index.clear()
        return [*(other for _, other in pairs), *citations[len(before) :]]

    def at(self, start: int, end: int) -> Citation | None:
        """The citation of this range."""
        self._sort()
        found = self._by_range.get((start, end))
        return None if found is None else self._citations[found]

    def matching(self, mark: str, start: int = 0) -> Citation | None:
        """The citation that names this mark; of several, the one whose range is nearest to `start`."""
        self._sort()
        found = self._by_mark.get(mark) or self._by_mark.get(_with_plain_spaces(mark))
        return self._nearest(found, start)

    def nearest(self, number: int, start: int) -> Citation | None:
        """The citation of this number whose range is nearest to `start`."""
        self._sort()
        return self._nearest(self._by_number.get(number), start)

    def _sort(self) -> None:
        """Take what is new into the three."""
        first, self._sorted = self._sorted, len(self._citations)
        if first == self._sorted:
            return
        for at in range(first, self._sorted):
            one = self._citations[at]
            self._by_range.setdefault((one.start, one.end), at)
            if one.matched:
                insort(self._by_mark.setdefault(_with_plain_spaces(one.matched), []), (one.start, at))
            if one.number is not None:
                insort(self._by_number.setdefault(one.number, []), (one.start, at))

    def _nearest(self, found: list[_Place] | None, start: int) -> Citation | None:
        if not found:
            return None
        if len(found) == 1:
            return self._citations[found[0][1]]
        behind = bisect_left(found, (start,))
        nearest = found[behind : behind + 1]
        if behind:
            nearest.append(found[bisect_left(found, (found[behind - 1][0],))])
        return self._citations[min(nearest, key=lambda one: (abs(one[0] - start), one[1]))[1]]


def _with_plain_spaces(mark: str) -> str:
    """A mark and the text that a reference gives for it may differ in narrow and no-break spaces."""
    return mark.replace("\u00a0", " ").replace("\u202f", " ")


def labelled_link(label: str, url: str) -> str:
    """A link whose label is words."""
    return f"[{_one_line(label)}]({escape_url(url)})"


def picture_link(label: str, url: str) -> str:
    """A picture on the web."""
    return f"!{labelled_link(label or 'image', url)}"


def _one_line(label: str) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", " ".join(label.split()))


def usable_url(url: str) -> str:
    """`url` without spaces and other characters that stand in no address: they are percent-encoded."""
    return UNUSABLE.sub(_percent_encoded, url.strip(" \t\r\n"))


def escape_url(url: str) -> str:
    """The same so that it survives inside the parentheses of a markdown link."""
    return re.sub(r"[()]", _percent_encoded, usable_url(url))


def _percent_encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
