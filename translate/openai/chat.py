"""Chat completions: the chunks of a stream, or one completion object.

Calls of tools are written as `translate.openai.calls` has them.

Framing rules, each of which has broken clients: one event is one line `data: {json}` with one space and a
blank line behind it, lines under 64 KiB, the role once and first, `finish_reason` last, `usage` once with
`choices: []`, and after a failure neither a finish chunk nor `[DONE]`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from translate.openai.calls import (
    call_deltas,
    old_call_deltas,
    pieces_of,
    whole_calls,
    whole_old_call,
)
from translate.openai.citations import page_of, placed
from translate.openai.errors import envelope
from translate.openai.whole import WholeAnswer
from translate.text import escaped
from translate.values import (
    AnswerEnd,
    ApiError,
    Event,
    ReasoningDelta,
    Refused,
    ShownCitation,
    TextDelta,
    ToolCall,
    ToolCalled,
    Usage,
    json_bytes,
)

PING: Final = b": ping\n\n"
DONE: Final = b"data: [DONE]\n\n"
THINKING: Final = rb"Thinking...\n"
"""The inside of a JSON string."""
USAGE_LATER: Final = b',"usage":null'
END: Final = b'"},"logprobs":null,"finish_reason":null}]}\n\n'
"""Behind the text of a chunk."""
END_WITH_USAGE_LATER: Final = END.replace(b"]}", b"]" + USAGE_LATER + b"}")
CHOICE: Final = b',"choices":[{"index":0,"delta":{'
CONTENT: Final = b'"content":"'
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
JSON: Final = "application/json"


class ChatStream:
    """`chat.completion.chunk` events; the same id, time and model in each of them.

    `include_usage` adds token counts as OpenAI does, `annotate` the citations on the last chunk. With
    `error_note` a failed stream says so in its text too, for clients that ignore error events; with
    `thinking` a silence before the text is filled with a little reasoning, for clients that show only that.
    With `old_calls` a call is a `function_call`, as before there were tools.
    """

    __slots__ = (
        "_annotate",
        "_calls",
        "_content",
        "_end",
        "_error_note",
        "_include_usage",
        "_old_calls",
        "_thinking",
        "_usage_key",
    )

    streams = True
    content_type = EVENT_STREAM

    def __init__(
        self,
        *,
        id: str,
        created: int,
        model: str,
        include_usage: bool = False,
        annotate: bool = False,
        error_note: bool = False,
        thinking: bool = False,
        old_calls: bool = False,
    ) -> None:
        head = json_bytes({"id": id, "object": "chat.completion.chunk", "created": created, "model": model})[
            :-1
        ]
        self._annotate = annotate
        self._error_note = error_note
        self._thinking = thinking
        self._old_calls = old_calls
        self._calls = 0
        self._include_usage = include_usage
        self._usage_key = USAGE_LATER if include_usage else b""
        self._content = b"data: " + head + CHOICE + CONTENT
        self._end = END_WITH_USAGE_LATER if include_usage else END

    @property
    def _choice(self) -> bytes:
        """The beginning of a chunk; put together each time, since it is rare and many streams are open."""
        return self._content[: -len(CONTENT)]

    @property
    def _reasoning(self) -> bytes:
        return self._choice + b'"reasoning_content":"'

    def open(self) -> bytes:
        """The first chunk: the role."""
        return self._choice + b'"role":"assistant",' + CONTENT + self._end

    def encode(self, event: Event) -> bytes:
        """A chunk for each piece of text or reasoning, and for each delta of a call."""
        if type(event) is TextDelta:
            self._thinking = False
            pieces = event.pieces
            if len(pieces) == 1:
                return self._content + pieces[0] + self._end
            # One join: where the backend is fast, many pieces come in one event.
            between = self._end + self._content
            return between.join((self._content + pieces[0], *pieces[1:-1], pieces[-1] + self._end))
        if type(event) is ReasoningDelta:
            reasoning = self._reasoning
            return b"".join(reasoning + piece + self._end for piece in event.pieces)
        if type(event) is ToolCalled:
            return b"".join(map(self._chunk, self._deltas(event.call)))
        if type(event) is Refused:
            return b"".join(self._chunk(b'"refusal":"' + piece + b'"') for piece in pieces_of(event.text))
        return b""

    def idle(self, *, visible: bool) -> bytes:
        """A comment; with `visible` a chunk with an empty delta, or with `THINKING`."""
        if not visible:
            return PING
        return self._reasoning + THINKING + self._end if self._thinking else self._chunk(b"")

    def fail(self, error: ApiError) -> bytes:
        """An error event, perhaps after a chunk of visible text."""
        note = escaped(f"\n\n[stopped: {error.message}]")
        said = self._content + note + self._end if self._error_note else b""
        return said + b"data: " + envelope(error) + b"\n\n"

    def finish(self, end: AnswerEnd) -> bytes:
        """The finish chunk, the usage if it is wanted, and `[DONE]`."""
        delta = annotations(end.answer.text, end.citations) if self._annotate else b""
        reason = _finish_reason(end, old_calls=self._old_calls)
        last = self._choice + delta + f'}},"logprobs":null,"finish_reason":"{reason}"}}]'.encode()
        last += self._usage_key + b"}\n\n"
        if self._include_usage:
            usage = json_bytes(usage_object(end.usage))
            last += self._choice[: -len(CHOICE)] + b',"choices":[],"usage":' + usage + b"}\n\n"
        return last + DONE

    def _chunk(self, delta: bytes) -> bytes:
        """A chunk with this inside of a delta."""
        return self._choice + delta + self._end[1:]

    def _deltas(self, call: ToolCall) -> Iterator[bytes]:
        """The insides of the deltas of the next call."""
        index, self._calls = self._calls, self._calls + 1
        return old_call_deltas(call) if self._old_calls else call_deltas(call, index)


class WholeChat(WholeAnswer):
    """One `chat.completion` object. With `old_calls` a call is a `function_call`, as before there were tools.

    `content` is null in a message of calls or a refusal alone.
    """

    content_type = JSON

    def __init__(self, *, id: str, created: int, model: str, old_calls: bool = False) -> None:
        self._head = json_bytes({"id": id, "object": "chat.completion", "created": created, "model": model})[
            :-1
        ]
        self._old_calls = old_calls
        self._reasoning = bytearray()
        self._calls: list[ToolCall] = []
        self._refusal = ""

    def encode(self, event: Event) -> bytes:
        """Keep the reasoning, calls and a refusal; the text itself is kept by the conversation."""
        if type(event) is ReasoningDelta:
            for piece in event.pieces:
                self._reasoning += piece
        elif type(event) is ToolCalled:
            self._calls.append(event.call)
        elif type(event) is Refused:
            self._refusal = event.text
        return b""

    def finish(self, end: AnswerEnd) -> bytes:
        """The completion."""
        text = end.answer.escaped
        content = b"null" if not text and (self._calls or self._refusal) else b'"' + text + b'"'
        calls = (whole_old_call if self._old_calls else whole_calls)(self._calls)
        refusal = b'"' + escaped(self._refusal) + b'"' if self._refusal else b"null"
        reason = _finish_reason(end, old_calls=self._old_calls)
        return b"".join(
            (
                self._head,
                b',"choices":[{"index":0,"message":{"role":"assistant","content":' + content + b",",
                b'"reasoning_content":"' + self._reasoning + b'",' if self._reasoning else b"",
                calls + b"," if calls else b"",
                annotations(end.answer.text, end.citations) or b'"annotations":[]',
                b',"refusal":' + refusal,
                f'}},"logprobs":null,"finish_reason":"{reason}"}}],"usage":'.encode(),
                json_bytes(usage_object(end.usage)),
                b"}",
            )
        )


def annotations(answer: str, citations: Sequence[ShownCitation]) -> bytes:
    """`"annotations":[...]` for the citations shown, with their places in the answer; or nothing.

    One without a link of its own has its place at the end.
    """
    found = [
        {"type": "url_citation", "url_citation": page_of(shown) | {"start_index": start, "end_index": end}}
        for start, end, shown in placed(answer, citations)
    ]
    return b'"annotations":' + json_bytes(found) if found else b""


def _finish_reason(end: AnswerEnd, *, old_calls: bool) -> str:
    return "function_call" if old_calls and end.reason == "tool_calls" else end.reason


def usage_object(usage: Usage) -> dict[str, int]:
    """`usage` of a completion: the two counts and their sum."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
