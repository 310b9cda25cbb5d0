"""A response object in the making: what was asked, and what has come in answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import ujson

from translate.openai.responses.items import NewId
from translate.text import escaped
from translate.values import (
    AnswerEnd,
    ApiError,
    Event,
    JsonObject,
    PlanLimitReached,
    QuotaExceeded,
    RateLimited,
    ReasoningDelta,
    Refused,
    ToolCall,
    ToolCalled,
    Usage,
)

LONG_WAIT: Final = 60.0
"""Seconds; a limit that lasts longer is not to be waited for."""
PASSING: Final = ("server_error", "upstream_error", "upstream_timeout", "upstream_unreachable")
"""Codes of failures that another attempt may mend, such as a connection that broke."""
ENDS: Final[Mapping[str, str]] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of an answer that is not complete, and the reason that the response gives."""


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What is known of a response before there is an answer.

    `created` is in Unix seconds, `echo` what it repeats of the request. `earlier_tokens` are those of the
    responses that it follows: the caller's input is all that was said. `spaces` are the tools that stand in a
    namespace; see `OfferedTools`.
    """

    id: str
    created: int
    model: str
    store: bool
    echo: JsonObject
    earlier_tokens: int = 0
    spaces: Mapping[str, tuple[str, str]] = field(default_factory=dict)


class ResponseDraft:
    """Call `take` with the events of the answer, and `finished` at its end. `clock` gives Unix seconds.

    `store` may be set to false: what was to be kept could not be.
    """

    def __init__(self, facts: ResponseFacts, new_id: NewId, clock: Callable[[], float]) -> None:
        self.store = facts.store
        self.message_id = new_id("msg")
        self.reasoning_id = new_id("rs")
        self.calls: list[JsonObject] = []
        """Items of the calls, whole."""
        self.refusal = ""
        self.reasoning = bytearray()
        """The inside of a JSON string."""
        self._facts = facts
        self._new_id = new_id
        self._clock = clock
        self._completed: int | None = None  # when it was, which is told more than once

    def take(self, event: Event) -> None:
        """Keep what belongs to the response, but for the text, which the conversation keeps."""
        match event:
            case ReasoningDelta(pieces):
                for piece in pieces:
                    self.reasoning += piece
            case ToolCalled(call):
                self.calls.append(self._call_item(call))
            case Refused(text):
                self.refusal = text

    def begun(self) -> bytes:
        """The response before there is anything of its output."""
        return self._written("in_progress")

    def failed(self, error: ApiError) -> bytes:
        """The response of an answer that failed."""
        said: JsonObject = {"code": failure_code(error), "message": error.message}
        return self._written("failed", error=said)

    def finished(self, end: AnswerEnd) -> bytes:
        """The whole response."""
        why = ENDS.get(end.reason)
        if why is None and self._completed is None:
            self._completed = int(self._clock())
        status = "incomplete" if why else "completed"
        output: list[bytes] = []
        if self.reasoning:
            output.append(self.reasoning_item())
        if self.has_message(end):
            output.append(self.message_item(end))
        output += (dumped(call) for call in self.calls)
        return self._written(status, why=why, output=b",".join(output), usage=end.usage)

    def has_message(self, end: AnswerEnd) -> bool:
        """Whether there is a message: an answer that only calls has none."""
        return bool(end.answer.escaped) or bool(self.refusal) or not self.calls

    def reasoning_item(self) -> bytes:
        """The item of the model's thoughts."""
        return (
            b'{"id":"%b","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"%b"}]}'
            % (self.reasoning_id.encode(), bytes(self.reasoning))
        )

    def message_item(self, end: AnswerEnd) -> bytes:
        """The item of the answer's words."""
        status = b"incomplete" if end.reason in ENDS else b"completed"
        return b'{"id":"%b","type":"message","status":"%b","role":"assistant","content":[%b]}' % (
            self.message_id.encode(),
            status,
            self.message_part(end),
        )

    def message_part(self, end: AnswerEnd) -> bytes:
        """What the message holds: words, or a refusal."""
        if self.refusal:
            return b'{"type":"refusal","refusal":"%b"}' % escaped(self.refusal)
        return b'{"type":"output_text","text":"%b","annotations":[],"logprobs":[]}' % end.answer.escaped

    def _call_item(self, call: ToolCall) -> JsonObject:
        item: JsonObject = {
            "id": self._new_id("ctc" if call.raw else "fc"),
            "type": "custom_tool_call" if call.raw else "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": call.name,
        }
        if call.name in self._facts.spaces:
            item["namespace"], item["name"] = self._facts.spaces[call.name]
        item["input" if call.raw else "arguments"] = call.arguments
        return item

    def _written(
        self,
        status: str,
        *,
        why: str | None = None,
        error: JsonObject | None = None,
        output: bytes = b"",
        usage: Usage | None = None,
    ) -> bytes:
        facts = self._facts
        over = usage is not None
        fields: JsonObject = {
            "id": facts.id,
            "object": "response",
            "created_at": facts.created,
            "status": status,
            "completed_at": self._completed,
            "error": error,
            "incomplete_details": {"reason": why} if why else None,
            "model": facts.model,
            "store": self.store,
            **facts.echo,
            "usage": self._usage(usage) if usage is not None and over else None,
        }
        return dumped(fields)[:-1] + b',"output":[' + output + b"]}"

    def tokens(self, usage: Usage) -> int:
        """Those of all that was said so far, this answer included."""
        return self._facts.earlier_tokens + usage.prompt_tokens + usage.completion_tokens

    def _usage(self, usage: Usage) -> JsonObject:
        asked = self._facts.earlier_tokens + usage.prompt_tokens
        return {
            "input_tokens": asked,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": self.tokens(usage),
        }


def failure_code(error: ApiError) -> str:
    """The code of a failed response, chosen by what clients make of it.

    Codex sends the whole conversation again after a code for what may pass, up to six times, and shows our
    words after the others.
    """
    if error.code == "context_length_exceeded":
        return error.code
    if isinstance(error, PlanLimitReached | QuotaExceeded):
        return "insufficient_quota"
    if isinstance(error, RateLimited):
        return "insufficient_quota" if (error.retry_after or 0.0) > LONG_WAIT else "rate_limit_exceeded"
    return "server_error" if error.status >= 500 and error.code in PASSING else "invalid_prompt"


def dumped(value: object) -> bytes:
    """JSON in ASCII."""
    return ujson.dumps(value, ensure_ascii=True, escape_forward_slashes=False).encode()
