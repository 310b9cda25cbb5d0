"""What the marks in a message stand for, read from its metadata.

Three forms are read (protocol notes, sections 9 and 20.4): `citations` (2023-24), `content_references`,
and behind them `search_result_groups`, which explain a mark that has no reference.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Final

import ujson

from translate.text import FOOTNOTE, PRIVATE, Citation, Source
from translate.values import JsonObject, object_at, objects_at, size_in_memory, text_at

MAX_CITATIONS: Final = 500
MAX_ITEMS: Final = 50
"""Sources of one reference that are read."""

_Read = tuple[tuple[Citation, ...], int]
"""What one item says, and the bytes of memory that it takes."""
_NEW = count(1)


class CitationReader:
    """Reads the citations of one message again and again, while they become more: what has not changed is not
    read twice.
    """

    def __init__(self) -> None:
        self.citations: list[Citation] = []
        """Those known now; what came beside the message stands before its own."""
        self.size = 0
        """Bytes of memory that they take, about."""
        self._patched: JsonObject = {}
        self._last = 0  # what was read last
        self._known: dict[int, _Read] = {}  # by item

    def read(self, metadata: JsonObject) -> bool:
        """Take the metadata of the message. Whether there are other citations now."""
        own = {key: metadata[key] for key in ITEMS if metadata.get(key)}
        return bool(own) and self._take(own)

    def patch(self, record: JsonObject) -> bool:
        """Take a record of references that come beside the message and stand for its own."""
        self._patched = {"content_references": record.get("content_references")}
        return self._take({})

    def _take(self, own: JsonObject) -> bool:
        last, self._last = self._last, _fingerprint([self._patched, own])
        if last == self._last:
            return False
        known: dict[int, _Read] = {}
        for holder in (self._patched, own):
            for key, read in ITEMS.items():
                for item in _some_objects(holder, key):
                    mark = _fingerprint([key, item])
                    known[mark] = self._known.get(mark) or _with_size(read(item))
        self._known = known
        citations = [citation for found, _ in known.values() for citation in found]
        if citations == self.citations:
            return False
        self.citations = citations
        self.size = sum(size for _, size in known.values())
        return True


def _fingerprint(value: list[object]) -> int:
    """A number that is the same for equal JSON, and for nothing else that is likely to come."""
    try:
        return hash(ujson.dumps(value))
    except OverflowError:  # nested too deeply
        return next(_NEW)


def _with_size(citations: Iterable[Citation]) -> _Read:
    found, size = tuple(citations), 0
    for one in found:
        size += size_in_memory(one.url, one.title, one.matched, one.markdown)
        size += sum(size_in_memory(page.url, page.title, page.picture) for page in one.sources + one.further)
    return found, size


def _some_objects(holder: JsonObject, key: str) -> Iterator[JsonObject]:
    found = holder.get(key)
    objects = (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())
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
    markdown = PRIVATE.sub("", text_at(item, "alt"))
    sources = [*_sources(item, "items"), *_sources(item, "fallback_items"), *_sources(item, "images")]
    safe = item.get("safe_urls")
    first = safe[0] if isinstance(safe, list) and safe and isinstance(safe[0], str) else ""
    url = next((source.url for source in sources if source.url), "")
    url = url or _web(text_at(item, "url") or text_at(item, "cloud_doc_url") or first)
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


def _sources(holder: JsonObject, key: str) -> Iterator[Source]:
    for item in objects_at(holder, key)[:MAX_ITEMS]:
        found = Source(_title(item), _web(text_at(item, "url")), _web(text_at(item, "content_url")))
        if found != Source(""):
            yield found


def _title(item: JsonObject) -> str:
    return PRIVATE.sub("", text_at(item, "title") or text_at(item, "name"))


def _span(item: JsonObject, start: str, end: str) -> tuple[int, int] | None:
    first, last = item.get(start), item.get(end)
    if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last:
        return first, last
    return None


def _web(url: str) -> str:
    return PRIVATE.sub("", url) if url.startswith(("http://", "https://")) else ""


ITEMS: Final[dict[str, Callable[[JsonObject], Iterator[Citation]]]] = {
    "citations": _citation,
    "content_references": _reference,
    "search_result_groups": _results,
}
"""Where they stand in the metadata, and what reads one item."""
