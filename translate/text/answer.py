"""The answer put together in order: text through the filters of the whole answer, items, pictures to come."""

from collections.abc import Sequence
from typing import Final

from translate.text.escape import escaped, unescaped
from translate.text.filters import FilterChain
from translate.text.hidden import HiddenFilter
from translate.text.marks import PRIVATE
from translate.text.stop import StopFilter
from translate.values import (
    Asset,
    Cited,
    CodeDelta,
    Event,
    ItemEnded,
    ItemKind,
    ItemStarted,
    OutputDelta,
    Picture,
    PictureShown,
    PictureWanted,
    ReasoningDelta,
    Refused,
    ShownCitation,
    TextDelta,
    ToolCall,
    ToolCalled,
    WebAction,
    WebUsed,
)

MAX_PIECE_CHARACTERS: Final = 4000
"""An escaped character takes up to 12 bytes, and the line that a piece is written into must stay under 64
KiB.
"""


class AnswerText:
    """The text of an answer so far, kept escaped: as bytes it is a quarter of what str pieces would take."""

    __slots__ = ("_breaks", "_escaped", "_read", "size")

    def __init__(self) -> None:
        self.size = 0
        """Bytes of it, escaped."""
        self._escaped = bytearray()
        self._breaks = 0  # at the end of what lies before `_read`
        self._read = 0

    @property
    def escaped(self) -> bytes:
        """All of it, as the inside of a JSON string."""
        return bytes(self._escaped)

    @property
    def text(self) -> str:
        """All of it."""
        return unescaped(self._escaped)

    @property
    def line_breaks(self) -> int:
        """How many line breaks it ends with: 0, 1 or 2, which also stands for more."""
        if self._read < len(self._escaped):
            self._count_breaks(unescaped(self._escaped[self._read :]))
        return self._breaks

    def append(self, piece: bytes, text: str) -> None:
        """Add `text`, which is `piece` when escaped."""
        if self._read < len(self._escaped) and not text.strip("\n"):
            self._count_breaks(unescaped(self._escaped[self._read :]))
        self._escaped += piece
        self.size += len(piece)
        self._count_breaks(text)

    def append_unread(self, pieces: bytes) -> None:
        """Add escaped text; it is decoded only if somebody asks for it."""
        self._escaped += pieces
        self.size += len(pieces)

    def _count_breaks(self, text: str) -> None:
        self._breaks = breaks_at_end(text, self._breaks)
        self._read = len(self._escaped)


def breaks_at_end(text: str, before: int = 0) -> int:
    """How many line breaks stand at the end of `text`, behind a text that ends with `before` of them; at
    most 2.
    """
    breaks = len(text) - len(text.rstrip("\n"))
    return min(2, breaks + before if breaks == len(text) else breaks)


