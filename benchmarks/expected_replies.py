"""What a reply body must be, and how the load generator checks it.

While a body arrives, its pieces are only collected, or compared with bytes known beforehand; text is decoded
once, after the end. `token_ends` then tells at which byte of the body each token was complete, by which times
of receipt of pieces become those of tokens.
"""

import json
import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from typing import Protocol

from benchmarks.backend_stream import (
    ReplySpec,
    Style,
    chat_request,
    echo_records,
    reply_records,
    reply_text,
    reply_tokens,
)

CONTENT = re.compile(rb'"content": ?"((?:[^"\\]|\\.)+)"')
"""The escaped text of a content delta that is not empty. No text looks like this: its quotes are escaped."""
STOPPED = re.compile(rb'"finish_reason": ?"stop"')


class ExpectedReply(Protocol):
    """The body of one reply: takes bytes, and tells afterwards what is wrong with them."""

    @property
    def received(self) -> int:
        """Bytes of the body so far."""

    deltas: int
    """Pieces of text that the body came in; known after a call of `problem`."""

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes of the body; the view is only valid during the call."""

    def problem(self) -> str | None:
        """What is wrong with the whole body, None if nothing is."""

    def token_ends(self) -> list[int]:
        """The offset in the body at which each token was complete, for a streamed body without a problem."""


class KeptBody:
    """The body of an answer, kept until it can be judged as a whole."""

    def __init__(self, spec: ReplySpec) -> None:
        self.spec = spec
        self.body = bytearray()

    @property
    def received(self) -> int:
        """Bytes of the body so far."""
        return len(self.body)

    def feed(self, piece: memoryview) -> None:
        """See `ExpectedReply`."""
        self.body += piece


class OpenAIStream(KeptBody):
    """The `chat.completion.chunk` records of a streamed answer; see `ExpectedReply`."""

    deltas = 0

    def problem(self) -> str | None:
        """See `ExpectedReply`."""
        pieces = CONTENT.findall(self.body)
        self.deltas = len(pieces)
        if not self.body.endswith(b"data: [DONE]\n\n"):
            return f"no [DONE] at the end; it ends with {bytes(self.body[-80:])!r}"
        if not STOPPED.search(self.body):
            return "no finish_reason stop"
        return _wrong_text(b"".join(pieces), self.spec)

    def token_ends(self) -> list[int]:
        """See `ExpectedReply`."""
        text_ends = _text_ends(self.spec.tokens)
        ends: list[int] = []
        characters = 0
        for delta in CONTENT.finditer(self.body):
            characters += len(json.loads(b'"' + delta[1] + b'"'))
            whole = bisect_right(text_ends, characters)
            if whole > len(ends):
                end = self.body.index(b"\n\n", delta.end()) + 2
                ends.extend([end] * (whole - len(ends)))
        return ends


class OpenAIAnswer(KeptBody):
    """The one JSON object of an answer that is not streamed; see `ExpectedReply`."""

    deltas = 1

    def problem(self) -> str | None:
        """See `ExpectedReply`."""
        pieces = CONTENT.findall(self.body)
        return _wrong_text(b"".join(pieces), self.spec)

    def token_ends(self) -> list[int]:
        """Raises NotImplementedError: an answer in one piece has no tokens to time."""
        raise NotImplementedError("an answer in one piece has no tokens to time")


class RelayedBytes:
    """The backend's own bytes, in whatever pieces they come; see `ExpectedReply`."""

    def __init__(self, spec: ReplySpec) -> None:
        self.spec = spec
        self.deltas = spec.tokens
        self.received = 0
        self._is_right = True
        messages = chat_request(spec, stream=True)["messages"]
        self._head = b"".join(echo_records(messages, spec.style))
        self._tail, self._ends = _rendered(spec.tokens, spec.style)

    def feed(self, piece: memoryview) -> None:
        """See `ExpectedReply`."""
        at = self.received
        self.received += len(piece)
        missing = len(self._head) - at
        if missing > 0:
            self._is_right &= self._head.startswith(piece[:missing], at)
            piece = piece[missing:]
            at = len(self._head)
        self._is_right &= self._tail.startswith(piece, at - len(self._head))

    def problem(self) -> str | None:
        """See `ExpectedReply`."""
        if not self._is_right:
            return "the bytes are not the backend's"
        whole = len(self._head) + len(self._tail)
        return None if self.received == whole else f"{self.received} of {whole} bytes came"

    def token_ends(self) -> list[int]:
        """See `ExpectedReply`."""
        return [len(self._head) + end for end in self._ends]


@cache
def _rendered(tokens: int, style: Style) -> tuple[bytes, tuple[int, ...]]:
    """The reply's records in one piece, and the offsets at which those that add a token end."""
    events = reply_records(tokens, style)
    return b"".join(events), tuple(accumulate(map(len, events)))[1:-2]


@cache
def _text_ends(tokens: int) -> tuple[int, ...]:
    """Characters of the text up to the end of each token."""
    return tuple(accumulate(map(len, reply_tokens(tokens))))


def _wrong_text(escaped: bytes, spec: ReplySpec) -> str | None:
    try:
        text = json.loads(b'"' + escaped + b'"')
    except ValueError as error:
        return f"the text cannot be decoded: {error}"
    expected = reply_text(spec.tokens)
    if text == expected:
        return None
    same = next((i for i, (a, b) in enumerate(zip(text, expected, strict=False)) if a != b), None)
    at = min(len(text), len(expected)) if same is None else same
    return f"the text differs from character {at} of {len(expected)}: {text[at : at + 40]!r}"
