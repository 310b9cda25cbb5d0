"""The events of a streamed message.

Rules, each of which has broken clients: every event has an `event:` line, the first one is `message_start`
and has a `usage`, blocks are numbered from 0 without gaps and each is closed before the next one begins, a
call has at least one delta with its input, `message_delta` has a `usage` too, and `message_stop` is the last
event of a good answer. A failure is an `error` event with nothing behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from translate.anthropic.errors import Envelope
from translate.anthropic.written import (
    message_object,
    named_event,
    stop_fields,
    tool_use,
    usage_object,
)
from translate.text import escaped
from translate.values import (
    AnswerEnd,
    ApiError,
    Event,
    JsonObject,
    ReasoningDelta,
    Refused,
    TextDelta,
    ToolCall,
    ToolCalled,
    Usage,
    json_bytes,
)

EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
PING: Final = named_event("ping", b'{"type":"ping"}')
PIECE: Final = 4000
"""Characters of a call's input in one event."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of block: what it begins with, and how a delta of it begins, up to its text."""

    block: JsonObject
    delta: bytes


TEXT: Final = _Kind({"type": "text", "text": "", "citations": []}, b'{"type":"text_delta","text":"')
THINKING: Final = _Kind(
    {"type": "thinking", "thinking": "", "signature": ""}, b'{"type":"thinking_delta","thinking":"'
)
INPUT: Final = b'{"type":"input_json_delta","partial_json":"'


class MessagesStream:
    """A message as events. `expected` are the token counts that the first event tells; those of the last but
    one are as they are. `errors` writes failures.
    """

    streams = True
    content_type = EVENT_STREAM

    def __init__(self, *, id: str, model: str, expected: Usage, errors: Envelope) -> None:
        self._start = named_event(
            "message_start",
            json_bytes({"type": "message_start", "message": message_object(id, model, expected)}),
        )
        self._errors = errors
        self._refused = False
        self._blocks = 0  # so many were begun
        self._open: _Kind | None = None  # the kind of the last one, if it is open
        self._head = self._between = b""  # of its deltas

    def open(self) -> bytes:
        """The message without anything in it."""
        return self._start + PING

    def encode(self, event: Event) -> bytes:
        """Deltas of text or reasoning, the beginning of a block where one is needed, a whole call."""
        if type(event) is TextDelta:
            return self._deltas(TEXT, event.pieces)
        if type(event) is ReasoningDelta:
            return self._deltas(THINKING, event.pieces)
        if type(event) is ToolCalled:
            return self._call(event.call)
        if type(event) is Refused:
            self._refused = True
            return self._deltas(TEXT, _pieces(event.text))
        return b""

    def idle(self, *, visible: bool) -> bytes:
        """A ping, which is an event of this API and counts as one."""
        return PING

    def fail(self, error: ApiError) -> bytes:
        """An error event."""
        return named_event("error", self._errors.write(error))

    def finish(self, end: AnswerEnd) -> bytes:
        """Why and with how many tokens the message ended, and its end."""
        delta = stop_fields(end, refused=self._refused) | {"stop_details": None, "container": None}
        last = {"type": "message_delta", "delta": delta, "usage": usage_object(end.usage)}
        return b"".join(
            (
                self._stop(),
                named_event("message_delta", json_bytes(last)),
                named_event("message_stop", b'{"type":"message_stop"}'),
            )
        )

    def _deltas(self, kind: _Kind, pieces: Sequence[bytes]) -> bytes:
        start = b"" if self._open is kind else self._begin(kind)
        # One join: where the backend is fast, many pieces come in one event.
        return start + self._head + self._between.join(pieces) + _END

    def _call(self, call: ToolCall) -> bytes:
        begun = self._begin(_Kind(tool_use(call), INPUT))
        return begun + self._head + self._between.join(_pieces(call.arguments)) + _END

    def _begin(self, kind: _Kind) -> bytes:
        """The end of the block before, and the beginning of a new one."""
        stopped, index = self._stop(), self._blocks
        self._blocks, self._open = index + 1, kind
        at = b'"index":%d,' % index
        self._head = b'event: content_block_delta\ndata: {"type":"content_block_delta",' + at
        self._head += b'"delta":' + kind.delta
        self._between = _END + self._head
        start = b'{"type":"content_block_start",' + at + b'"content_block":' + json_bytes(kind.block) + b"}"
        return stopped + named_event("content_block_start", start)

    def _stop(self) -> bytes:
        """The end of the open block, if there is one."""
        if self._open is None:
            return b""
        self._open = None
        return named_event(
            "content_block_stop", b'{"type":"content_block_stop","index":%d}' % (self._blocks - 1)
        )


_END: Final = b'"}}\n\n'
"""What a delta ends with, behind its text."""


def _pieces(text: str) -> list[bytes]:
    """`text` as the insides of JSON strings, at least one."""
    return [escaped(text[at : at + PIECE]) for at in range(0, max(1, len(text)), PIECE)]
