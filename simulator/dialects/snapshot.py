"""The snapshot dialect: every event is the whole message as it stands."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from simulator.ages import Age, envelope
from simulator.dialects import Frame
from simulator.messages import Message, grown
from simulator.steps import Begin, Grow, Note, Revise

_HERE = "6d1f0f0e-growing-text-9a7c"  # stands for the text while head and tail of a snapshot are rendered
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class SnapshotDialect:
    """Writes snapshots of one conversation in the manner of ``age``.

    ``escape`` chooses ASCII JSON; ``fffd`` adds snapshots that end in U+FFFD before characters beyond the
    basic plane and before some others.
    """

    def __init__(self, conversation_id: str, age: Age, *, escape: bool, fffd: bool) -> None:
        self._conversation_id = conversation_id
        self._age = age
        self._escape = escape
        self._fffd = fffd
        self._encode: Callable[[object], str] = json.JSONEncoder(ensure_ascii=escape).encode

    def opening(self) -> Iterator[Frame]:
        """Snapshots need no introduction."""
        return iter(())

    def closing(self) -> Iterator[Frame]:
        """Nor a farewell: [DONE] is not a record of the dialect."""
        return iter(())

    def write(self, step: Begin | Grow | Revise | Note, message: Message | None) -> Iterator[Frame]:
        """See `Dialect`."""
        if isinstance(step, Note):
            yield Frame((self._bytes(step.record),))
        elif message is None:
            raise ValueError("only a Note stands alone")
        elif isinstance(step, Grow):
            yield from self._grow(step, message)
        elif not (isinstance(step, Revise) and step.quiet):
            yield Frame((self._bytes(envelope(message, self._conversation_id, self._age)),))

    def _grow(self, step: Grow, message: Message) -> Iterator[Frame]:
        """Around the text all is rendered once, and each piece once: n pieces cost the bytes they make."""
        marked = replace(message, content=grown(message.content, _HERE))
        whole = self._bytes(envelope(marked, self._conversation_id, self._age))
        head, tail = whole.split(_HERE.encode())
        text = bytearray(head)
        for index, piece in enumerate(step.pieces):
            if self._fffd and _is_cut_before(piece, index):
                yield Frame((bytes(text), self._inner(_REPLACEMENT), tail))
            text += self._inner(piece)
            yield Frame((bytes(text), tail), tokens=step.tokens)

    def _bytes(self, record: object) -> bytes:
        return self._encode(record).encode()

    def _inner(self, text: str) -> bytes:
        """``text`` as it stands inside a JSON string."""
        return self._encode(text)[1:-1].encode()


def _is_cut_before(piece: str, index: int) -> bool:
    first = piece.lstrip()[:1]
    return first > "\uffff" or (first > "\u00ff" and index % 5 == 0)
