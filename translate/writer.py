"""OpenAI bytes: the chunks of a stream, or one completion object.

Framing rules that have victims: one event is one line ``data: {json}`` with one space and a blank
line behind it, lines under 64 KiB, ASCII-safe text, the role once and first, ``finish_reason`` last,
``usage`` once with ``choices: []``, and after a failure neither a finish chunk nor ``[DONE]``.
"""

from typing import Protocol

import ujson

from translate.errors import ApiError
from translate.escape import escaped, unescaped
from translate.usage import Usage

PING = b": ping\n\n"
DONE = b"data: [DONE]\n\n"
MAX_DELTA_CHARACTERS = 4000
"""An escaped character takes up to 12 bytes, and a line must stay under 64 KiB."""

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""More than a person can read; a turn beyond it is stopped, since its text is kept for counting."""


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
    def at_line_start(self) -> bool:
        """The text so far ends with a line break."""
        ...

    def passed(self, piece: bytes) -> None:
        """Add a piece that is JSON-escaped already."""
        ...

    def text(self, piece: str) -> None:
        """Add text."""
        ...

    def take(self) -> bytes:
        """What can be written now."""
        ...

    def finish(self, reason: str, usage: Usage) -> bytes:
        """The end of a good answer."""
        ...


class _Answer:
    """The text of the answer, kept escaped: as bytes it is a quarter of what str pieces would take."""

    def __init__(self) -> None:
        self._escaped = bytearray()

    @property
    def answer(self) -> str:
        return unescaped(self._escaped)

    @property
    def size(self) -> int:
        return len(self._escaped)

    @property
    def at_line_start(self) -> bool:
        return self._escaped.endswith(b"\\n") and not self._escaped.endswith(b"\\\\n")


class StreamWriter(_Answer):
    """``chat.completion.chunk`` events; the same id, time and model in each of them."""

    def __init__(self, *, id: str, created: int, model: str, include_usage: bool) -> None:
        super().__init__()
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

    def finish(self, reason: str, usage: Usage) -> bytes:
        last = self._choice + f'}},"logprobs":null,"finish_reason":"{reason}"}}]'.encode()
        last += self._usage_key + b"}\n\n"
        if self._include_usage:
            last += self._no_choice + ujson.dumps(usage.as_json()).encode() + b"}\n\n"
        return self.take() + last + DONE

    def fail(self, error: ApiError, *, note: bool) -> bytes:
        """The end of a failed answer; ``note`` adds a visible line for clients that ignore error events."""
        if note:
            self.text(f"\n\n[stopped: {error.message}]")
        return self.take() + b"data: " + error.body() + b"\n\n"


class WholeWriter(_Answer):
    """One ``chat.completion`` object; nothing to write before its end."""

    def __init__(self, *, id: str, created: int, model: str) -> None:
        super().__init__()
        self._head = {"id": id, "object": "chat.completion", "created": created, "model": model}

    def passed(self, piece: bytes) -> None:
        self._escaped += piece

    def text(self, piece: str) -> None:
        self.passed(escaped(piece))

    def take(self) -> bytes:
        return b""

    def finish(self, reason: str, usage: Usage) -> bytes:
        head = ujson.dumps(self._head, escape_forward_slashes=False)[:-1].encode()
        tail = f'"refusal":null}},"logprobs":null,"finish_reason":"{reason}"}}],"usage":'
        return b"".join(
            (
                head,
                b',"choices":[{"index":0,"message":{"role":"assistant","content":"',
                self._escaped,
                b'",',
                tail.encode(),
                ujson.dumps(usage.as_json()).encode(),
                b"}",
            )
        )
