"""What an answer is written in: one protocol for every API format and for streamed and whole answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from translate.values.errors import ApiError
from translate.values.events import Event, ShownCitation
from translate.values.tools import ToolCall
from translate.values.usage import Usage


class EscapedText(Protocol):
    """The text of an answer."""

    @property
    def escaped(self) -> bytes:
        """The text as the inside of a JSON string."""
        ...

    @property
    def text(self) -> str:
        """The text itself."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerEnd:
    """What is known at the end of a good answer. `reason` is OpenAI's finish reason, `stop_sequence` the stop
    sequence that has ended it, empty if none has. `calls` are those of the client's tools, `refusal` are the
    words with which the model has refused.
    """

    reason: str
    usage: Usage
    answer: EscapedText
    citations: Sequence[ShownCitation] = ()
    stop_sequence: str = ""
    calls: Sequence[ToolCall] = ()
    refusal: str = ""


class AnswerFormat(Protocol):
    """Writes one answer: `open`, then `encode` for each event, and at the end `finish` or `fail`.

    A format that does not stream gives nothing before `finish` or `fail`, which then give the whole body. An
    error that comes before a stream has begun is a response of its own, with its own status.
    """

    streams: bool
    content_type: str

    def open(self) -> bytes:
        """What a stream begins with."""
        ...

    def encode(self, event: Event) -> bytes:
        """What to write for an event; nothing for most."""
        ...

    def idle(self, *, visible: bool) -> bytes:
        """What keeps a silent stream alive; with `visible` in a form that parsers pass on."""
        ...

    def fail(self, error: ApiError) -> bytes:
        """The end of a stream that has begun and fails, or the whole body that says so."""
        ...

    def finish(self, end: AnswerEnd) -> bytes:
        """The end of a good stream, or the whole body."""
        ...
