"""Completions, of before there were chats: a text goes in as the user's message, and the answer is a text.

The pieces of a stream have the form of the whole: both are a `text_completion`.
"""

from typing import Final

from translate.openai.chat import DONE, EVENT_STREAM, JSON, PING, usage_object
from translate.openai.checks import check_length, expected
from translate.openai.errors import envelope
from translate.openai.messages import MAX_TEXT
from translate.openai.request import ChatRequest, chat_request
from translate.openai.whole import WholeAnswer
from translate.text import escaped
from translate.values import AnswerEnd, ApiError, BadRequest, Event, JsonObject, TextDelta, json_bytes

TAKEN: Final = (
    "model", "stream", "stream_options", "n", "stop", "max_tokens", "temperature", "top_p",
    "presence_penalty", "frequency_penalty", "reasoning_effort",
)  # fmt: skip
"""Fields that mean what they do in a chat request."""
NO_REASON: Final = b"null"
USAGE_LATER: Final = b',"usage":null'


def completion_request(data: JsonObject) -> ChatRequest:
    """The chat request that stands for a completion request. Raises BadRequest with the field at fault in
    `param`.

    `prompt` is a string or a list of one. `echo` and `suffix` are refused, since the answer would not be what
    they ask for; `best_of`, `logprobs`, `logit_bias` and unknown fields are ignored.
    """
    said: JsonObject = {name: data[name] for name in TAKEN if name in data}
    if data.get("echo") not in (None, False):
        raise BadRequest("The prompt is not repeated here: 'echo' must be false.", param="echo")
    if data.get("suffix") not in (None, ""):
        raise BadRequest("Nothing can be inserted here: leave out 'suffix'.", param="suffix")
    return chat_request({**said, "messages": [{"role": "user", "content": _prompt(data.get("prompt"))}]})


def _prompt(value: object) -> str:
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(text, str) or not text:
        raise BadRequest(expected("prompt", "a non-empty string, or a list of one"), param="prompt")
    check_length(text, "prompt", MAX_TEXT)
    return text


class CompletionStream:
    """Pieces of a `text_completion`; the same id, time and model in each of them.

    `include_usage` adds token counts at the end, and with `error_note` a failed stream says so in its text
    too, as `ChatStream` does.
    """

    __slots__ = ("_error_note", "_head", "_include_usage")

    streams = True
    content_type = EVENT_STREAM

    def __init__(
        self, *, id: str, created: int, model: str, include_usage: bool = False, error_note: bool = False
    ) -> None:
        self._head = b"data: " + _head(id, created, model)
        self._include_usage = include_usage
        self._error_note = error_note

    def open(self) -> bytes:
        """A piece without text."""
        return self._piece(b"")

    def encode(self, event: Event) -> bytes:
        """A piece for each one of the text."""
        return b"".join(map(self._piece, event.pieces)) if type(event) is TextDelta else b""

    def idle(self, *, visible: bool) -> bytes:
        """A comment, or a piece without text."""
        return self._piece(b"") if visible else PING

    def fail(self, error: ApiError) -> bytes:
        """An error event, perhaps after a piece of visible text."""
        note = self._piece(escaped(f"\n\n[stopped: {error.message}]")) if self._error_note else b""
        return note + b"data: " + envelope(error) + b"\n\n"

    def finish(self, end: AnswerEnd) -> bytes:
        """The piece with the finish reason, the usage if it is wanted, and `[DONE]`."""
        last = self._piece(b"", f'"{end.reason}"'.encode())
        if self._include_usage:
            usage = json_bytes(usage_object(end.usage))
            last += self._head + b',"choices":[],"usage":' + usage + b"}\n\n"
        return last + DONE

    def _piece(self, text: bytes, reason: bytes = NO_REASON) -> bytes:
        later = USAGE_LATER if self._include_usage else b""
        return self._head + _choices(text, reason) + later + b"}\n\n"


class WholeCompletion(WholeAnswer):
    """One `text_completion` object."""

    content_type = JSON

    def __init__(self, *, id: str, created: int, model: str) -> None:
        self._head = _head(id, created, model)

    def finish(self, end: AnswerEnd) -> bytes:
        """The completion."""
        choices = _choices(end.answer.escaped, f'"{end.reason}"'.encode())
        return self._head + choices + b',"usage":' + json_bytes(usage_object(end.usage)) + b"}"


def _head(id: str, created: int, model: str) -> bytes:
    """The object up to its choices; the brace is not closed."""
    return json_bytes({"id": id, "object": "text_completion", "created": created, "model": model})[:-1]


def _choices(text: bytes, reason: bytes) -> bytes:
    """The one choice there is; `text` is the inside of a JSON string, `reason` is JSON."""
    return b',"choices":[{"text":"' + text + b'","index":0,"logprobs":null,"finish_reason":' + reason + b"}]"
