"""Typed growth to the text that a person reads, in one of three styles.

``web`` shows everything in markdown: code and its output in fences, pictures, citations as links.
``plain`` is for bots whose chat renders no markdown: no tool blocks, no marks, bare addresses of
pictures. ``text`` is the prose alone.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from translate.backend.content import FIGURE_MARK, Asset, Citation, Kind
from translate.backend.interpreter import Message
from translate.text.citations import Marks, Shown
from translate.text.output import Output
from translate.values import Style

MAX_OUTPUT = 20_000
"""Characters of one program's output that are shown; a chat window is no log viewer."""
MAX_REASONING = 1_000_000
"""Characters; beyond that nobody reads on, but a whole answer would have to keep it."""
MAX_ALT = 200
MAX_ERROR = 500
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BREAK = "\u200b"


class Links(Protocol):
    """Where pictures and files of the answer will be found; addresses are made by the caller."""

    def sandbox(self, message_id: str, path: str) -> str | None:
        """An address for a file of the sandbox that ``message_id`` links to, or None."""
        ...


class Renderer:
    """Takes what the interpreter sees (it is its view), in the order of the answer."""

    def __init__(self, output: Output, style: Style, links: Links | None, *, reasoning: bool) -> None:
        self._out = output
        self._style = style
        self._links = links
        self._open: Message | None = None
        self._marks: Marks | None = None
        self._fence = ""
        self._left = 0  # of MAX_OUTPUT for the open block
        self._breaks = ""  # line breaks of a program's output that are not shown yet
        self._ticks = False  # the open block ends with a backtick so far
        self._seamless = False
        self._reasoning_left = MAX_REASONING if reasoning else 0
        self._reasoned: Message | None = None
        self.cited: list[Shown] = []

    def transparent(self, message: Message) -> bool:
        """Passable pieces of ``message`` may go to the writer unread."""
        if self._open is not message or not self._out.transparent:
            return False
        if self._marks is not None:
            return self._marks.transparent
        # Passable pieces hold no backticks, which are all that matters in a fence.
        return message.kind is Kind.CODE and not self._ticks

    @property
    def began(self) -> bool:
        """Something was shown, or is held back and will be."""
        return self._open is not None or not self._out.empty

    def skip(self, characters: int) -> None:
        """Text of this length of the open message went to the writer unread."""
        if self._marks is not None:
            self._marks.skip(characters)

    def continue_seamlessly(self) -> None:
        """The next message goes on where the last one was cut."""
        self._seamless = True

    def grow(self, message: Message, piece: str) -> None:
        """``message`` grew by ``piece``."""
        if message.kind is Kind.PROSE:
            self._switch(message)
            if self._marks is not None:
                self._out.text(self._marks.feed(piece))
        elif self._style is Style.WEB and message.kind is Kind.CODE:
            self._switch(message, piece)
            self._out.text(self._in_fence(piece))
        elif self._style is Style.WEB and message.kind is Kind.OUTPUT:
            self._print(message, piece)
        elif message.kind is Kind.REASONING and self._reasoning_left:
            self._reason(message, piece)

    def rewind(self, message: Message, offset: int) -> None:
        """``message`` was rewritten from ``offset`` on."""
        if self._open is message and self._marks is not None:
            self._marks.rewind(offset)

    def cite(self, message: Message, citations: Sequence[Citation]) -> None:
        """The citations of ``message`` as they stand now."""
        if self._open is message and self._marks is not None:
            self._out.text(self._marks.cite(citations))

    def picture(self, message: Message, asset: Asset) -> None:
        """A picture, once per asset."""
        if self._style is Style.TEXT:
            return
        self._close()
        self._separate()
        self._out.picture(asset)

    def error(self, message: Message, name: str, text: str) -> None:
        """A tool failed."""
        if self._style is not Style.WEB:
            return
        self._close()
        self._separate()
        said = " ".join(text.split())[:MAX_ERROR].replace("`", "'")
        # In a code span nothing of it is taken for markup, such as "<class ...>".
        self._out.text(f"> **{name or 'error'}** `{said}`" if said else f"> **{name or 'error'}**")

    def note(self, text: str) -> None:
        """Words of this service, as a paragraph."""
        self._close()
        self._separate()
        self._out.text(text)

    def end(self, message: Message) -> None:
        """``message`` is complete; it may still be told to grow, by a backend that changed its mind."""
        if self._open is message:
            if message.kind is Kind.PROSE and self._marks is not None:
                self._out.text(self._marks.end())
            else:
                self._close()

    def close(self) -> None:
        """The answer is over, well or not: no fence stays open, nothing is held back."""
        self._close()
        self._out.release()

    def markdown(self, asset: Asset, address: str) -> str:
        """A fetched picture as the style shows it; one piece, since some clients look at single deltas."""
        if self._style is Style.PLAIN:
            return address
        alt = re.sub(r"[\[\]()\\`!<>*_]|\s+", " ", asset.alt).strip()[:MAX_ALT].strip()
        return f"![{alt or 'image'}]({address})"

    def _switch(self, message: Message, piece: str = "") -> None:
        if self._open is message:
            return
        self._close()
        self._open = message
        if self._seamless:
            self._seamless = False
        else:
            self._separate()
        if message.kind is Kind.PROSE:
            self._marks = Marks(self._file_of(message.id), shows_citations=self._style is Style.WEB)
            self._marks.cited = self.cited
        else:
            runs = [len(run) for run in re.findall("`{3,}", piece)]
            self._fence = "`" * max(3, 1 + max(runs, default=0))
            label = message.language if message.kind is Kind.CODE else "output"
            self._left = MAX_OUTPUT
            self._breaks = ""
            self._ticks = False
            self._out.text(f"{self._fence}{label}\n")

    def _close(self) -> None:
        message, self._open = self._open, None
        if message is None:
            return
        if self._marks is not None:
            marks, self._marks = self._marks, None
            self._out.text(marks.end())
        else:
            self._out.text(("" if self._out.line_breaks else "\n") + self._fence + "\n")

    def _separate(self) -> None:
        if not self._out.empty:
            self._out.text("\n" * (2 - self._out.line_breaks))

    def _in_fence(self, piece: str) -> str:
        # A run of backticks that came later than the fence was chosen must not close it, nor may two
        # runs become one because what stood between them is not shown.
        if self._ticks and piece.startswith("`"):
            piece = BREAK + piece
        self._ticks = piece.endswith("`") if piece else self._ticks
        return piece.replace(self._fence, BREAK.join(self._fence))

    def _print(self, message: Message, piece: str) -> None:
        piece = ANSI.sub("", piece).replace(FIGURE_MARK, "")
        if self._open is not message:
            piece = piece.lstrip("\n")
            if not piece.strip():
                return
            self._switch(message, piece)
        piece = self._breaks + piece
        shown = piece.rstrip("\n")
        # Line breaks at the end wait for more output, so that no empty lines stand before the fence.
        self._breaks = piece[len(shown) :]
        self._out.text(self._in_fence(shown[: self._left]))
        if self._left and len(shown) > self._left:
            self._out.text(f"\n[output cut after {MAX_OUTPUT} characters]\n")
        self._left = max(0, self._left - len(shown))

    def _reason(self, message: Message, piece: str) -> None:
        if self._reasoned not in (None, message):
            piece = "\n\n" + piece
        self._reasoned = message
        piece = piece[: self._reasoning_left]
        self._reasoning_left -= len(piece)
        self._out.reasoning(piece)

    def _file_of(self, message_id: str) -> Callable[[str], str | None]:
        def address(path: str) -> str | None:
            if self._links is None or self._style is Style.TEXT:
                return None
            return self._links.sandbox(message_id, path)

        return address
