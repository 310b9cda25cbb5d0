"""What a conversation says to whoever answers the client: frozen events, in order.

An answer is a row of items, each between `ItemStarted` and `ItemEnded`; the text between the two belongs to
it, fences and links included. Blank lines between items stand outside of them. Reasoning has items of its
own, which stand beside the answer and may lie between the borders of another item. Where the client wants the
backend's own abilities as items (`Native`), code, its output and pictures stand beside the answer too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from translate.values.elsewhere import Elsewhere
from translate.values.errors import ApiError
from translate.values.native import WebAction
from translate.values.tools import ToolCall


class ItemKind(Enum):
    """What an item is to the user."""

    PROSE = auto()
    """The assistant's words."""
    CODE = auto()
    """Code that the assistant runs."""
    OUTPUT = auto()
    """What the code printed."""
    PICTURE = auto()
    """A picture made by a tool."""
    REASONING = auto()
    """What the model thought before it answered, or said on the way there."""
    ERROR = auto()
    """A tool failed; the model usually goes on."""
    NOTE = auto()
    """Words of this service."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A picture on the backend (protocol notes, section 10).

    `pointer` is `file-service://...` or `sediment://...`, `alt` says what it shows; `width` and `height` are
    in pixels, 0 if they are not known. `prompt` is what it was drawn from and `gen_id` names the drawing,
    where the backend tells them. `chart` is whether a program has made it.
    """

    pointer: str
    alt: str = ""
    width: int = 0
    height: int = 0
    prompt: str = ""
    gen_id: str = ""
    chart: bool = False

    @property
    def file_id(self) -> str:
        """The pointer without its scheme."""
        return self.pointer.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Picture:
    """An `Asset` that was fetched: its `address` for the text, and its bytes in base64 where those are
    wanted.
    """

    address: str
    base64: str = ""


@dataclass(frozen=True, slots=True)
class ShownCitation:
    """A citation as it stands in the answer: `link` is its text there, `url` is empty if it names a file.

    `link` is empty for a page that was used and is not linked.
    """

    link: str
    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A GPT asks whether it may call a host (protocol notes, section 11).

    `tool` and `message_id` are those of the asking message. With `login` the host wants the user to log in,
    which is not possible here.
    """

    tool: str
    message_id: str
    domain: str
    operation: str
    target_message_id: str = ""
    operation_hash: str = ""
    login: bool = False


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer. `pieces` are insides of JSON strings, each fit for a chunk of its own."""

    pieces: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More reasoning, in pieces like those of `TextDelta`."""

    pieces: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class CodeDelta:
    """More code of an item that stands beside the answer, without a fence; in pieces likewise."""

    pieces: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class OutputDelta:
    """More of what the code printed, of an item that stands beside the answer; in pieces likewise."""

    pieces: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class WebUsed:
    """The model searches the web, or opens a page. `id` is the backend's message id."""

    id: str
    action: WebAction


@dataclass(frozen=True, slots=True)
class ItemStarted:
    """An item begins. `id` is the backend's message id; `language` is that of code, else empty."""

    kind: ItemKind
    id: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """The item of this kind and id is complete."""

    kind: ItemKind
    id: str


@dataclass(frozen=True, slots=True)
class PictureWanted:
    """Nothing more can be shown before `supply` was called with this picture, or with None."""

    asset: Asset


@dataclass(frozen=True, slots=True)
class PictureShown:
    """A supplied picture has its place in the text now."""

    asset: Asset
    picture: Picture


@dataclass(frozen=True, slots=True)
class Cited:
    """The text before this event ends with, or holds, a citation."""

    citation: ShownCitation


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model calls a tool of the client's. After the first of them no text comes any more."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class Refused:
    """The model refuses to give the answer in the form that was asked for. No text has come, none comes."""

    text: str


@dataclass(frozen=True, slots=True)
class ExchangeEnded:
    """The backend has nothing more to say to what was posted, and all went well.

    With a `confirmation`, a GPT waits for a decision; with `cut`, the answer was cut by length and can be
    continued; with a `question`, the answer is not what was asked for, and that asks once more. The turn goes
    on with `start_next_exchange` or ends with `conclude`.
    """

    confirmation: Confirmation | None = None
    cut: bool = False
    question: str = ""


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The stream has ended, and the rest of the answer is elsewhere.

    Whoever follows it there calls `continue_stream`, and who does not `give_up` or `leave`.
    """

    elsewhere: Elsewhere


@dataclass(frozen=True, slots=True)
class Finished:
    """The turn is over. `reason` is OpenAI's finish reason: `stop`, `length`, `content_filter` or
    `tool_calls`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn is over without a whole answer."""

    error: ApiError


Event = (
    TextDelta
    | ReasoningDelta
    | CodeDelta
    | OutputDelta
    | WebUsed
    | ItemStarted
    | ItemEnded
    | PictureWanted
    | PictureShown
    | Cited
    | ToolCalled
    | Refused
    | ExchangeEnded
    | GoesOn
    | Finished
    | Failed
)


class Waiting(Enum):
    """Why there is no event now."""

    NEED_DATA = auto()
    """More bytes or the end of input must be received."""
    PAUSED = auto()
    """The caller must act: supply a picture, follow the answer elsewhere, begin the next exchange, or
    conclude. So also when all is over.
    """


NEED_DATA: Final = Waiting.NEED_DATA
PAUSED: Final = Waiting.PAUSED
