"""Texts with marks of 2026, and the references that explain them (protocol notes, section 20.4).

A mark is `U+E200 kind U+E202 argument ... U+E201` within the text. Its reference may come with it, later, by
deltas that fill it up, in a record of its own, or not at all: the knob `citations`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.final_answer import Insertion, final_answer
from simulator.messages import Edit, JsonObject
from simulator.turn import Turn
from simulator.turn_steps import EditMessage, SendRecord, TurnStep

OPEN, SEPARATOR, CLOSE = "\ue200", "\ue202", "\ue201"
REFERENCES = ("metadata", "content_references")


def mark(kind: str, *arguments: str) -> str:
    """A mark as it stands in a text."""
    return OPEN + SEPARATOR.join((kind, *arguments)) + CLOSE


@dataclass(frozen=True, slots=True)
class Source:
    """A page that an answer cites."""

    title: str
    url: str
    site: str

    def as_item(self, index: int) -> JsonObject:
        """One of the `items` of a citation; `index` is its number among the results."""
        return {
            "title": self.title,
            "url": self.url,
            "pub_date": None,
            "snippet": f"About {self.title}.",
            "attribution": self.site,
            "refs": [{"turn_index": 0, "ref_type": "search", "ref_index": index}],
            "supporting_websites": [],
            "hue": None,
        }

    def as_result_group(self, index: int) -> JsonObject:
        """One of `search_result_groups`."""
        entry = {
            "type": "search_result",
            "title": self.title,
            "url": self.url,
            "snippet": f"About {self.title}.",
            "ref_id": {"turn_index": 0, "ref_type": "search", "ref_index": index},
            "attribution": self.site,
            "pub_date": None,
        }
        return {"type": "search_result_group", "domain": self.url.split("/")[2], "entries": [entry]}


@dataclass(slots=True)
class MarkedText:
    """A text that is put together, with the references of its marks and the groups of search results."""

    text: str = ""
    references: list[JsonObject] = field(default_factory=list)
    result_groups: list[JsonObject] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Plain words, or a mark that nothing explains."""
        self.text += text

    def explained(self, matched: str, kind: str, **fields: Any) -> None:
        """A mark, and its reference of type `kind`."""
        start = len(self.text)
        self.text += matched
        reference: JsonObject = {
            "matched_text": matched,
            "start_idx": start,
            "end_idx": len(self.text),
            "safe_urls": [],
            "refs": [],
            "alt": None,
            "prompt_text": None,
            "type": kind,
            "status": "done",
            "error": None,
        }
        self.references.append({**reference, **fields})

    def cite(self, source: Source, index: int) -> None:
        """A citation of the search result of that number."""
        self.explained(
            mark("cite", f"turn0search{index}"),
            "grouped_webpages",
            alt=f"([{source.site}]({source.url}))",
            safe_urls=[source.url],
            items=[source.as_item(index)],
            fallback_items=None,
            style=None,
        )
        self.result_groups.append(source.as_result_group(index))


def marked_answer(turn: Turn, marked: MarkedText, **fields: Any) -> Iterator[TurnStep]:
    """The final answer with such a text; `fields` are those of `Message`."""
    metadata: JsonObject = {"content_references": [], **fields.pop("metadata", {})}
    if turn.knobs.citations == "groups":
        metadata["search_result_groups"] = marked.result_groups

    def insertions(message_id: str) -> Iterable[Insertion]:
        return _references(turn, marked, message_id)

    yield from final_answer(turn, marked.text, insertions=insertions, start={**fields, "metadata": metadata})


def _references(turn: Turn, marked: MarkedText, message_id: str) -> Iterator[Insertion]:
    timing, end = turn.knobs.citations, len(marked.text)
    if not marked.references or timing in ("missing", "groups"):
        return
    if timing == "patch":
        record = {"type": "content_references_patch", "conversation_id": turn.conversation.id}
        whole = {**record, "message_id": message_id, "content_references": marked.references}
        yield end, [SendRecord(whole)]
    elif timing == "delta":
        yield from _filling(marked.references, message_id, end)
    else:
        for reference in marked.references:
            added = EditMessage(message_id, (Edit(REFERENCES, "append", [reference]),))
            yield end if timing == "late" else reference["end_idx"], [added]


def _filling(references: list[JsonObject], message_id: str, end: int) -> Iterator[Insertion]:
    """Each reference begins as empty as it can be, and is filled at the end of the text."""
    for number, reference in enumerate(references):
        empty = {**reference, "alt": None, "status": "loading"}
        edits = [
            Edit((*REFERENCES, number, "alt"), "replace", reference["alt"]),
            Edit((*REFERENCES, number, "status"), "replace", "done"),
        ]
        if "items" in reference:
            empty["items"] = []
            edits.insert(0, Edit((*REFERENCES, number, "items"), "append", reference["items"]))
        begun = EditMessage(message_id, (Edit(REFERENCES, "append", [empty]),))
        yield reference["end_idx"], [begun]
        yield end, [EditMessage(message_id, (edit,)) for edit in edits]