class AnswerBuilder:
    """Takes what the renderer shows, and gives events.

    What comes behind a picture that must be fetched first waits for it; only reasoning, which stands beside
    the answer, does not. `stop` are the stop sequences of the whole answer; `hidden` is shown nowhere.
    """

    __slots__ = (
        "_filters",
        "_hidden",
        "_hiding",
        "_hiding_beside",
        "_pieces",
        "_stop",
        "_waiting",
        "answer",
        "events",
    )

    def __init__(self, stop: Sequence[str] = (), *, hidden: str = "") -> None:
        self.answer = AnswerText()
        self.events: list[Event] = []  # few at a time; see `_waiting`
        """What was put together; complete after `flush`."""
        self._stop = StopFilter(stop) if stop else None
        self._hidden = hidden
        self._hiding = HiddenFilter(hidden) if hidden else None  # in the text
        self._hiding_beside: dict[ItemKind, HiddenFilter] = {}  # in what stands beside it
        self._filters = FilterChain([used for used in (self._hiding, self._stop) if used is not None])
        self._pieces: list[bytes] = []  # of the TextDelta that is being collected
        # The picture that is waited for, and what comes behind it; a list, as most answers have no picture,
        # and an empty deque takes ten times as much memory.
        self._waiting: list[str | Event] = []

    @property
    def wanted(self) -> Asset | None:
        """The picture that everything waits for: a `PictureWanted` was given, and it has not been supplied
        yet.
        """
        head = self._waiting[0] if self._waiting else None
        return head.asset if isinstance(head, PictureWanted) else None

    @property
    def passes_through(self) -> bool:
        """Plain pieces may be added with `add_unread`: nothing waits, and no filter looks at the text."""
        return not self._waiting and self._filters.passes_through

    @property
    def stopped(self) -> bool:
        """A stop sequence was met."""
        return self._stop is not None and self._stop.stopped

    @property
    def stop_sequence(self) -> str:
        """The one that was met; empty if none was."""
        return "" if self._stop is None else self._stop.met

    @property
    def empty(self) -> bool:
        """No text yet, and none to come behind a picture."""
        return not self._waiting and not self.answer.size

    @property
    def line_breaks(self) -> int:
        """How many line breaks the text ends with, what waits included: 0, 1 or 2."""
        for waiting in reversed(self._waiting):
            if isinstance(waiting, str):
                return breaks_at_end(waiting)
            if isinstance(waiting, PictureWanted):
                return 0
        return self.answer.line_breaks

    def flush(self) -> None:
        """Make an event of the text that was added last."""
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self.events.append(TextDelta(pieces))

    def add_text(self, text: str) -> None:
        """Add text. Each call makes pieces of its own."""
        if not text:
            return
        if self._waiting:
            self._waiting.append(text)
        else:
            self._write(self._filters.feed(text))

    def add_unread(self, pieces: Sequence[bytes], joined: bytes) -> None:
        """Add plain escaped pieces, which are `joined` together, where the builder `passes_through`."""
        self._pieces += pieces
        self.answer.append_unread(joined)

    def add_reasoning(self, text: str) -> None:
        """Add reasoning."""
        if text := self._shown_beside(ItemKind.REASONING, text):
            self._put(ReasoningDelta([piece for piece, _ in _pieces_of(text)]))

    def add_apart(self, kind: ItemKind, text: str) -> None:
        """Add code or its output, which stand beside the answer."""
        if text := self._shown_beside(kind, text):
            pieces = [piece for piece, _ in _pieces_of(text)]
            self._put_in_order(CodeDelta(pieces) if kind is ItemKind.CODE else OutputDelta(pieces))

    def add_web_action(self, message_id: str, action: WebAction) -> None:
        """The model has used its browser."""
        self._put_in_order(WebUsed(message_id, action))

    def start_reasoning(self, message_id: str) -> None:
        """Begin an item of reasoning."""
        self._put(ItemStarted(ItemKind.REASONING, message_id))

    def end_reasoning(self, message_id: str) -> None:
        """End it."""
        if text := self._held_beside(ItemKind.REASONING):
            self._put(ReasoningDelta([escaped(text)]))
        self._put(ItemEnded(ItemKind.REASONING, message_id))

    def start_item(self, kind: ItemKind, message_id: str, language: str = "") -> None:
        """Begin an item; the text that follows is its own."""
        self._put_in_order(ItemStarted(kind, message_id, language))

    def end_item(self, kind: ItemKind, message_id: str) -> None:
        """End it."""
        if text := self._held_beside(kind):
            self._put_in_order(
                CodeDelta([escaped(text)]) if kind is ItemKind.CODE else OutputDelta([escaped(text)])
            )
        self._put_in_order(ItemEnded(kind, message_id))

    def add_citation(self, citation: ShownCitation) -> None:
        """The text added last holds this citation."""
        self._put_in_order(Cited(citation))

    def add_call(self, call: ToolCall) -> None:
        """The model calls a tool."""
        self._put_in_order(ToolCalled(call))

    def add_refusal(self, text: str) -> None:
        """The model refuses."""
        if self._hidden:
            hiding = HiddenFilter(self._hidden)
            text = hiding.feed(text) + hiding.release()
        self._put_in_order(Refused(without_private(text)))

    def add_picture(self, asset: Asset) -> None:
        """Keep a place for a picture, which is to be supplied."""
        if self.stopped:
            return
        wanted = PictureWanted(asset)
        if not self._waiting:
            self._put(wanted)
        self._waiting.append(wanted)

    def supply(self, picture: Picture | None, text: str) -> None:
        """Fill the place of the picture that is waited for with `text`, and go on with what waits behind it.

        `picture` is None if it could not be fetched.
        """
        wanted, *behind = self._waiting
        self._write(self._filters.feed(text))
        if picture is not None and isinstance(wanted, PictureWanted):
            self._put(PictureShown(wanted.asset, picture))
        for done, waiting in enumerate(behind):
            if isinstance(waiting, str):
                self._write(self._filters.feed(waiting))
            elif not isinstance(waiting, PictureWanted):
                self._put(waiting)
            elif not self.stopped:
                self._put(waiting)
                self._waiting = behind[done:]
                return
        self._waiting = []

    def release(self) -> None:
        """The answer is over: show what the filters held back.

        A picture is not waited for any more: its item ends, and what waits behind it is dropped.
        """
        self._write(self._filters.release())
        ended = next((waiting for waiting in self._waiting if isinstance(waiting, ItemEnded)), None)
        self._waiting.clear()
        if ended is not None:
            self._put(ended)

    def end(self, event: Event) -> None:
        """Close with the event that says how it ended."""
        self._put(event)

    def _write(self, text: str) -> None:
        for piece, part in _pieces_of(without_private(text)):
            self._pieces.append(piece)
            self.answer.append(piece, part)

    def _shown_beside(self, kind: ItemKind, text: str) -> str:
        if self._hidden:
            text = self._hiding_beside.setdefault(kind, HiddenFilter(self._hidden)).feed(text)
        return without_private(text)

    def _held_beside(self, kind: ItemKind) -> str:
        hiding = self._hiding_beside.get(kind)
        return hiding.release() if hiding is not None else ""

    def _put(self, event: Event) -> None:
        if (
            self._hiding is not None
            and not self._hiding.passes_through
            and not isinstance(event, ReasoningDelta)
        ):
            held = self._hiding.release()
            self._write(self._stop.feed(held) if self._stop is not None else held)
        self.flush()
        self.events.append(event)

    def _put_in_order(self, event: Event) -> None:
        if self._waiting:
            self._waiting.append(event)
        else:
            self._put(event)


def without_private(text: str) -> str:
    """`text` without the characters that marks are made of, which no client can show."""
    return text if text.isascii() else PRIVATE.sub("", text)


def _pieces_of(text: str) -> list[tuple[bytes, str]]:
    """`text` in pieces fit for a chunk each, escaped and as it is."""
    parts = [text[at : at + MAX_PIECE_CHARACTERS] for at in range(0, len(text), MAX_PIECE_CHARACTERS)]
    return [(escaped(part), part) for part in parts]
