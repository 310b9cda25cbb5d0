"""One message in one piece."""

from translate.anthropic.errors import Envelope
from translate.anthropic.written import message_object, stop_fields, tool_use
from translate.text import escaped
from translate.values import (
    AnswerEnd,
    ApiError,
    Event,
    ReasoningDelta,
    Refused,
    ToolCall,
    ToolCalled,
    json_bytes,
    well_formed,
)


class WholeMessage:
    """One message object: the reasoning, then the text, then the calls, as far as there are any.

    `errors` writes failures.
    """

    streams = False
    content_type = "application/json"

    def __init__(self, *, id: str, model: str, errors: Envelope) -> None:
        self._id = id
        self._model = model
        self._errors = errors
        self._reasoning = bytearray()
        self._refusal = ""
        self._calls: list[ToolCall] = []

    def open(self) -> bytes:
        """Nothing is written before the end."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Keep what is not in the text, which the conversation keeps."""
        if type(event) is ReasoningDelta:
            for piece in event.pieces:
                self._reasoning += piece
        elif type(event) is ToolCalled:
            self._calls.append(event.call)
        elif type(event) is Refused:
            self._refusal = event.text
        return b""

    def idle(self, *, visible: bool) -> bytes:
        """Nothing is written before the end."""
        return b""

    def fail(self, error: ApiError) -> bytes:
        """Anthropic's envelope."""
        return self._errors.write(error)

    def finish(self, end: AnswerEnd) -> bytes:
        """The message."""
        message = message_object(self._id, self._model, end.usage)
        message |= stop_fields(end, refused=bool(self._refusal))
        del message["content"]
        blocks = []
        if self._reasoning:
            blocks.append(b'{"type":"thinking","thinking":"' + self._reasoning + b'","signature":""}')
        if text := escaped(self._refusal) if self._refusal else end.answer.escaped:
            blocks.append(b'{"type":"text","text":"' + text + b'","citations":[]}')
        blocks += [_block(call) for call in self._calls]
        return json_bytes(message)[:-1] + b',"content":[' + b",".join(blocks) + b"]}"


def _block(call: ToolCall) -> bytes:
    """The block of a call, with its input as the model wrote it."""
    block = tool_use(call)
    del block["input"]
    return json_bytes(block)[:-1] + b',"input":' + well_formed(call.arguments).encode() + b"}"
