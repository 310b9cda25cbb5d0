"""OpenAI bytes: the chunks of a stream, or one completion object.

Framing rules that have victims: one event is one line ``data: {json}`` with one space and a blank
line behind it, lines under 64 KiB, ASCII-safe text, the role once and first, ``finish_reason`` last,
``usage`` once with ``choices: []``, and after a failure neither a finish chunk nor ``[DONE]``.
"""

import re
from collections.abc import Sequence
from typing import Protocol

import ujson

from translate.openai.errors import envelope
from translate.text.citations import Shown
from translate.text.escape import escaped, unescaped
from translate.values import ApiError, Usage, well_formed

PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
MAX_DELTA_CHARACTERS = 4000
"""An escaped character takes up to 12 bytes, and a line must stay under 64 KiB."""

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""More than a person can read; a turn beyond it is stopped, since its text is kept for counting."""

TRAILING_BREAKS = re.compile(rb"(?<!\\)(?:\\\\)*((?:\\n)+)$")
"""Line breaks at the end of escaped text; ``\\\\n`` is a backslash and an n."""


class Writer(Protocol):
    """The one who renders an answer: text in, bytes to write out of :meth:`take`."""

    @property
    def answer(self) -> str:
        """All text so far."""
        ...

    @property
    def size(self) -> int:
        """Bytes of that, escaped."""
        ...

    @property
    def line_breaks(self) -> int:
        """How many line breaks the text so far ends with: 0, 1 or 2."""
        ...

    def unread(self) -> int:
        """Characters passed since the last call to :meth:`text` or to this."""
        ...

    def passed(self, piece: bytes) -> None:
        """Add a piece that is JSON-escaped already."""
        ...

    def text(self, piece: str) -> None:
        """Add text."""
        ...

    def reasoning(self, piece: str) -> None:
        """Add reasoning, which is no part of the answer."""
        ...

    def take(self) -> bytes:
        """What can be written now."""
        ...

    def finish(self, reason: str, usage: Usage, cited: Sequence[Shown] = ()) -> bytes:
        """The end of a good answer; ``cited`` are the citations in it, in order."""
        ...


class _Answer:
    """The text of the answer, kept escaped: as bytes it is a quarter of what str pieces would take."""

    def __init__(self) -> None:
        self._escaped = bytearray()
        self._read = 0

    @property
    def answer(self) -> str:
        return unescaped(self._escaped)

    @property
    def size(self) -> int:
        return len(self._escaped)

    @property
    def line_breaks(self) -> int:
        match = TRAILING_BREAKS.search(self._escaped, max(0, len(self._escaped) - 64))
        return min(2, len(match[1]) // 2) if match else 0

    def unread(self) -> int:
        since, self._read = self._read, len(self._escaped)
        return len(unescaped(self._escaped[since:])) if len(self._escaped) > since else 0


def annotations(answer: str, cited: Sequence[Shown]) -> bytes:
    """``"annotations":[...]`` for the citations shown, with their places in the answer; or nothing."""
    found, at = [], 0
    for shown in cited:
        link = well_formed(shown.link)  # as it was written
        start = answer.find(link, at)
        if start < 0 or not shown.url:
            continue
        at = start + len(link)
        place = {"start_index": start, "end_index": at}
        page = {"url": well_formed(shown.url), "title": well_formed(shown.title)}
        found.append({"type": "url_citation", "url_citation": page | place})
    if not found:
        return b""
    return b'"annotations":' + ujson.dumps(found, escape_forward_slashes=False).encode()


class StreamWriter(_Answer):
    """``chat.completion.chunk`` events; the same id, time and model in each of them."""

    def __init__(
        self, *, id: str, created: int, model: str, include_usage: bool, annotate: bool = False
    ) -> None:
        super().__init__()
        self._annotate = annotate
        head = ujson.dumps(
            {"id": id, "object": "chat.completion.chunk", "created": created, "model": model},
            escape_forward_slashes=False,
        )
        self._choice = f'data: {head[:-1]},"choices":[{{"index":0,"delta":{{'.encode()
        self._usage_key = b',"usage":null' if include_usage else b""
        self._include_usage = include_usage
        self._chunk = self._choice + b'"content":"'
        self._end = b'"},"logprobs":null,"finish_reason":null}]' + self._usage_key + b"}\n\n"
        self._no_choice = f'data: {head[:-1]},"choices":[],"usage":'.encode()
        self._out: list[bytes] = []

    def passed(self, piece: bytes) -> None:
        self._out += (self._chunk, piece, self._end)
        self._escaped += piece

    def text(self, piece: str) -> None:
        for start in range(0, len(piece), MAX_DELTA_CHARACTERS):
            self.passed(escaped(piece[start : start + MAX_DELTA_CHARACTERS]))
        self._read = len(self._escaped)

    def reasoning(self, piece: str) -> None:
        for start in range(0, len(piece), MAX_DELTA_CHARACTERS):
            part = escaped(piece[start : start + MAX_DELTA_CHARACTERS])
            self._out += (self._choice, b'"reasoning_content":"', part, self._end)

    def take(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def open(self) -> bytes:
        """The first chunk: the role."""
        return self._choice + b'"role":"assistant","content":"' + self._end

    def idle(self) -> bytes:
        """A chunk with an empty delta, for clients that do not see comments."""
        return self._choice + self._end[1:]

    def finish(self, reason: str, usage: Usage, cited: Sequence[Shown] = ()) -> bytes:
        delta = annotations(self.answer, cited) if self._annotate else b""
        last = self._choice + delta + f'}},"logprobs":null,"finish_reason":"{reason}"}}]'.encode()
        last += self._usage_key + b"}\n\n"
        if self._include_usage:
            last += self._no_choice + ujson.dumps(usage.as_json()).encode() + b"}\n\n"
        return self.take() + last + DONE

    def fail(self, error: ApiError, *, note: bool) -> bytes:
        """The end of a failed answer; ``note`` adds a visible line for clients that ignore error events."""
        if note:
            self.text(f"\n\n[stopped: {error.message}]")
        return self.take() + b"data: " + envelope(error) + b"\n\n"


class WholeWriter(_Answer):
    """One ``chat.completion`` object; nothing to write before its end."""

    def __init__(self, *, id: str, created: int, model: str) -> None:
        super().__init__()
        self._head = {"id": id, "object": "chat.completion", "created": created, "model": model}
        self._reasoning = bytearray()

    def passed(self, piece: bytes) -> None:
        self._escaped += piece

    def text(self, piece: str) -> None:
        self.passed(escaped(piece))
        self._read = len(self._escaped)

    def reasoning(self, piece: str) -> None:
        self._reasoning += escaped(piece)

    def take(self) -> bytes:
        return b""

    def finish(self, reason: str, usage: Usage, cited: Sequence[Shown] = ()) -> bytes:
        noted = annotations(self.answer, cited)
        head = ujson.dumps(self._head, escape_forward_slashes=False)[:-1].encode()
        tail = f'"refusal":null}},"logprobs":null,"finish_reason":"{reason}"}}],"usage":'
        return b"".join(
            (
                head,
                b',"choices":[{"index":0,"message":{"role":"assistant","content":"',
                self._escaped,
                b'",',
                b'"reasoning_content":"' + self._reasoning + b'",' if self._reasoning else b"",
                noted + b"," if noted else b"",
                tail.encode(),
                ujson.dumps(usage.as_json()).encode(),
                b"}",
            )
        )
