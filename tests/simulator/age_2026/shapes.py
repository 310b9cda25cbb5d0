"""Shapes of records: which fields they have, without their values."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from tests.simulator.client import parse_events

Shape = frozenset[str]
"""The fields of an object; those of `metadata` differ from message to message and are no part of any."""


class Shapes:
    """The shapes of many streams: of typed records, deltas, messages, contents, frames and answers to polls.

    Each is by a name, such as that of a record's type; a name has one shape or several.
    """

    def __init__(self) -> None:
        self.by_name: defaultdict[str, Counter[Shape]] = defaultdict(Counter)

    def add(self, name: str, value: dict[str, Any]) -> None:
        """One object of that name."""
        self.by_name[name][frozenset(value)] += 1

    def usual_fields(self, name: str) -> set[str]:
        """The fields that nine in ten objects of that name have."""
        counts = Counter[str]()
        for shape, times in self.by_name[name].items():
            counts.update(dict.fromkeys(shape, times))
        return {each for each, times in counts.items() if times * 10 >= self.by_name[name].total() * 9}

    def add_stream(self, body: bytes) -> None:
        """An event stream, in snapshots or deltas."""
        for event, data in parse_events(body):
            if event == "delta":
                self._add_delta(json.loads(data))
            elif event == "message" and data.startswith("{"):
                self._add_record(json.loads(data))

    def add_frames(self, frames: Iterable[dict[str, Any]]) -> None:
        """Frames of the user's socket."""
        for frame in frames:
            if frame["type"] == "reply":
                self.add("frame reply", frame)
                self.add(f"reply {frame['reply']['type']}", frame["reply"])
                self.add_frames(frame["reply"].get("catchups", []))
                continue
            self.add("frame", frame)
            payload = frame["payload"]
            self.add(f"payload {payload['type']}", payload)
            inner = payload["payload"]
            name = inner.get("type") or inner.get("update_type")
            self.add(f"{payload['type']} {name}", inner)
            message = (inner.get("update_content") or {}).get("message")
            if message:
                self._add_message(message)

    def add_tree(self, tree: dict[str, Any]) -> None:
        """An answer of GET conversation."""
        self.add("tree", tree)
        for node in tree["mapping"].values():
            self.add("node", node)
            if node["message"]:
                self._add_message(node["message"])

    def _add_record(self, record: dict[str, Any]) -> None:
        if "type" in record:
            self.add(f"record {record['type']}", record)
            self._add_references(record.get("content_references"))
            for name in ("input_message", "message"):
                if isinstance(record.get(name), dict):
                    self._add_message(record[name])
        elif record.get("message"):
            self.add("envelope", record)
            self._add_message(record["message"])

    def _add_delta(self, record: dict[str, Any]) -> None:
        value = record.get("v")
        if isinstance(value, dict) and "message" in value:
            self.add("delta of a message", record)
            if value["message"]:
                self.add("envelope", value)
                self._add_message(value["message"])
            return
        changes = [each for each in value if "o" in each] if isinstance(value, list) else []
        kind = "changes" if changes else record.get("o", "what it was")
        self.add(f"delta of {kind}", dict.fromkeys(name for name in record if name != "c"))
        for change in changes:
            self.add("change", change)
        for change in changes or [record]:
            if change.get("p") == "/message/metadata/content_references":
                self._add_references(change.get("v"))

    def _add_message(self, message: dict[str, Any]) -> None:
        self.add("message", message)
        self.add("author", message["author"])
        content = message["content"]
        self.add(f"content {content['content_type']}", content)
        for part in content.get("parts", []):
            if isinstance(part, dict):
                self.add(f"part {part['content_type']}", part)
        self._add_references(message.get("metadata", {}).get("content_references"))

    def _add_references(self, references: list[dict[str, Any]] | None) -> None:
        for reference in references or []:
            self.add(f"reference {reference['type']}", reference)
