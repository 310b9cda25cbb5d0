"""Plays recordings through one turn, as its caller would."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.golden.recording import Recording
from tests.translate.reading import CREATED, ID, MODEL, Reading, read, run
from translate.backend.content import Asset
from translate.backend.interpreter import TurnState
from translate.conversation import Cut, Turn
from translate.openai.chat import StreamWriter
from translate.values.errors import ApiError
from translate.values.style import Style

Chunks = Callable[[bytes], Iterable[bytes]]
"""How a stream is cut."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a client saw of a turn, and how the turn ended."""

    seen: Reading
    state: TurnState
    error: ApiError | None

    @property
    def text(self) -> str:
        return self.seen.text


class Gallery:
    """Addresses for pictures, by the order in which they come."""

    def __init__(self) -> None:
        self._pointers: list[str] = []

    def address(self, asset: Asset) -> str:
        if asset.pointer not in self._pointers:
            self._pointers.append(asset.pointer)
        return f"https://files.example/picture-{1 + self._pointers.index(asset.pointer)}.png"


class Shelf:
    """Addresses for files of the sandbox."""

    def sandbox(self, message_id: str, path: str) -> str | None:
        assert message_id
        return f"https://files.example{path}".replace(" ", "%20").replace("(", "%28").replace(")", "%29")


def whole(stream: bytes) -> Iterator[bytes]:
    """Not cut at all."""
    yield stream


def play(
    recordings: Sequence[Recording],
    chunks: Chunks = whole,
    *,
    style: Style = Style.WEB,
    fast: bool = True,
) -> Played:
    """The answer to all exchanges of a turn."""
    writer = StreamWriter(id=ID, created=CREATED, model=MODEL, include_usage=False)
    first, *others = recordings
    turn = Turn(writer, first.sent, style=style, links=Shelf(), fast=fast)
    gallery = Gallery()
    out = writer.open() + b"".join(run(turn, chunks(first.stream), gallery.address))
    for recording in others:
        step = turn.follow_up()
        assert step is not None, "the turn does not know that it can go on"
        turn.resume(recording.sent, seamless=isinstance(step, Cut))
        out += b"".join(run(turn, chunks(recording.stream), gallery.address))
    error = turn.error
    out += turn.finish() if error is None else writer.fail(error, note=False)
    return Played(read(out), turn.state, error)
