"""Citation marks in a text, and the metadata that explains them (protocol notes, section 9).

Until 2024 a mark is `【11†source】`, and `metadata.citations` has its range. In 2025 it is made of
private-use characters around `cite` and a reference, and `metadata.content_references` has range, links
and ready Markdown.
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
        """The page as `metadata` of a citation, or as a search result."""
        named = {"type": "webpage", "title": self.title, "url": self.url}
        return {**named, "text": f"\n{self.text}", "pub_date": None}


@dataclass(frozen=True, slots=True)
class Mark:
    """A citation mark.

    `number` is that of the cited message, `result_index` that of the page among the search results.
    `private_use`: the mark is one of 2025.
    """

    page: Page
    number: int
    result_index: int
    label: str
    private_use: bool

    @property
    def text(self) -> str:
        """The mark as it stands in the answer."""
        if self.private_use:
            return f"\ue200cite\ue202turn0search{self.result_index}\ue201"
        return f"【{self.number}†{self.label}】"

    def as_metadata(self, start: int) -> JsonObject:
        """The entry that explains the mark; `start` is its offset in code points."""
        end = start + len(self.text)
        if self.private_use:
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
            "search_result_idx": self.result_index,
            "evidence_text": self.label,
        }
        return {
            "start_ix": start,
            "end_ix": end,
            "citation_format_type": "tether_og",
            "metadata": {**self.page.as_metadata(), "extra": extra},
        }


def cited_text(parts: list[str | Mark], timing: str) -> tuple[str, list[tuple[int, JsonObject]]]:
    """A text with its marks, and pairs of offset and metadata for `final_answer`.

    `timing` is that of the metadata: normal (with each mark), late (some words after it) or missing. An
    invalid mark in the text gets an entry that says so.
    """
    text, entries, attached = "", list[JsonObject](), list[tuple[int, JsonObject]]()
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        entries.append(part.as_metadata(len(text)))
        text += part.text
        name = "content_references" if part.private_use else "citations"
        attached.append((len(text) + (12 if timing == "late" else -1), {name: list(entries)}))
    attached += _invalid_mark_entry(text, entries)
    if timing == "missing":
        return text, []
    return text, [(min(offset, len(text) - 1), metadata) for offset, metadata in attached]


def _invalid_mark_entry(text: str, entries: list[JsonObject]) -> Iterator[tuple[int, JsonObject]]:
    start = text.find(INVALID_MARK)
    if start >= 0:
        end = start + len(INVALID_MARK)
        entry = {"start_ix": start, "end_ix": end, "citation_format_type": "tether_og"}
        yield end - 1, {"citations": [*entries, {**entry, "invalid_reason": "Could not match citation"}]}
