"""What the marks in a message stand for, read from its metadata.

Three forms are read (protocol notes, sections 9 and 20.4): `citations` (2023-24), `content_references`,
and behind them `search_result_groups`, which explain a mark that has no reference.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, islice
from typing import Final

from translate.text import FOOTNOTE, PRIVATE, Citation, Source
from translate.values import JsonObject, json_text, object_at, objects_at, size_in_memory, text_at

REFERENCES: Final = "content_references"
MAX_CITATIONS: Final = 500
MAX_ITEMS: Final = 50
"""Sources of one reference that are read."""

_Read = tuple[tuple[Citation, ...], int]
"""What one item says, and the bytes of memory that it takes."""
_Mark = tuple[str, int]
"""An item by the key that it stands under and its fingerprint."""
_NEW = count(1)


@dataclass(frozen=True, slots=True)
class ReferencesChange:
    """Those of the `content_references` of a message that are new or other than before, by their indices.

    Unless it `fits`, some of the change was left out.
    """

    items: Sequence[tuple[int, object]]
    fits: bool = True


class CitationReader:
    """Reads the citations of one message again and again, while they become more: what has not changed is not
    read twice.
    """

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        """Those known now; what came beside the message stands before its own."""
        self.size = 0
        """Bytes of memory that they take, about."""
        self.references: int | None = 0
        """How many references the message had when they were last read; None if all must be read again."""
        self._patched: list[_Read] = []
        self._own: dict[str, list[_Read]] = {}
        self._known: dict[_Mark, _Read] = {}  # what was read last with all others

    def read(self, metadata: JsonObject) -> bool:
        """Take the metadata of the message. Whether there are other citations now."""
        own = {key: metadata[key] for key in ITEMS if metadata.get(key)}
        if not own:
            return False
        known: dict[_Mark, _Read] = {}
        self._own = {key: self._read_all(key, items, known) for key, items in own.items()}
        self._known = known
        references = own.get(REFERENCES, [])
        simple = isinstance(references, list) and all(isinstance(item, dict) for item in references)
        self.references = len(references) if isinstance(references, list) and simple else None
        return self._settle()

    def patch(self, record: JsonObject) -> bool:
        """Take a record of references that come beside the message and stand for its own."""
        known: dict[_Mark, _Read] = {}
        self._patched = self._read_all(REFERENCES, record.get(REFERENCES), known)
        self._own, self._known, self.references = {}, known, None
        return self._settle()

    def change(self, changed: ReferencesChange) -> bool:
        """Take some references of the message, of which `references` were known. Whether there are other
        citations now.
        """
        own = self._own.setdefault(REFERENCES, [])
        new: list[Citation] = []
        for index, item in changed.items:
            if not isinstance(item, dict) or self.references is None:
                self.references = None
                continue
            self.references = max(self.references, index + 1)
            if index >= MAX_CITATIONS:
                continue
            read = _with_size(_reference(item))
            if index < len(own):
                own[index] = read
            else:
                own.append(read)
                new += read[0]
                self.size += read[1]
        if len(new) < len(changed.items):
            return self._settle()
        self.citations = [*self.citations, *new]  # behind all others, since references stand last
        return True

    def _read_all(self, key: str, items: object, known: dict[_Mark, _Read]) -> list[_Read]:
        read, found = ITEMS[key], []
        for item in _some_objects(items):
            mark = key, _fingerprint(item)
            known[mark] = self._known.get(mark) or known.get(mark) or _with_size(read(item))
            found.append(known[mark])
        return found

    def _settle(self) -> bool:
        """Put together what was read. Whether it is something else than before."""
        reads = [*self._patched, *chain.from_iterable(self._own.get(key, ()) for key in ITEMS)]
        citations = list(chain.from_iterable([read[0] for read in reads]))
        if citations == self.citations:
            return False
        self.citations = citations
        self.size = sum([read[1] for read in reads])
        return True


def _fingerprint(item: JsonObject) -> int:
    """A number that is the same for equal JSON, and for nothing else that is likely to come."""
    try:
        return hash(json_text(item))
    except OverflowError:  # nested too deeply
        return next(_NEW)


def _with_size(citations: Iterable[Citation]) -> _Read:
    found, size = tuple(citations), 0
    for one in found:
        size += size_in_memory(one.url, one.title, one.matched, one.markdown)
        for page in (*one.sources, *one.further):
            size += size_in_memory(*page)
    return found, size


def _some_objects(items: object) -> Iterator[JsonObject]:
    objects = (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())
    return islice(objects, MAX_CITATIONS)


def _citation(item: JsonObject) -> Iterator[Citation]:
    about = object_at(item, "metadata")
    span = _span(item, "start_ix", "end_ix")
    if about and span is not None:
        number = object_at(about, "extra").get("cited_message_idx")
        number = number if isinstance(number, int) else None
        yield Citation(*span, number, _web(text_at(about, "url")), _title(about))


def _reference(item: JsonObject) -> Iterator[Citation]:
    kind, matched = text_at(item, "type"), text_at(item, "matched_text")
    if kind == FOOTNOTE:
        yield Citation(-1, -1, None, "", "", kind=kind, further=tuple(_sources(item, "sources")))
        return
    span = _span(item, "start_idx", "end_idx")
    if span is None or not matched.strip():
        return
    markdown = _shown(text_at(item, "alt"))
    sources = [*_sources(item, "items"), *_sources(item, "fallback_items"), *_sources(item, "images")]
    url = next((source.url for source in sources if source.url), "")
    if not url:
        safe = item.get("safe_urls")
        first = safe[0] if isinstance(safe, list) and safe and isinstance(safe[0], str) else ""
        url = _web(text_at(item, "url") or text_at(item, "cloud_doc_url") or first)
    title = (sources[0].title if sources else "") or _title(item)
    further = [
        page for one in objects_at(item, "items")[:MAX_ITEMS] for page in _sources(one, "supporting_websites")
    ]
    yield Citation(
        *span,
        None,
        url,
        title,
        matched,
        markdown,
        kind,
        tuple(sources),
        tuple(further[:MAX_ITEMS]),
        bool(markdown)
        or (text_at(item, "status") in ("", "done") and bool(url or title or kind == "hidden")),
    )


def _results(group: JsonObject) -> Iterator[Citation]:
    """What a search found, under the name by which marks refer to it."""
    for entry in objects_at(group, "entries")[:MAX_ITEMS]:
        name = object_at(entry, "ref_id")
        turn, kind, number = name.get("turn_index"), text_at(name, "ref_type"), name.get("ref_index")
        if isinstance(turn, int) and isinstance(number, int) and (url := _web(text_at(entry, "url"))):
            yield Citation(-1, -1, None, url, _title(entry), f"turn{turn}{kind}{number}")


def _sources(holder: JsonObject, key: str) -> list[Source]:
    if not holder.get(key):
        return []
    found = [
        Source(_title(item), _web(text_at(item, "url")), _web(text_at(item, "content_url")))
        for item in objects_at(holder, key)[:MAX_ITEMS]
    ]
    return [source for source in found if any(source)]


def _title(item: JsonObject) -> str:
    return _shown(text_at(item, "title") or text_at(item, "name"))


def _shown(text: str) -> str:
    return text if text.isascii() else PRIVATE.sub("", text)


def _span(item: JsonObject, start: str, end: str) -> tuple[int, int] | None:
    first, last = item.get(start), item.get(end)
    if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last:
        return first, last
    return None


def _web(url: str) -> str:
    return _shown(url) if url.startswith(("http://", "https://")) else ""


ITEMS: Final[dict[str, Callable[[JsonObject], Iterator[Citation]]]] = {
    "citations": _citation,
    "search_result_groups": _results,
    REFERENCES: _reference,
}
"""Where they stand in the metadata, and what reads one item. What grows most often stands last."""
