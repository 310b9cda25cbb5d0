"""How each kind of item looks: in which styles it is shown, what opens and closes it, and its text filters.

Styles are described at `Style`. A message has its presentation from its content type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from translate.text.canvas import CanvasReader
from translate.text.citations import CitationRewriter
from translate.text.cited_pages import CitedPages
from translate.text.fences import FenceGuard, backticks_at_end, fence_for
from translate.text.filters import FilterChain
from translate.text.program_output import FIGURE_MARK, OutputLimit, printable
from translate.text.references import Citation
from translate.text.source_text import SourceText
from translate.values import CitationForm, Contract, ItemKind, Native, Style

MAX_HALF_CHARACTER: Final = 4
"""A half character shows as at most this many U+FFFD; a longer run is meant."""
REPLACEMENT: Final = "\ufffd"
ALL_STYLES: Final = frozenset(Style)
WEB_ONLY: Final = frozenset({Style.WEB})


class Links(Protocol):
    """Where files of the answer will be found; the addresses are made by the caller."""

    @property
    def has_room(self) -> bool:
        """Whether `sandbox` gives an address for the next path, whatever that is."""
        ...

    def sandbox(self, message_id: str, path: str) -> str | None:
        """An address for a file of the sandbox that the message links to, or None if there can be none."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What the items of one answer share: style, links, what the answer has to keep to, which of the
    backend's abilities stand beside it, and the pages that are cited so far.
    """

    style: Style
    links: Links | None
    contract: Contract | None = None
    native: frozenset[Native] = frozenset()
    pages: CitedPages = field(default_factory=lambda: CitedPages(CitationForm.HOST))

    def address(self, message_id: str, path: str) -> str | None:
        """An address for a file of the sandbox that the message links to, if there can be one."""
        if self.links is None or self.style is Style.TEXT:
            return None
        return self.links.sandbox(message_id, path)

    def has_room(self) -> bool:
        """Whether `address` gives one for the next path."""
        return self.links is not None and self.style is not Style.TEXT and self.links.has_room


@dataclass(frozen=True, slots=True)
class ItemSource:
    """The message that an item shows."""

    message_id: str
    text: SourceText
    language: str = ""


class OpenItem:
    """An item while text is added to it. By default there is nothing around it, and it is shown as it
    comes.
    """

    opening = ""
    """What stands before its text."""
    stays_open = False
    """Text may follow when its message is complete; it ends when another item begins."""
    may_be_empty = False
    """All of its text may be left out; then it is no item."""

    def __init__(self, filters: FilterChain) -> None:
        self.filters = filters

    @property
    def heeds_loose_marks(self) -> bool:
        """Plain pieces in which `LOOSE_HINT` is found must be fed all the same."""
        return False

    @property
    def waits(self) -> bool:
        """Its text is held back until something else has come, for a while."""
        return False

    def take_notice(self) -> str:
        """What to say, once, behind the text that the filters gave last."""
        return ""

    def cite(self, citations: Sequence[Citation]) -> str:
        """Take the citations of the message as they stand now. Return what can be shown now."""
        return ""

    def take_back(self, characters: int) -> None:
        """So many characters at the end of the message are no longer part of it."""

    def closing(self, line_breaks: int) -> str:
        """What stands behind its text, which ends with so many line breaks."""
        return ""


class Presentation:
    """How one kind of item looks. By default its text is shown as it comes."""

    kind: ItemKind
    styles: frozenset[Style] = ALL_STYLES
    """In other styles it is not shown."""
    heeds_contract = False
    """Its text is what must keep to the contract of the answer."""

    def held_back(self, text: str) -> int:
        """How many last characters of `text` may be half of something: a high surrogate, a short run of
        U+FFFD.
        """
        if not text:
            return 0
        if "\ud800" <= text[-1] <= "\udbff":
            return 1
        if text[-1] == REPLACEMENT:
            run = len(text) - len(text.rstrip(REPLACEMENT))
            return run if run <= MAX_HALF_CHARACTER else 0
        return 0

    def stands_apart(self, context: AnswerContext) -> bool:
        """Whether the item stands beside the answer, where nothing is around it."""
        return False

    def prepare(self, piece: str, *, opening: bool) -> str:
        """What of a piece is shown; nothing of the first one means that the item does not begin yet."""
        return piece

    def open(self, source: ItemSource, piece: str, context: AnswerContext) -> OpenItem:
        """Begin an item with `piece`, which is fed to it afterwards."""
        return OpenItem(FilterChain(()))


class Prose(Presentation):
    """The assistant's words: citations become links, or are left out where the style shows none."""

    kind = ItemKind.PROSE
    heeds_contract = True

    def open(self, source: ItemSource, piece: str, context: AnswerContext) -> OpenItem:
        """See `Presentation`."""
        address = partial(context.address, source.message_id)
        show = context.style is Style.WEB
        rewriter = CitationRewriter(
            source.text, address, context.has_room, context.pages, show_citations=show
        )
        return _OpenProse(rewriter, context.contract)


