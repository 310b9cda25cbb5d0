"""Citation marks in a text, and the metadata that explains them, as two ages wrote them.

Until 2024 a mark is ``【11†source】`` and ``metadata.citations`` has its range; from 2025 on it is made of
private-use characters around ``cite`` and a reference, and ``metadata.content_references`` has range, links
and ready markdown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from simulator.messages import JsonObject

CITATION_REGEX = "【(?P<message_idx>\\d+)†(?P<evidence_text>.+?)】"
INVALID_MARK = "【†source】"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that can be cited."""

    title: str
    url: str
    text: str

    def as_metadata(self) -> JsonObject:
        """As in ``metadata`` of a citation, and in the list of a search."""
        named = {"type": "webpage", "title": self.title, "url": self.url}
        return {**named, "text": f"\n{self.text}", "pub_date": None}


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark: page, number, place among the results, label. ``private``: as from 2025 on."""

    page: Page
    number: int
    place: int
    label: str
    private: bool

    @property
    def text(self) -> str:
        """As it stands in the answer."""
        if self.private:
            return f"\ue200cite\ue202turn0search{self.place}\ue201"
        return f"【{self.number}†{self.label}】"

    def as_metadata(self, start: int) -> JsonObject:
        """The entry that explains the mark at ``start`` (in code points)."""
        end = start + len(self.text)
        if self.private:
            item = {"title": self.page.title, "url": self.page.url, "attribution": self.label}
            return {
                "type": "grouped_webpages",
                "matched_text": self.text,
                "start_idx": start,
                "end_idx": end,
                "alt": f"([{self.label}]({quote(self.page.url, safe=':/?&=%()')}))",
                "items": [item],
                "safe_urls": [self.page.url],
            }
        extra = {
            "cited_message_idx": self.number,
            "search_result_idx": self.place,
            "evidence_text": self.label,
        }
        return {
            "start_ix": start,
            "end_ix": end,
            "citation_format_type": "tether_og",
            "metadata": {**self.page.as_metadata(), "extra": extra},
        }


def cited_text(parts: list[str | Mark], style: str) -> tuple[str, list[tuple[int, JsonObject]]]:
    """A text with its marks, and (offset, metadata) for `answer`.

    ``style``: normal (the metadata comes with each mark), late (some words after it) or missing. An invalid
    mark in the text gets an entry that says so.
    """
    text, entries, attached = "", list[JsonObject](), list[tuple[int, JsonObject]]()
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        entries.append(part.as_metadata(len(text)))
        text += part.text
        name = "content_references" if part.private else "citations"
        attached.append((len(text) + (12 if style == "late" else -1), {name: list(entries)}))
    attached += _invalid(text, entries)
    if style == "missing":
        return text, []
    return text, [(min(offset, len(text) - 1), metadata) for offset, metadata in attached]


def _invalid(text: str, entries: list[JsonObject]) -> Iterator[tuple[int, JsonObject]]:
    start = text.find(INVALID_MARK)
    if start >= 0:
        end = start + len(INVALID_MARK)
        entry = {"start_ix": start, "end_ix": end, "citation_format_type": "tether_og"}
        yield end - 1, {"citations": [*entries, {**entry, "invalid_reason": "Could not match citation"}]}
