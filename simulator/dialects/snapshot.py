"""The snapshot dialect: each record is the whole message in its present state (protocol notes, section 7)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from simulator.dialects.writer import Record
from simulator.messages import Message, with_appended_text
from simulator.protocol_versions import ProtocolVersion, envelope
from simulator.turn_steps import AppendText, EditMessage, SendRecord, UpdateMessage, WrittenStep

_PLACEHOLDER = "6d1f0f0e-growing-text-9a7c"
"""Stands for the text while what comes before and after it in a snapshot is rendered."""
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class SnapshotWriter:
    """Writes the snapshots of one conversation; see `DialectWriter`.

    `escape`: JSON is ASCII. `fffd`: some snapshots end in U+FFFD, as when a character is cut: before
    characters beyond U+FFFF and before some others.
    """

    def __init__(self, conversation_id: str, version: ProtocolVersion, *, escape: bool, fffd: bool) -> None:
        self._conversation_id = conversation_id
        self._version = version
        self._fffd = fffd
        self._encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=escape).encode

    def opening(self) -> Iterator[Record]:
        """None."""
        return iter(())

    def closing(self) -> Iterator[Record]:
        """None; `[DONE]` is no record of the dialect."""
        return iter(())

    def write(self, step: WrittenStep, message: Message | None) -> Iterator[Record]:
        """See `DialectWriter`. Raises ValueError for a change without its message."""
        if isinstance(step, SendRecord):
            yield Record((self._bytes(step.record),))
        elif message is None:
            raise ValueError("only a SendRecord concerns no message")
        elif isinstance(step, AppendText):
            yield from self._growth(step, message)
        elif not (isinstance(step, UpdateMessage) and step.deferred):
            tokens = step.tokens if isinstance(step, EditMessage) else 0.0
            whole = self._bytes(envelope(message, self._conversation_id, self._version))
            yield Record((whole,), tokens=tokens)

    def _growth(self, step: AppendText, message: Message) -> Iterator[Record]:
        """Render each piece once, and once what surrounds the text: the cost is that of the bytes."""
        with_placeholder = replace(message, content=with_appended_text(message.content, _PLACEHOLDER))
        whole = self._bytes(envelope(with_placeholder, self._conversation_id, self._version))
        before, after = whole.split(_PLACEHOLDER.encode())
        so_far = bytearray(before)
        for index, piece in enumerate(step.pieces):
            if self._fffd and _is_cut_before(piece, index):
                yield Record((bytes(so_far), self._string_bytes(_REPLACEMENT), after))
            so_far += self._string_bytes(piece)
            yield Record((bytes(so_far), after), tokens=step.tokens)

    def _bytes(self, record: object) -> bytes:
        return self._encode(record).encode()

    def _string_bytes(self, text: str) -> bytes:
        """`text` as it stands inside a JSON string."""
        return self._encode(text)[1:-1].encode()


def _is_cut_before(piece: str, index: int) -> bool:
    first = piece.lstrip()[:1]
    return first > "\uffff" or (first > "\u00ff" and index % 5 == 0)