class _OpenProse(OpenItem):
    stays_open = True

    def __init__(self, rewriter: CitationRewriter, contract: Contract | None) -> None:
        # In what the contract takes out of the text nothing is a mark.
        super().__init__(FilterChain([rewriter] if contract is None else [contract, rewriter]))
        self._rewriter = rewriter
        self.may_be_empty = contract is not None

    @property
    def heeds_loose_marks(self) -> bool:
        return self._rewriter.heeds_loose_marks

    @property
    def waits(self) -> bool:
        return self._rewriter.waits

    def cite(self, citations: Sequence[Citation]) -> str:
        return self._rewriter.cite(citations)

    def take_back(self, characters: int) -> None:
        self._rewriter.take_back(characters)


class Fenced(Presentation):
    """Text in a fence, labelled with its language: code."""

    kind = ItemKind.CODE
    styles = WEB_ONLY

    def stands_apart(self, context: AnswerContext) -> bool:
        """See `Presentation`."""
        return Native.CODE_INTERPRETER in context.native

    def held_back(self, text: str) -> int:
        """A run of backticks too: its length decides whether it would close the fence."""
        return backticks_at_end(text) or super().held_back(text)

    def open(self, source: ItemSource, piece: str, context: AnswerContext) -> OpenItem:
        """See `Presentation`."""
        if self.stands_apart(context):
            return OpenItem(FilterChain(()))
        fence = fence_for(piece)
        return _OpenFence(fence, source.language, FilterChain([FenceGuard(fence)]))


class _OpenFence(OpenItem):
    def __init__(self, fence: str, label: str, filters: FilterChain) -> None:
        super().__init__(filters)
        self.opening = f"{fence}{label}\n"
        self._fence = fence

    def closing(self, line_breaks: int) -> str:
        return ("" if line_breaks else "\n") + self._fence + "\n"


class ProgramOutput(Fenced):
    """What a program printed, in a fence: printable, without blank lines around it, and not too long."""

    kind = ItemKind.OUTPUT

    def held_back(self, text: str) -> int:
        """The beginning of a figure's mark too."""
        if held := super().held_back(text):
            return held
        for size in range(min(len(FIGURE_MARK) - 1, len(text)), 0, -1):
            if FIGURE_MARK.startswith(text[-size:]):
                return size
        return 0

    def prepare(self, piece: str, *, opening: bool) -> str:
        """See `Presentation`: it begins with the first line that has something in it."""
        piece = printable(piece)
        if not opening:
            return piece
        piece = piece.lstrip("\n")
        return piece if piece.strip() else ""

    def open(self, source: ItemSource, piece: str, context: AnswerContext) -> OpenItem:
        """See `Presentation`."""
        limit = OutputLimit()
        if self.stands_apart(context):
            return _OutputApart(limit)
        return _OpenOutput(fence_for(piece), limit)


class _OutputApart(OpenItem):
    def __init__(self, limit: OutputLimit) -> None:
        super().__init__(FilterChain([limit]))
        self._limit = limit

    def take_notice(self) -> str:
        return self._limit.take_notice()


class _OpenOutput(_OpenFence):
    def __init__(self, fence: str, limit: OutputLimit) -> None:
        super().__init__(fence, "output", FilterChain([limit, FenceGuard(fence)]))
        self._limit = limit

    def take_notice(self) -> str:
        return self._limit.take_notice()


class Canvas(Presentation):
    """What the assistant writes into a canvas: a document as it is, code in a fence."""

    kind = ItemKind.PROSE

    def open(self, source: ItemSource, piece: str, context: AnswerContext) -> OpenItem:
        """See `Presentation`."""
        return _OpenCanvas(CanvasReader(fenced=context.style is Style.WEB))


class _OpenCanvas(OpenItem):
    def __init__(self, reader: CanvasReader) -> None:
        super().__init__(FilterChain([reader]))
        self._reader = reader

    def closing(self, line_breaks: int) -> str:
        fence = self._reader.fence
        return ("" if line_breaks else "\n") + fence + "\n" if fence else ""


class Reasoning(Presentation):
    """What the model thought; it stands beside the answer, so nothing is around it."""

    kind = ItemKind.REASONING


class Pictures(Presentation):
    """Pictures without text of their own."""

    kind = ItemKind.PICTURE
    styles = frozenset({Style.WEB, Style.PLAIN})


class ToolError(Presentation):
    """One line that says which error a tool reported."""

    kind = ItemKind.ERROR
    styles = WEB_ONLY
