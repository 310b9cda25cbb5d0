"""Changes of messages to the answer that a person reads, in one of three styles."""

import re
from collections.abc import Iterable
from typing import Final

from translate.text.answer import AnswerBuilder
from translate.text.cited_pages import CitedPages
from translate.text.message import (
    BrowserUsed,
    Change,
    CitationsChanged,
    Grew,
    Message,
    PictureAdded,
    TookBack,
    ToolFailed,
)
from translate.text.presentation import (
    AnswerContext,
    ItemSource,
    Links,
    OpenItem,
    Pictures,
    Presentation,
)
from translate.values import (
    Asset,
    CitationForm,
    Contract,
    ItemKind,
    Kept,
    Native,
    Picture,
    ShownCitation,
    Style,
    size_in_memory,
)

MAX_REASONING: Final = 1_000_000
"""Characters of reasoning that are passed on in one answer; what comes after them is dropped."""
MAX_ALT: Final = 200
MAX_ERROR: Final = 500
UNAVAILABLE: Final = "[an image could not be fetched]"


class Renderer:
    """Takes changes in the order of the answer and adds what they show to `builder`.

    At most one item is open at a time; another message's text closes it. Reasoning stands beside that;
    without `reasoning` it is not shown.
    """

    __slots__ = (
        "_announced",
        "_apart",
        "_context",
        "_is_announced",
        "_item",
        "_message",
        "_out",
        "_pages",
        "_reasoned",
        "_reasoning_left",
        "_reasoning_open",
        "_seamless",
        "kept",
    )

    def __init__(
        self,
        builder: AnswerBuilder,
        style: Style,
        links: Links | None,
        *,
        reasoning: bool = False,
        contract: Contract | None = None,
        native: frozenset[Native] = frozenset(),
        citations: CitationForm = CitationForm.HOST,
    ) -> None:
        self._out = builder
        self._pages = CitedPages(citations)
        self._context = AnswerContext(style, links, contract, native, self._pages)
        self._message: Message | None = None  # whose item is open
        self._item: OpenItem | None = None
        self._apart = False  # the open item stands beside the answer
        self._is_announced = True  # that it has begun
        self._announced = 0  # citations of which an event was given
        self.kept = 0
        """Bytes of memory that the citations shown so far take, about."""
        self._seamless = False
        self._reasoning_left = MAX_REASONING if reasoning else 0
        self._reasoned: Message | None = None
        self._reasoning_open = False

    @property
    def began(self) -> bool:
        """Something is shown, or is held back and will be."""
        return self._message is not None or not self._out.empty

    @property
    def citations(self) -> list[ShownCitation]:
        """All citations shown so far, in order."""
        return self._pages.shown

    def passes_through(self, message: Message) -> bool:
        """Plain pieces of `message` may go to the builder unread."""
        return (
            self._message is message
            and self._is_announced
            and self._item is not None
            and not self._apart
            and self._item.filters.passes_through
            and self._out.passes_through
        )

    def waits(self, message: Message) -> bool:
        """See `OpenItem`."""
        return self._message is message and self._item is not None and self._item.waits

    @property
    def heeds_loose_marks(self) -> bool:
        """See `OpenItem`."""
        return self._item is not None and self._item.heeds_loose_marks

    def continue_seamlessly(self) -> None:
        """The next message goes on where the last one was cut: nothing parts the two."""
        self._seamless = True

    def render(self, change: Change) -> None:
        """Show one change."""
        match change:
            case Grew(message, piece):
                self._grow(message, piece)
            case TookBack(message, characters):
                if self._message is message and self._item is not None:
                    self._item.take_back(characters)
            case CitationsChanged(message):
                if self._message is message and self._item is not None:
                    self._out.add_text(self._item.cite(message.citations))
                    self._announce_citations()
            case PictureAdded(message, asset):
                self._add_picture(message, asset)
            case ToolFailed(message, name, text):
                self._tell_error(message, name, text)
            case BrowserUsed(message_id, action):
                if Native.WEB_SEARCH in self._context.native:
                    self._out.add_web_action(message_id, action)
            case _:
                self._complete(change.message)

    def render_all(self, changes: Iterable[Change]) -> None:
        """Show each change before the next one is made."""
        for change in changes:
            self.render(change)

    def supply(self, picture: Picture | None) -> None:
        """Show the picture that the builder waits for, if it does; None if it could not be fetched."""
        asset = self._out.wanted
        if asset is not None:
            text = UNAVAILABLE
            if picture is not None:
                text = "" if self._is_apart(asset) else self._markdown(asset, picture.address)
            self._out.supply(picture, text)

    def keep(self, kept: Kept) -> None:
        """Add what the contract has made of the text that it held back."""
        self._add(kept.text)
        self._close()
        for call in kept.calls:
            self._out.add_call(call)
        if kept.refusal:
            self._out.add_refusal(kept.refusal)

    def note(self, text: str) -> None:
        """Add words of this service, as a paragraph."""
        self._show_alone(ItemKind.NOTE, "", text)

    def close(self) -> None:
        """The answer is over, well or not: no fence stays open, nothing is held back."""
        self._close()
        if self._reasoned is not None:
            self._end_reasoning(self._reasoned)
        self._pages.close()
        self._announce_citations()
        self._out.release()

    def _grow(self, message: Message, piece: str) -> None:
        if message.kind is ItemKind.REASONING:
            if self._reasoning_left:
                self._reason(message, piece)
            return
        presentation = message.presentation
        apart = presentation.stands_apart(self._context)
        if not apart and (self._context.style not in presentation.styles or self._leaves_out(presentation)):
            return
        item = self._item if self._message is message else None
        piece = presentation.prepare(piece, opening=item is None)
        if item is None:
            if not piece:
                return
            item = self._open(message, piece, apart=apart)
        self._add(item.filters.feed(piece))
        self._add(item.take_notice())
        self._announce_citations()

    def _add(self, text: str) -> None:
        """Add text of the open item."""
        if not text:
            return
        if not self._is_announced and self._message is not None and self._item is not None:
            self._announce(self._message, self._item)
        if self._apart and self._message is not None:
            self._out.add_apart(self._message.kind, text)
        else:
            self._out.add_text(text)

    def _open(self, message: Message, piece: str, *, apart: bool) -> OpenItem:
        contract = self._context.contract
        if contract is not None and not self._seamless:
            self._add(contract.begin_message())
        self._close()
        source = ItemSource(message.id, message.source, message.language)
        self._message, self._apart = message, apart
        item = self._item = message.presentation.open(source, piece, self._context)
        self._is_announced = False
        if not item.may_be_empty:
            self._announce(message, item)
        if message.citations:  # which came before the first word
            self._add(item.cite(message.citations))
        return item

    def _announce(self, message: Message, item: OpenItem) -> None:
        """The open item is shown: it begins."""
        self._is_announced = True
        if self._seamless:
            self._seamless = False
        elif not self._apart:
            self._separate()
        self._out.start_item(message.kind, message.id, message.language)
        self._out.add_text(item.opening)

    def _leaves_out(self, presentation: Presentation) -> bool:
        """Whether the contract lets nothing of this kind be shown."""
        contract = self._context.contract
        return contract is not None and contract.alone and not presentation.heeds_contract

    def _complete(self, message: Message) -> None:
        if self._reasoned is message:
            self._end_reasoning(message)
        if self._message is not message or self._item is None:
            return
        if self._item.stays_open:
            self._add(self._item.filters.release())
            self._announce_citations()
        else:
            self._close()

    def _close(self) -> None:
        message, item = self._message, self._item
        if message is None or item is None:
            return
        self._add(item.filters.release())
        self._announce_citations()
        if self._is_announced:
            self._add(item.closing(self._out.line_breaks))
            self._out.end_item(message.kind, message.id)
        self._message = self._item = None
        self._apart = False

    def _separate(self) -> None:
        if not self._out.empty:
            self._out.add_text("\n" * (2 - self._out.line_breaks))

    def _announce_citations(self) -> None:
        shown = self._pages.shown
        while self._announced < len(shown):
            citation = shown[self._announced]
            self._out.add_citation(citation)
            self.kept += size_in_memory(citation.link, citation.url, citation.title)
            self._announced += 1

    def _add_picture(self, message: Message, asset: Asset) -> None:
        apart = self._is_apart(asset)
        left_out = self._context.style not in Pictures.styles or self._leaves_out(message.presentation)
        if not apart and left_out:
            return
        self._close()
        if not apart:
            self._separate()
        self._out.start_item(ItemKind.PICTURE, message.id)
        self._out.add_picture(asset)
        self._out.end_item(ItemKind.PICTURE, message.id)

    def _is_apart(self, asset: Asset) -> bool:
        """Whether the picture stands beside the answer."""
        ability = Native.CODE_INTERPRETER if asset.chart else Native.IMAGE_GENERATION
        return ability in self._context.native

    def _tell_error(self, message: Message, name: str, text: str) -> None:
        if self._context.style not in message.presentation.styles or self._leaves_out(message.presentation):
            return
        said = " ".join(text.split())[:MAX_ERROR].replace("`", "'")
        # In a code span nothing of it is taken for markup, such as "<class ...>".
        line = f"> **{name or 'error'}** `{said}`" if said else f"> **{name or 'error'}**"
        self._show_alone(ItemKind.ERROR, message.id, line)

    def _show_alone(self, kind: ItemKind, message_id: str, text: str) -> None:
        """An item that is whole at once."""
        self._close()
        self._separate()
        self._out.start_item(kind, message_id)
        self._out.add_text(text)
        self._out.end_item(kind, message_id)

    def _markdown(self, asset: Asset, address: str) -> str:
        """A fetched picture as the style shows it; one piece, since some clients look at single deltas."""
        if self._context.style is Style.PLAIN:
            return address
        alt = re.sub(r"[\[\]()\\`!<>*_]|\s+", " ", asset.alt).strip()[:MAX_ALT].strip()
        return f"![{alt or 'image'}]({address})"

    def _reason(self, message: Message, piece: str) -> None:
        if self._reasoned is not message:
            if self._reasoned is not None:
                self._end_reasoning(self._reasoned)
                piece = "\n\n" + piece
            self._reasoned = message
        if not self._reasoning_open:
            self._reasoning_open = True
            self._out.start_reasoning(message.id)
        piece = piece[: self._reasoning_left]
        self._reasoning_left -= len(piece)
        self._out.add_reasoning(piece)

    def _end_reasoning(self, message: Message) -> None:
        if self._reasoning_open:
            self._reasoning_open = False
            self._out.end_reasoning(message.id)
