"""The WebSocket dialect, without the socket: what its frames say, in which order, and whose they are.

In this dialect (protocol notes, section 12) POST conversation answers JSON (`Handover`), and the event stream
comes in pieces over the one WebSocket of the account. Frames are numbered; the client acknowledges numbers,
and after a drop it gets again what it has not acknowledged. The bodies are base64 of bytes of the usual
stream, cut anywhere, so they are joined as bytes and given to the same splitter as any other stream.
"""

import base64
import re
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from translate.backend.sse import RecordTooLarge, SseSplitter
from translate.values import json_object, json_text, object_at, text_at

SUBPROTOCOL: Final = "json.reliable.webpubsub.azure.v1"
ACK_EVERY: Final = 10
"""Frames per acknowledgement: other clients choose 10 to 80, the server closes at about 1000."""

_END: Final = re.compile(rb"[\r\n]data: ?\[DONE\]")
_LONGEST_END: Final = len(b"\ndata: [DONE]")


@dataclass(frozen=True, slots=True)
class Handover:
    """The answer to POST conversation that says: the stream comes over the socket, in frames with these ids.

    `request_id` is the id that we chose, or else one of the backend's.
    """

    wss_url: str
    conversation_id: str
    response_id: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Connected:
    """The first frame of a socket. With its ids the same connection can be resumed after a drop."""

    connection_id: str
    token: str

    def resumed_url(self, url: str) -> str:
        """`url` with a query that resumes this connection; what was not acknowledged then comes again."""
        ids = {"awps_connection_id": self.connection_id, "awps_reconnection_token": self.token}
        return f"{url}{'&' if '?' in url else '?'}{urlencode(ids)}"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame with a piece of a stream, told apart from those of other streams by its ids.

    `sequence` is its number, 0 without one. `body` is the piece, empty in a frame of another kind. `more` is
    false for the last frame of a stream. With `damaged` a piece is lost: of this stream, or without ids of
    any.
    """

    sequence: int
    request_id: str
    conversation_id: str
    response_id: str
    body: bytes
    more: bool
    damaged: bool = False


_WRECK: Final = Frame(0, "", "", "", b"", more=True, damaged=True)


class FrameSequence:
    """Which frame comes next. Numbers count up by one within a connection, also when it was resumed."""

    __slots__ = ("_acked", "_last")

    def __init__(self) -> None:
        self._last = self._acked = 0

    def accept(self, number: int) -> bool:
        """Whether the frame of this number is new; False for one that came before.

        Raises:
            MissingFrames: frames before it have not come; they do when the connection is resumed.
        """
        if not number:
            return True
        if number <= self._last:
            return False
        if self._last and number != self._last + 1:
            raise MissingFrames
        self._last = number
        return True

    def skip_to(self, number: int) -> None:
        """Give up what lies before `number`."""
        self._last = number - 1

    def acknowledgement(self, *, at_once: bool = False) -> str | None:
        """The text of an acknowledgement, if one is due: after some frames, with `at_once` after any."""
        if self._last - self._acked < (1 if at_once else ACK_EVERY):
            return None
        self._acked = self._last
        return json_text({"type": "sequenceAck", "sequenceId": self._last})


class MissingFrames(ValueError):
    """Frames before this one have not come."""


def read_handover(body: bytes) -> Handover | None:
    """What the JSON answer of POST conversation says, or None if it is another answer."""
    data = json_object(body)
    if data is None:
        return None
    found = Handover(
        text_at(data, "wss_url"),
        text_at(data, "conversation_id"),
        text_at(data, "response_id"),
        text_at(data, "websocket_request_id"),
    )
    return found if found.wss_url and found.conversation_id and found.request_id else None


def read_address(body: bytes) -> str:
    """The `wss_url` in the answer to POST register-websocket, or ""."""
    data = json_object(body)
    return "" if data is None else text_at(data, "wss_url")


def read_frame(message: str | bytes) -> Connected | Frame | None:
    """What a message of the socket says; None if it is neither a greeting nor a frame."""
    data = json_object(message)
    if data is None:
        return _WRECK
    if data.get("type") == "system":
        if data.get("event") != "connected":
            return None
        return Connected(text_at(data, "connectionId"), text_at(data, "reconnectionToken"))
    number, inner = data.get("sequenceId"), object_at(data, "data")
    sequence = number if type(number) is int and number > 0 else 0
    if inner.get("type") != "http.response.body":
        # Others come too; but each says what it is.
        kind = inner.get("type") if data.get("type") == "message" else data.get("type")
        return replace(_WRECK, sequence=sequence, damaged=not isinstance(kind, str))
    more, encoded = inner.get("more_body") is not False, inner.get("body")
    request_id, conversation_id = text_at(inner, "websocket_request_id"), text_at(inner, "conversation_id")
    body = b"" if encoded is None and not more else _decoded(encoded)
    damaged = body is None or not (request_id or conversation_id)
    return Frame(
        sequence,
        request_id,
        conversation_id,
        text_at(inner, "response_id"),
        b"" if damaged or body is None else body,
        more=more,
        damaged=damaged,
    )


def _decoded(body: object) -> bytes | None:
    """The bytes of a body in base64; None if it is none."""
    if not isinstance(body, str):
        return None
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:
        return None


class EndFinder:
    """Finds `data: [DONE]` in a stream that comes in pieces: the end, also where no last frame follows."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\n"

    def found(self, piece: bytes) -> bool:
        """Whether the end lies in `piece`, or began in the ones before it."""
        seen = self._tail + piece
        self._tail = seen[-_LONGEST_END:]
        return b"[DONE]" in seen and _END.search(seen) is not None


class StartFinder:
    """Tells whether a stream is there from its start: who connected too late has lost the first pieces.

    Every stream begins with the name of its encoding (protocol notes, section 5), with an echo of the
    system's or our own message (section 7.2), or with an error. Where an answer comes first, pieces before it
    are missing.
    """

    __slots__ = ("_sse",)

    def __init__(self) -> None:
        self._sse = SseSplitter()

    def judge(self, piece: bytes) -> bool | None:
        """Whether the stream is there from its start, as far as this piece; None if that is not clear yet."""
        self._sse.push(piece)
        try:
            while (record := self._sse.next()) is not None:
                if record.event == b"ping" or not record.data.strip():
                    continue
                return record.event == b"delta_encoding" or _is_start(record.data)
        except RecordTooLarge:
            return False
        return None


def _is_start(data: bytes) -> bool:
    record = json_object(data)
    if record is None:
        return False
    if "message" not in record:
        return bool(record.get("error") or record.get("detail"))
    role = object_at(object_at(record, "message"), "author").get("role")
    return bool(record.get("error")) or role in ("system", "user", "developer")
