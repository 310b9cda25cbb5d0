"""The client of the backend: one conversation as a stream, one small JSON call, or the bytes of a file."""

import asyncio
import json
import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from tornado.httpclient import HTTPError
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError

from translate.backend.websocket_frames import Handover, read_handover
from upstream.http.connection import AbortableClient, UpstreamRequest
from upstream.http.endpoint import Endpoint
from upstream.http.errors import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    IdleTimeout,
    ResponseRefused,
    TotalTimeout,
    UpstreamError,
)
from upstream.http.exchange import Exchange
from upstream.http.receiver import EVENT_STREAM, REFUSED_BODY_BYTES, OnData, Reception
from upstream.http.timeouts import Timeouts
from upstream.socket.socket_turn import SocketTurn
from upstream.socket.sockets import Sockets

CONVERSATION_PATH: Final = "/backend-api/conversation"
DEFAULT_TIMEOUTS: Final = Timeouts()
JSON: Final = "application/json"
USER_AGENT: Final = "pandora-to-v1"
CALL_BODY_BYTES: Final = 4 * 1024 * 1024
"""Largest JSON answer taken: a gizmo is some KB, a long stored conversation can reach a few MB."""
CALL_SECONDS: Final = 30.0
"""Most a JSON call may take in all; the backend answers these in a second or two."""

_KEY: Final = re.compile(r"[!-~]+")
_BODY_METHODS: Final = ("POST", "PUT", "PATCH")
# What a fetch raises by itself; `Aborted` only stands for what its reception was failed with.
_TRANSPORT_ERRORS: Final = (
    Aborted,
    HTTPError,
    OSError,
    HTTPInputError,
    UnsatisfiableReadError,
    ValueError,
)
# Of an answer that is refused anyway, the status is enough; these may cut its body.
_CUT_SHORT: Final = (ConnectionLost, IdleTimeout, TotalTimeout)


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """A small answer of any status: `content_type` and `headers` as in `ResponseRefused`.

    `body` is whole if the status is 2xx, else at most the first 64 KiB.
    """

    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Transfer:
    """The answer to a `transfer`, of any status.

    `content_type` and `headers` are as in `ResponseRefused`, with `location` and `content-disposition`
    among the headers. `complete` is false if `body` is only the beginning, up to the limit.
    """

    status: int
    content_type: str
    headers: dict[str, str]
    body: bytes
    complete: bool


