"""Plays recordings through one turn, as its caller would."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.golden.recording import Recording
from tests.translate.player import Player
from tests.translate.reading import Reading, chat_stream, read
from translate import Conversation, Options
from translate.backend import TurnFacts
from translate.values import ApiError, Asset, CitationForm, Style

Chunks = Callable[[bytes], Iterable[bytes]]
"""How a stream is cut."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a client saw of a turn, and how the turn ended."""

    seen: Reading
    facts: TurnFacts
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

    has_room = True

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
    citations: CitationForm = CitationForm.HOST,
    fast: bool = True,
) -> Played:
    """The answer to all exchanges of a turn."""
    first, *others = recordings
    conversation = Conversation(first.sent, Options(style=style, citations=citations), Shelf(), fast=fast)
    player = Player(conversation, chat_stream(), Gallery().address)
    player.play(chunks(first.stream))
    for recording in others:
        player.go_on(recording.sent)
        player.play(chunks(recording.stream))
    player.close()
    return Played(read(player.out), conversation.facts, player.error)
