"""The input of the renderer: a message that is shown to the user, and the changes in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from translate.text.presentation import Presentation
from translate.text.references import Citation
from translate.text.source_text import SourceText
from translate.values import Asset, ItemKind, WebAction


@dataclass(slots=True, eq=False)
class Message:
    """One message: `id` is the backend's, `language` that of code, `citations` those known so far."""

    id: str
    presentation: Presentation
    language: str = ""
    citations: Sequence[Citation] = ()
    source: SourceText = field(init=False)

    def __post_init__(self) -> None:
        self.source = SourceText(self.presentation.held_back)

    @property
    def kind(self) -> ItemKind:
        """What it is to the user."""
        return self.presentation.kind


@dataclass(frozen=True, slots=True)
class Grew:
    """`piece` is to be shown, behind all that was shown of the message."""

    message: Message
    piece: str


@dataclass(frozen=True, slots=True)
class TookBack:
    """So many of the characters that were to be shown are no longer part of the message."""

    message: Message
    characters: int


@dataclass(frozen=True, slots=True)
class CitationsChanged:
    """The message has other citations now."""

    message: Message


@dataclass(frozen=True, slots=True)
class PictureAdded:
    """The message shows a picture; each asset comes once in a turn."""

    message: Message
    asset: Asset


@dataclass(frozen=True, slots=True)
class ToolFailed:
    """A tool reports an error by this name."""

    message: Message
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class BrowserUsed:
    """The model has used its browser, in the hidden message with this id."""

    message_id: str
    action: WebAction


@dataclass(frozen=True, slots=True)
class Completed:
    """The message is complete; the backend may still make it grow, if it changes its mind."""

    message: Message


Change = Grew | TookBack | CitationsChanged | PictureAdded | ToolFailed | BrowserUsed | Completed
"""What a record of the backend changes for the user."""