class UpstreamClient:
    """Talks to the one backend at `base_url/prefix`. Make it while the event loop runs.

    `max_clients` is how many conversations, and apart from them how many calls, may be under way;
    more wait in a queue within their connect limit, so it should exceed what the service admits.

    Raises:
        ValueError: the address or the prefix can't be used; the text names neither.
    """

    def __init__(
        self,
        base_url: str,
        prefix: str = "",
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        *,
        max_clients: int = 1024,
    ) -> None:
        self._endpoint = Endpoint(base_url, prefix)
        self._timeouts = timeouts
        # One context for all: making one per request costs more than the handshake. Always verifies.
        self._tls = ssl.create_default_context() if self._endpoint.is_tls else None
        self._streams = AbortableClient(max_clients=max_clients)
        self._calls = AbortableClient(max_clients=max_clients)
        self._under_way: set[Exchange] = set()
        self._sockets = Sockets(self, timeouts)

    async def converse(self, key: str, payload: bytes, on_data: OnData, exchange: Exchange) -> None:
        """POST a conversation and feed its event stream to `on_data` until the body has ended.

        `payload` is the JSON of the request. `on_data` is awaited for each piece, cut anywhere, and
        nothing more is read before it is done; it is called only for a 2xx answer of type
        `text/event-stream`, and runs in a task of the exchange, not in the caller's. Its own
        exception stops the exchange and comes out of here as it is. A body without length that just
        ends is a clean end: only the content can tell.

        If the answer is JSON that hands over to a WebSocket, the stream comes from there, with the same
        limits and the same end; see `Sockets`. Whoever stops it then has the backend told so.

        When the exchange fails or is aborted, the socket is closed at once, but `on_data` may finish
        what it has (and may be what aborts): this call ends after it. If the awaiting task is
        cancelled, the exchange is aborted and `on_data` is cancelled with it.

        Raises:
            UpstreamError: one of its leaves; `ResponseRefused` for any answer but an event stream.
            ValueError: the key can't travel in a header.
        """
        headers = _headers(key, EVENT_STREAM)
        headers["Content-Type"] = JSON
        if exchange.aborted:
            raise Aborted
        turn = SocketTurn(self._sockets, key, payload, exchange)
        self._under_way.add(exchange)
        try:
            handover = await self._post(headers, await turn.payload(), on_data, turn)
            if handover is not None:
                await turn.follow(handover, on_data, self._timeouts)
        finally:
            self._under_way.discard(exchange)
            await turn.end()

    async def call(
        self,
        method: str,
        path: str,
        key: str,
        body: dict[str, Any] | None = None,
        exchange: Exchange | None = None,
    ) -> JsonAnswer:
        """Make one small JSON call and return its answer, whatever the status.

        Raises:
            UpstreamError: the transport failed, or took more than 30 s in all; `ResponseRefused` for
                a 2xx answer of more than 4 MiB.
            ValueError: the key can't travel in a header, or the path is not plain.
        """
        headers = _headers(key, JSON)
        url = self._endpoint.url(path)
        content: bytes | None = None
        if body is not None:
            headers["Content-Type"] = JSON
            content = json.dumps(body).encode()
        elif method in _BODY_METHODS:
            content = b""
        timeouts = replace(self._timeouts, total=CALL_SECONDS)
        reception = await self._receive(
            method, url, headers, content, exchange or Exchange(), timeouts, CALL_BODY_BYTES
        )
        refusal = _refusal(reception)
        if reception.successful and reception.overflowed:
            raise refusal
        return JsonAnswer(refusal.status, refusal.content_type, refusal.headers, bytes(reception.body))

    def resolve(self, address: str, base: str = "") -> str:
        """Return the absolute URL of an address that the backend gave, or that the answer at `base` did.

        Raises:
            ValueError: it is not http(s), or holds credentials; the text does not show it.
        """
        return self._endpoint.resolve(address, base)

    async def transfer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        limit: int,
        seconds: float,
    ) -> Transfer:
        """Send or get the bytes of a file at a `resolve`d URL, which may be on any host.

        No key goes along: such addresses are signed. Redirects are not followed. Of a 2xx answer at
        most `limit` bytes are taken; after `seconds` in all, it is given up.

        Raises:
            UpstreamError: the transport failed or took too long.
        """
        if self._tls is None and url.startswith("https:"):
            self._tls = ssl.create_default_context()
        # The first byte of the answer comes only when the last one of a large file is out.
        timeouts = replace(self._timeouts, first_byte=seconds, total=seconds)
        headers = {**headers, "User-Agent": USER_AGENT}
        reception = await self._receive(method, url, headers, content, Exchange(), timeouts, limit)
        return Transfer(
            cast(int, reception.exchange.status),
            cast(str, reception.exchange.content_type),
            reception.headers,
            bytes(reception.body),
            not reception.overflowed,
        )

    def close(self) -> None:
        """Abort whatever is under way and refuse further calls with `RuntimeError`."""
        for exchange in tuple(self._under_way):
            exchange.abort()
        self._sockets.close()
        self._streams.close()
        self._calls.close()

    async def _post(
        self, headers: dict[str, str], payload: bytes, on_data: OnData, turn: SocketTurn
    ) -> Handover | None:
        """POST the conversation and stream the answer; or say where else it comes."""
        exchange = turn.exchange
        reception = Reception(exchange, self._timeouts, on_data)
        url = self._endpoint.url(CONVERSATION_PATH)
        request = UpstreamRequest(
            reception, url, "POST", headers=headers, body=payload, ssl_options=self._tls
        )
        try:
            await self._perform(self._streams, request)
        except _CUT_SHORT:
            if exchange.status is None or reception.streaming:
                raise
        except ConnectFailed:
            turn.over = True
            raise
        finally:
            if reception.streaming:
                turn.answered_directly()
        if reception.streaming:
            return None
        handover = read_handover(bytes(reception.body)) if reception.successful else None
        if handover is None:
            turn.over = True
            raise _refusal(reception)
        return handover

    async def _receive(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        exchange: Exchange,
        timeouts: Timeouts,
        limit: int,
    ) -> Reception:
        """Make one exchange whose answer is kept, of any status."""
        if exchange.aborted:
            raise Aborted
        reception = Reception(exchange, timeouts, body_limit=limit)
        request = UpstreamRequest(
            reception, url, method, headers=headers, body=content, ssl_options=self._tls
        )
        self._under_way.add(exchange)
        try:
            await self._perform(self._calls, request)
        except _CUT_SHORT:
            if exchange.status is None or reception.successful:
                raise
        finally:
            self._under_way.discard(exchange)
        return reception

    async def _perform(self, client: AbortableClient, request: UpstreamRequest) -> None:
        """Run the exchange to its end and raise what its reception failed with, if it did."""
        reception = request.reception
        exchange = reception.exchange
        try:
            try:
                fetched = client.fetch(request, raise_error=False)
                # If we are cancelled: Tornado would log failing a cancelled fetch, and asyncio a
                # failure that nobody looked at.
                fetched.add_done_callback(asyncio.Future.exception)
                await asyncio.shield(fetched)
            except _TRANSPORT_ERRORS as error:
                reception.fail(_lost(error, exchange))
            await reception.reader_done()
        except asyncio.CancelledError:
            exchange.abort()
            reception.cancel_reader()
            raise
        finally:
            reception.ended()
        if reception.failure is not None:
            raise reception.failure


def _headers(key: str, accept: str) -> dict[str, str]:
    if _KEY.fullmatch(key) is None:
        raise ValueError("the key holds characters that can't travel in a header")
    return {"Authorization": f"Bearer {key}", "Accept": accept, "User-Agent": USER_AGENT}


def _refusal(reception: Reception) -> ResponseRefused:
    exchange = reception.exchange
    return ResponseRefused(
        cast(int, exchange.status),
        cast(str, exchange.content_type),
        reception.headers,
        bytes(reception.body[:REFUSED_BODY_BYTES]),
    )


def _lost(error: Exception, exchange: Exchange) -> UpstreamError:
    """Put a transport error into our terms. Its own text is not used: it may quote what was sent."""
    if not exchange.connected:
        return ConnectFailed(_why_not_connected(error))
    match error:
        case ConnectionError():
            reason = "reset"
        case HTTPError():
            reason = "closed, or not HTTP"
        case UnsatisfiableReadError():
            reason = "the header block is too large"
        case OSError(errno=int(number)):
            reason = os.strerror(number)
        case _:
            reason = type(error).__name__
    return ConnectionLost("body" if exchange.headers_received else "before_headers", reason)


def _why_not_connected(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "its name does not resolve"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ssl.SSLError():
            return "the TLS handshake failed"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return "the connection was closed"
