"""What scripts of faults are written with: the parts of a good answer as verbs, over HTTP or a WebSocket."""

import asyncio
import base64
import hashlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.faults.answers import GoodAnswer, good_answer
from tests.faults.cells import Shape
from tests.scripted_server import EVENT_STREAM, Connection, Verb, chunk, last_chunk, send, status, until
from tests.translate.wire import DONE
from translate.backend import SUBPROTOCOL

ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MARKS = {"conversation_id": "c1", "response_id": "r1", "websocket_request_id": "w1"}
TEXT_FRAME = 0x81
READ_WITHIN = 15.0
"""Seconds in which text gets through the service, however busy the machine is."""


def upgrade() -> Verb:
    """Accept a WebSocket, and greet."""

    async def verb(connection: Connection) -> None:
        assert connection.request is not None
        key = connection.request.headers["sec-websocket-key"].encode()
        accepted = base64.b64encode(hashlib.sha1(key + ACCEPT_KEY).digest()).decode()
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": accepted,
            "Sec-WebSocket-Protocol": SUBPROTOCOL,
        }
        await status(101, headers)(connection)
        greeting = {"type": "system", "event": "connected", "connectionId": "x", "reconnectionToken": "r"}
        await connection.write(text_frame(greeting))

    return verb


def text_frame(message: object) -> bytes:
    """A message of a server: JSON in one frame without a mask."""
    payload = json.dumps(message).encode()
    if len(payload) < 126:
        return struct.pack("!BB", TEXT_FRAME, len(payload)) + payload
    if len(payload) < 65536:
        return struct.pack("!BBH", TEXT_FRAME, 126, len(payload)) + payload
    return struct.pack("!BBQ", TEXT_FRAME, 127, len(payload)) + payload


@dataclass(slots=True)
class Play:
    """One answer in one shape, as verbs.

    `reached` is set when a script comes to the place where the client, or the service, is to do something;
    `seen` when a client that streams has read some text; `rested` when the connection is surely kept.
    """

    shape: Shape
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    seen: asyncio.Event = field(default_factory=asyncio.Event)
    rested: asyncio.Event = field(default_factory=asyncio.Event)
    _frames: int = 0

    @property
    def answer(self) -> GoodAnswer:
        """The good answer of this shape."""
        return good_answer(self.shape)

    @property
    def over_socket(self) -> bool:
        """Whether the stream comes over a WebSocket."""
        return self.shape.transport == "websocket"

    def mark(self) -> Verb:
        """Tell that this place is reached."""

        async def verb(_: Connection) -> None:
            self.reached.set()

        return verb

    def head(self) -> Sequence[Verb]:
        """What comes before the stream."""
        return [upgrade()] if self.over_socket else [status(200, EVENT_STREAM)]

    def piece(self, data: bytes) -> Verb:
        """Some bytes of the stream: a chunk, or a frame."""
        if not self.over_socket:
            return chunk(data)
        return self._frame(data, more=True)

    def pieces(self, *events: bytes) -> Sequence[Verb]:
        """Several, one by one."""
        return [self.piece(event) for event in events]

    def end(self) -> Verb:
        """The proper end of the stream."""
        return self._frame(b"", more=False) if self.over_socket else last_chunk()

    def opening(self) -> Sequence[Verb]:
        """The answer up to its first text."""
        return [*self.head(), *self.pieces(*self.answer.opening)]

    def begun(self) -> Sequence[Verb]:
        """The answer up to some text, which a client that streams has read then."""
        shown = [*self.opening(), *self.pieces(self.answer.first, *self.answer.middle[:1])]
        return [*shown, self._read] if self.shape.stream else shown

    def rest(self) -> Sequence[Verb]:
        """What follows on `begun`, up to the last event."""
        return self.pieces(*self.answer.middle[1:], self.answer.last)

    def said(self) -> Sequence[Verb]:
        """The answer up to its last event."""
        return [*self.begun(), *self.rest()]

    def done(self) -> Sequence[Verb]:
        """The answer with `[DONE]`, whose body has not ended."""
        return [*self.said(), self.piece(DONE)]

    def whole(self) -> Sequence[Verb]:
        """The good answer."""
        return [*self.done(), self.end()]

    def served(self, headers: Mapping[str, str]) -> Sequence[Verb]:
        """The good answer to a request before, with these headers, and the time until the next one is due."""
        events = self.pieces(*self.answer.events, DONE)
        return [status(200, {**EVENT_STREAM, **headers}), *events, self.end(), until(self.rested)]

    async def _read(self, _: Connection) -> None:
        """Wait for the client; not for ever, since what is tested may have failed."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.seen.wait(), READ_WITHIN)

    def _frame(self, body: bytes, *, more: bool) -> Verb:
        async def verb(connection: Connection) -> None:
            self._frames += 1
            data = {
                "type": "http.response.body",
                "body": base64.b64encode(body).decode(),
                "more_body": more,
                **MARKS,
            }
            message = {"sequenceId": self._frames, "type": "message", "data": data}
            await connection.write(text_frame(message))

        return verb


def just(*verbs: Verb) -> Callable[[Play], Sequence[Verb]]:
    """A script that is the same in every shape."""
    return lambda _: verbs


def handover(url: str) -> Sequence[Verb]:
    """The answer to a posted message that says: the stream comes over that WebSocket."""
    body = json.dumps({"wss_url": url, **MARKS}).encode()
    return answer(200, body)


def answer(code: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> Sequence[Verb]:
    """A whole answer that is no stream; no type if `kind` is empty. Names of headers have `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    typed = {"Content-Type": kind} if kind else {}
    return [status(code, {**typed, **named, "Content-Length": str(len(body))}), send(body)]
