"""What the load generator expects of a reply body, and how it holds it to account.

While a body arrives its pieces are only collected, or compared in place with bytes known beforehand; text
is decoded once, after the end. `token_ends` then tells at which byte of the body each token was complete,
which is how receipt times of pieces become receipt times of tokens.
"""

import json
import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate
from typing import Protocol

from benchmarks.events import Ask, Style, chat_request, echo_events, reply_events, reply_text, reply_tokens

CONTENT = re.compile(rb'"content": ?"((?:[^"\\]|\\.)+)"')
"""The escaped text of a content delta; empty ones do not count. Quotes inside texts are escaped, so no
text can look like this."""
STOPPED = re.compile(rb'"finish_reason": ?"stop"')


class Reply(Protocol):
    """One expected body."""

    @property
    def received(self) -> int:
        """Bytes of the body so far."""

    deltas: int
    """Pieces of text it came in; known once `complaint` was asked."""

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes of the body; the view is only valid during the call."""

    def complaint(self) -> str | None:
        """What is wrong with the whole body; None if it is exactly right."""

    def token_ends(self) -> list[int]:
        """For each token the size of the body that first held all of it. Only for a right, streamed body."""


class OpenAIStream:
    """`chat.completion.chunk` records of the service."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.body = bytearray()
        self.deltas = 0

    @property
    def received(self) -> int:
        return len(self.body)

    def feed(self, piece: memoryview) -> None:
        self.body += piece

    def complaint(self) -> str | None:
        pieces = CONTENT.findall(self.body)
        self.deltas = len(pieces)
        if not self.body.endswith(b"data: [DONE]\n\n"):
            return f"no [DONE] at the end; it ends with {bytes(self.body[-80:])!r}"
        if not STOPPED.search(self.body):
            return "no finish_reason stop"
        return _wrong_text(b"".join(pieces), self.ask)

    def token_ends(self) -> list[int]:
        text_ends = _text_ends(self.ask.tokens)
        ends: list[int] = []
        characters = 0
        for delta in CONTENT.finditer(self.body):
            characters += len(json.loads(b'"' + delta[1] + b'"'))
            whole = bisect_right(text_ends, characters)
            if whole > len(ends):
                end = self.body.index(b"\n\n", delta.end()) + 2
                ends.extend([end] * (whole - len(ends)))
        return ends


class OpenAIAnswer:
    """The one JSON object of a request without `stream`."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.body = bytearray()
        self.deltas = 1

    @property
    def received(self) -> int:
        return len(self.body)

    def feed(self, piece: memoryview) -> None:
        self.body += piece

    def complaint(self) -> str | None:
        pieces = CONTENT.findall(self.body)
        return _wrong_text(b"".join(pieces), self.ask)

    def token_ends(self) -> list[int]:
        raise NotImplementedError("an answer in one piece has no tokens to time")


class RelayedBytes:
    """The backend's own bytes, whatever the pieces they come in."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.deltas = ask.tokens
        self.received = 0
        self._right = True
        messages = chat_request(ask, stream=True)["messages"]
        self._head = b"".join(echo_events(messages, ask.style))
        self._tail, self._ends = _rendered(ask.tokens, ask.style)

    def feed(self, piece: memoryview) -> None:
        at = self.received
        self.received += len(piece)
        missing = len(self._head) - at
        if missing > 0:
            self._right &= self._head.startswith(piece[:missing], at)
            piece = piece[missing:]
            at = len(self._head)
        self._right &= self._tail.startswith(piece, at - len(self._head))

    def complaint(self) -> str | None:
        if not self._right:
            return "the bytes are not the backend's"
        whole = len(self._head) + len(self._tail)
        return None if self.received == whole else f"{self.received} of {whole} bytes came"

    def token_ends(self) -> list[int]:
        return [len(self._head) + end for end in self._ends]


@cache
def _rendered(tokens: int, style: Style) -> tuple[bytes, tuple[int, ...]]:
    """The reply's records in one piece, and where those that add a token end."""
    events = reply_events(tokens, style)
    return b"".join(events), tuple(accumulate(map(len, events)))[1:-2]


@cache
def _text_ends(tokens: int) -> tuple[int, ...]:
    """Characters of text up to the end of each token."""
    return tuple(accumulate(map(len, reply_tokens(tokens))))


def _wrong_text(escaped: bytes, ask: Ask) -> str | None:
    try:
        text = json.loads(b'"' + escaped + b'"')
    except ValueError as error:
        return f"the text cannot be decoded: {error}"
    expected = reply_text(ask.tokens)
    if text == expected:
        return None
    same = next((i for i, (a, b) in enumerate(zip(text, expected, strict=False)) if a != b), None)
    at = min(len(text), len(expected)) if same is None else same
    return f"the text differs from character {at} of {len(expected)}: {text[at : at + 40]!r}"
