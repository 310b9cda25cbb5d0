"""A good answer of the backend, cut into events, in each shape."""

from dataclasses import dataclass
from functools import cache

from tests.faults.cells import Shape
from tests.translate.deltas import as_deltas
from tests.translate.tool_turns import drawing_call, drawn
from tests.translate.wire import DONE, Json, echo, finished, growing, hidden_system, sse

TEXT = "Tea 茶 is a hot 🍵 drink."
"""Characters of one to four bytes."""
FIRST = "Tea 茶"
PICTURE = "file-1"
END = b"\n\n"


@dataclass(frozen=True, slots=True)
class GoodAnswer:
    """The events of a stream, in order, without the `[DONE]` behind them.

    `opening` are those before anything is shown; `first` shows the first text, or the picture; `last`
    finishes the answer.
    """

    opening: tuple[bytes, ...]
    first: bytes
    middle: tuple[bytes, ...]
    last: bytes

    @property
    def events(self) -> tuple[bytes, ...]:
        """All of them."""
        return (*self.opening, self.first, *self.middle, self.last)

    @property
    def complete(self) -> bytes:
        """The whole stream."""
        return b"".join(self.events) + DONE


@cache
def good_answer(shape: Shape) -> GoodAnswer:
    """The answer in this shape."""
    records: list[Json | bytes] = [hidden_system(), echo("Hello", "u1")]
    if shape.images:
        records += [drawing_call(), drawn(PICTURE), *growing("A cat", id="a2"), finished("A cat.", "a2")]
        shown = b"image_asset_pointer"
    else:
        texts = [FIRST, "Tea 茶 is a", "Tea 茶 is a hot 🍵", "Tea 茶 is a hot 🍵 dr"]
        records += [*growing(*texts), finished(TEXT)]
        shown = FIRST.encode()
    if shape.dialect == "delta v1":
        stream = as_deltas(records, raw=True)
    else:
        stream = sse(*records, done=False, raw=True)
    events = [event + END for event in stream.split(END) if event]
    at = next(number for number, event in enumerate(events) if shown in event)
    return GoodAnswer(tuple(events[:at]), events[at], tuple(events[at + 1 : -1]), events[-1])
