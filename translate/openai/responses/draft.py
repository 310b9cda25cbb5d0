"""A response object in the making: what was asked, and what has come in answer."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from translate.openai.citations import page_of, placed
from translate.openai.responses.items import NewId
from translate.openai.responses.native import NativeItems
from translate.text import escaped, unescaped
from translate.values import (
    AnswerEnd,
    ApiError,
    Cited,
    Event,
    JsonObject,
    Native,
    PlanLimitReached,
    QuotaExceeded,
    RateLimited,
    ReasoningDelta,
    Refused,
    ShownCitation,
    ToolCall,
    ToolCalled,
    Usage,
    json_bytes,
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

    `created` is in Unix seconds, `echo` what it repeats of the request. `conversation` is the id of that
    which it is part of, or empty. `earlier_tokens` are those of what was said before and is not said again:
    the caller's input is all that was said. `spaces` are the tools that stand in a namespace, and `native`
    the backend's own abilities that were asked for; see `OfferedTools`. `container` names what its programs
    run in, and `files` is the address under which their files are, up to the name; empty if programs were not
    asked for.
    """

    id: str
    created: int
    model: str
    store: bool
    echo: JsonObject
    conversation: str = ""
    earlier_tokens: int = 0
    spaces: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    native: frozenset[Native] = frozenset()
    container: str = ""
    files: str = ""


class ResponseDraft:
    """Call `take` with the events of the answer, and `finished` at its end. `clock` gives Unix seconds.

    `store` may be set to false: what was to be kept could not be. So may `added`: what was said could not be
    added to the conversation. `earlier_tokens` may change as long as nothing has come.
    """

    def __init__(self, facts: ResponseFacts, new_id: NewId, clock: Callable[[], float]) -> None:
        self.store = facts.store
        self.added = bool(facts.conversation)
        self.earlier_tokens = facts.earlier_tokens
        self.message_id = new_id("msg")
        self.reasoning_id = new_id("rs")
        self.calls: list[JsonObject] = []
        """Items of the calls, whole."""
        self.refusal = ""
        self.reasoning = bytearray()
        """The inside of a JSON string."""
        self.native = NativeItems(facts.native, new_id, facts.container) if facts.native else None
        """Items of the backend's own abilities, if they were asked for."""
        self._done: list[bytes] = []  # items that are complete, where others may follow
        self._thought = False  # the reasoning is one of them
        self._spoken = False  # a message is
        self._words = bytearray()  # of the message that is open, likewise; the inside of a JSON string
        self._cited: list[ShownCitation] = []  # in it
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
            case Cited(citation):
                self._cited.append(citation)

    def write(self, pieces: Sequence[bytes]) -> None:
        """Keep text of the message that is open, which is not the whole answer's."""
        for piece in pieces:
            self._words += piece

    def add(self, item: bytes) -> None:
        """Keep an item that is complete."""
        self._done.append(item)

    def add_reasoning(self) -> bytes:
        """Keep the item of the thoughts, which are over, and return it."""
        item = self.reasoning_item()
        if self.native is not None:
            self._thought = True
            self._done.append(item)
        return item

    def add_message(self) -> None:
        """Keep the message that is open, which is complete; the next one has another id."""
        self._done.append(self.message_item(None))
        self._spoken = True
        self._words.clear()
        self._cited.clear()
        self.message_id = self._new_id("msg")

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
        output = [*self._done]
        if self.reasoning and not self._thought:
            output.append(self.reasoning_item())
        if self.native is not None:
            output += self.native.open_items
        if self.has_message(end):
            output.append(self.message_item(end))
        output += (json_bytes(call) for call in self.calls)
        return self._written(status, why=why, output=b",".join(output), usage=end.usage)

    def has_message(self, end: AnswerEnd) -> bool:
        """Whether there is a message at the end: an answer that only calls has none.

        A drawing without a word is followed by an empty one: openai-agents takes an answer for the last one
        by its message, and asks once more without.
        """
        if self.native is None:
            return bool(end.answer.escaped) or bool(self.refusal) or not self.calls
        return bool(self._words) or bool(self.refusal) or not (self.calls or self._spoken)

    def text(self, end: AnswerEnd | None) -> bytes:
        """The words of the message that is open, as the inside of a JSON string."""
        return end.answer.escaped if end is not None and self.native is None else bytes(self._words)

    def reasoning_item(self) -> bytes:
        """The item of the model's thoughts."""
        return (
            b'{"id":"%b","type":"reasoning","status":"completed","summary":[{"type":"summary_text","text":"%b"}]}'
            % (self.reasoning_id.encode(), bytes(self.reasoning))
        )

    def message_item(self, end: AnswerEnd | None) -> bytes:
        """The item of the message that is open; without `end`, another one follows."""
        status = b"incomplete" if end is not None and end.reason in ENDS else b"completed"
        return b'{"id":"%b","type":"message","status":"%b","role":"assistant","content":[%b]}' % (
            self.message_id.encode(),
            status,
            self.message_part(end),
        )

    def message_part(self, end: AnswerEnd | None) -> bytes:
        """What that message holds: words, or a refusal."""
        if self.refusal:
            return b'{"type":"refusal","refusal":"%b"}' % escaped(self.refusal)
        noted = json_bytes(self.annotations(end))
        return b'{"type":"output_text","text":"%b","annotations":%b,"logprobs":[]}' % (self.text(end), noted)

    def annotations(self, end: AnswerEnd | None) -> list[JsonObject]:
        """Pages that are cited in that message, and files of programs that it links to."""
        cited = self._cited if end is None or self.native is not None else end.citations
        if not cited and not self._facts.files:
            return []
        text = unescaped(self.text(end))
        found: list[JsonObject] = [
            {"type": "url_citation", **page_of(shown), "start_index": start, "end_index": stop}
            for start, stop, shown in placed(text, cited)
        ]
        if self._facts.files:
            found += self._files_in(text)
        return found

    def _files_in(self, text: str) -> Iterator[JsonObject]:
        for link in re.finditer(rf"\[([^\[\]\n]*)\]\({re.escape(self._facts.files)}([\w.%-]+)\)", text):
            yield {
                "type": "container_file_citation",
                "container_id": self._facts.container,
                "file_id": unquote(link[2]),
                "filename": link[1],
                "start_index": link.start(),
                "end_index": link.end(),
            }

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
            **self._conversation(),
            "usage": self._usage(usage) if usage is not None and over else None,
        }
        return json_bytes(fields)[:-1] + b',"output":[' + output + b"]}"

    def _conversation(self) -> JsonObject:
        if not self._facts.conversation:
            return {}
        return {"conversation": {"id": self._facts.conversation} if self.added else None}

    def tokens(self, usage: Usage) -> int:
        """Those of all that was said so far, this answer included."""
        return self.earlier_tokens + usage.prompt_tokens + usage.completion_tokens

    def _usage(self, usage: Usage) -> JsonObject:
        asked = self.earlier_tokens + usage.prompt_tokens
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
    words after the others. So what was spent, or may have been, has none that may pass, as `x-should-retry`
    says elsewhere.
    """
    if error.code == "context_length_exceeded":
        return error.code
    if isinstance(error, PlanLimitReached | QuotaExceeded):
        return "insufficient_quota"
    if isinstance(error, RateLimited):
        return "insufficient_quota" if (error.retry_after or 0.0) > LONG_WAIT else "rate_limit_exceeded"
    may_pass = error.status >= 500 and error.code in PASSING and error.should_retry is not False
    return "server_error" if may_pass else "invalid_prompt"
