"""The HTTP client of the backend: a POST whose answer is streamed, a small JSON call, or a file's bytes."""

import asyncio
import json
import os
import re
import socket
import ssl
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from tornado.httpclient import HTTPError
from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine
from tornado.iostream import UnsatisfiableReadError

from accounts import Credential
from runtime import ByteBudget
from transport import Connector, FetchHandle, HandledRequest, Pool, Proxy, ProxyRefused, StreamingClient
from upstream.http.answers import JsonAnswer, Transfer
from upstream.http.endpoint import Endpoint
from upstream.http.errors import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    IdleTimeout,
    TotalTimeout,
    UpstreamError,
)
from upstream.http.exchange import Exchange, TransportSide
from upstream.http.receiver import EVENT_STREAM, REFUSED_BODY_SECONDS, Admit, OnData, ResponseReceiver
from upstream.http.timeouts import Timeouts
from upstream.http.ways import Ways

JSON: Final = "application/json"
USER_AGENT: Final = "pandora-to-v1"
SHORTEST_SECRET: Final = 6
"""Anything shorter is no secret, but may well be a part of any word."""

_PRINTABLE: Final = re.compile(r"[!-~]+")
_BODY_METHODS: Final = ("POST", "PUT", "PATCH")
# What a fetch raises by itself; `Aborted` only stands for what its receiver was failed with.
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
class CallLimits:
    """Limits of `HttpClient.call`, and of answers that are not the expected ones.

    A call takes at most `seconds` in all; the backend answers in a second or two. Its answer has at most
    `body_bytes`: the description of a GPT is some KB, a long stored conversation can reach a few MB. The
    answers of all calls under way have `all_bytes` together; what is more waits for room. The body of any
    unwanted answer is waited for `refused_seconds`.
    """

    seconds: float = 30.0
    body_bytes: int = 4 * 1024 * 1024
    all_bytes: int = 32 * 1024 * 1024
    refused_seconds: float = REFUSED_BODY_SECONDS


DEFAULT_TIMEOUTS: Final = Timeouts()
DEFAULT_CALL_LIMITS: Final = CallLimits()


class HttpClient:
    """Talks HTTP to the one backend at `base_url/prefix`. Make it while the event loop runs.

    `max_clients` is how many streams, and apart from them how many calls, may be under way; more wait in a
    queue within their connect limit, so it should exceed what the service admits. What is asked with a
    credential that has a proxy goes through that, and everything else through `proxy`, if there is one.

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
        call_limits: CallLimits = DEFAULT_CALL_LIMITS,
        proxy: Proxy | None = None,
    ) -> None:
        self.timeouts = timeouts
        """The limits of each exchange, for what is done for it beside HTTP too."""
        self._call_limits = call_limits
        # A call is given up before its answer has waited so long for room.
        self._answers = ByteBudget(
            call_limits.all_bytes, largest=call_limits.body_bytes, patience=2 * call_limits.seconds
        )
        self._endpoint = Endpoint(base_url, prefix)
        self._ways = Ways(proxy)
        self._last = self._ways.usual  # that of the last stream
        usual = self._ways.usual.pool
        self._streams = StreamingClient(force_instance=True, max_clients=max_clients, pool=usual)
        self._calls = StreamingClient(force_instance=True, max_clients=max_clients, pool=usual)
        self._under_way: set[TransportSide] = set()
        self._closed = False

    def connector(self, credential: Credential) -> Connector:
        """How the backend is reached for this credential, where it is not HTTP.

        Raises:
            ValueError: its proxy has no usable address.
        """
        return self._ways.of(credential).connector

    async def stream(
        self,
        path: str,
        credential: Credential,
        body: bytes,
        on_data: OnData,
        transport: TransportSide,
        *,
        extra_headers: Mapping[str, str] | None = None,
    ) -> JsonAnswer | None:
        """POST JSON and feed the event stream in answer to `on_data`; return None once it has ended.

        `extra_headers` go along, and what they hold is a secret.

        `on_data` is called for each piece, cut anywhere, and nothing more is read before what it returns is
        done. It runs in the loop itself or in a task of the exchange, never in the caller's: what has to be
        waited for belongs into what it returns. Its own exception stops the exchange and comes out of here
        as it is. A body without length that just ends is a clean end: only the content can tell.

        `on_data` is called only for a 2xx answer of type `text/event-stream`. Any other answer is returned,
        with at most 64 KiB of its body.

        When the exchange fails or is aborted, the socket is closed at once, but `on_data` may finish what it
        has (and may be what aborts): this call ends after it. If the awaiting task is cancelled, the exchange
        is aborted and `on_data` is cancelled with it.

        Raises:
            UpstreamError: the transport failed, ran into one of the time limits, or was aborted.
            ValueError: the credential can't travel in a header, or its proxy has no usable address.
        """
        secrets = self._secrets(credential, extra_headers)
        headers = _headers(credential, EVENT_STREAM) | dict(extra_headers or {})
        headers["Content-Type"] = JSON
        limits = self._call_limits
        receiver = ResponseReceiver(transport, self.timeouts, on_data, refused_seconds=limits.refused_seconds)
        way = self._last = self._ways.of(credential)
        request = _request(receiver, self._endpoint.url(path), "POST", headers, body, way.pool)
        performed = self._perform(self._streams, request, receiver, transport)
        del body, headers, request  # all that is sent goes once the answer has begun
        try:
            await performed
        except _CUT_SHORT:
            if transport.status is None or transport.streaming:
                raise
        return None if transport.streaming else receiver.answer(secrets)

    def secrets(self, credential: Credential) -> tuple[str, ...]:
        """What an exchange with this credential is made with, and what the backend's texts may repeat."""
        return self._secrets(credential, None)

    async def call(
        self,
        method: str,
        path: str,
        credential: Credential,
        body: dict[str, Any] | None = None,
        exchange: Exchange | None = None,
        *,
        extra_headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> JsonAnswer:
        """Make one small JSON call and return its answer, whatever the status.

        `extra_headers` go along, and what they hold is a secret. `limit` is for answers that are known to be
        short, in bytes.

        Raises:
            UpstreamError: the transport failed, or took more than 30 s in all; `ResponseRefused` for a 2xx
                answer of more than 4 MiB, or more than `limit`.
            ValueError: the credential can't travel in a header, its proxy has no usable address, or the path
                is not plain.
        """
        headers = _headers(credential, JSON) | dict(extra_headers or {})
        url = self._endpoint.url(path)
        content: bytes | None = None
        if body is not None:
            headers["Content-Type"] = JSON
            content = json.dumps(body).encode()
        elif method in _BODY_METHODS:
            content = b""
        limits = self._call_limits
        timeouts = replace(self.timeouts, total=limits.seconds)
        with self._answers.hold() as held:
            receiver = await self._receive(
                method,
                url,
                headers,
                content,
                credential,
                exchange or Exchange(),
                timeouts,
                limits.body_bytes if limit is None else limit,
                held.grow_to,
            )
            answer = receiver.answer(self._secrets(credential, extra_headers))
        if answer.successful and receiver.overflowed:
            raise answer.refusal()
        return answer

    def resolve(self, address: str, base: str = "") -> str:
        """Return the absolute URL of an address that the backend gave, or that the answer at `base` did.

        Raises:
            ValueError: it is not http(s), or holds credentials; the text does not show it.
        """
        return self._endpoint.resolve(address, base)

    def own_url(self, url: str) -> str | None:
        """Where a file is asked for that the backend keeps itself; None for any other file. `url` is one that
        was `resolve`d.
        """
        return self._endpoint.own_url(url)

    async def transfer(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None = None,
        *,
        limit: int,
        seconds: float,
        admit: Admit | None = None,
        credential: Credential | None = None,
    ) -> Transfer:
        """Send or get the bytes of a file at a `resolve`d URL, which may be on any host.

        Such addresses are signed, and no key goes along; a file that the backend keeps itself (`own_url`) is
        asked for there, with the `credential` if there is one. It is on the way of that in any case.
        Redirects are not followed. Of a 2xx answer at most `limit` bytes are taken, each piece after `admit`
        was told how many they are with it; after `seconds` in all, it is given up.

        Raises:
            UpstreamError: the transport failed or took too long. Also what `admit` raises.
            ValueError: the credential can't travel in a header, or its proxy has no usable address.
        """
        # The first byte of the answer comes only when the last one of a large file is out.
        timeouts = replace(self.timeouts, first_byte=seconds, total=seconds)
        headers = {**headers, "User-Agent": USER_AGENT}
        if credential is not None and (own_url := self._endpoint.own_url(url)) is not None:
            url, headers = own_url, {**_headers(credential, JSON), **headers}
        receiver = await self._receive(
            method, url, headers, content, credential, Exchange(), timeouts, limit, admit, reuse=False
        )
        answer = receiver.answer(decode=False)
        return Transfer(
            answer.status, answer.content_type, answer.headers, answer.body, not receiver.overflowed
        )

    async def send(
        self,
        method: str,
        path: str,
        credential: Credential,
        content: bytes | None = None,
        content_type: str = "",
        *,
        limit: int,
        seconds: float,
        admit: Admit | None = None,
    ) -> Transfer:
        """Make a call of which the content or the answer is no JSON.

        `limit`, `seconds` and `admit` are as those of `transfer`.

        Raises:
            UpstreamError: the transport failed or took too long; `ResponseRefused` for an answer of another
                status than 2xx. Also what `admit` raises.
            ValueError: the credential can't travel in a header, its proxy has no usable address, or the path
                is not plain.
        """
        headers = _headers(credential, "*/*")
        if content is not None:
            headers["Content-Type"] = content_type
        timeouts = replace(self.timeouts, first_byte=seconds, total=seconds)
        url = self._endpoint.url(path)
        receiver = await self._receive(
            method, url, headers, content, credential, Exchange(), timeouts, limit, admit
        )
        answer = receiver.answer(self.secrets(credential))
        if not answer.successful:
            raise answer.refusal()
        return Transfer(
            answer.status, answer.content_type, answer.headers, answer.body, not receiver.overflowed
        )

    def warm(self) -> None:
        """A conversation will be posted soon: open a connection for it, unless there is one to spare.

        It is on the way of those who have no proxy of their own, and left out if the last stream was not on
        that: nobody knows yet for whom the next one is.
        """
        if self._last is self._ways.usual:
            self._last.pool.warm(self._endpoint.origin)

    def close(self) -> None:
        """Abort whatever is under way; further exchanges are aborted before they begin."""
        self._closed = True
        for transport in tuple(self._under_way):
            transport.abort()
        self._streams.close()
        self._calls.close()
        self._ways.close()

    def _secrets(self, credential: Credential, extra_headers: Mapping[str, str] | None) -> tuple[str, ...]:
        """What an answer to a request with these headers is not quoted with."""
        extra = (extra_headers or {}).values()
        held = (credential.secret, credential.account_id, self._endpoint.prefix, *extra)
        return tuple(secret for secret in held if len(secret) >= SHORTEST_SECRET)

    async def _receive(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        credential: Credential | None,
        exchange: Exchange,
        timeouts: Timeouts,
        limit: int,
        admit: Admit | None = None,
        *,
        reuse: bool = True,
    ) -> ResponseReceiver:
        """Make one exchange whose answer is kept, of any status."""
        pool = self._ways.of(credential).pool
        transport = exchange.begin()
        receiver = ResponseReceiver(
            transport,
            replace(timeouts, progress=0),  # there is no reader to tell of any
            body_limit=limit,
            admit=admit,
            refused_seconds=self._call_limits.refused_seconds,
        )
        request = _request(receiver, url, method, headers, content, pool, reuse=reuse)
        try:
            await self._perform(self._calls, request, receiver, transport)
        except _CUT_SHORT:
            if transport.status is None or 200 <= transport.status < 300:
                raise
        return receiver

    async def _perform(
        self,
        client: StreamingClient,
        request: HandledRequest,
        receiver: ResponseReceiver,
        transport: TransportSide,
    ) -> None:
        """Run the exchange to its end and raise what its receiver failed with, if it did."""
        self._under_way.add(transport)
        try:
            try:
                if self._closed:
                    transport.abort()
                else:
                    ended = client.exchange(request)
                    del request  # the client lets go of most of it once the answer has begun
                    try:
                        await ended
                    finally:
                        del ended  # its error refers to this call
            except _TRANSPORT_ERRORS as error:
                receiver.fail(_lost(error, transport))
            await receiver.reader_done()
        except asyncio.CancelledError:
            transport.abort()
            receiver.cancel_reader()
            raise
        finally:
            self._under_way.discard(transport)
            receiver.ended()
        if receiver.failure is not None:
            raise receiver.failure


def _request(
    receiver: ResponseReceiver,
    url: str,
    method: str,
    headers: dict[str, str],
    body: bytes | None,
    pool: Pool,
    *,
    reuse: bool = True,
) -> HandledRequest:
    """A request whose answer goes to the receiver, and which ends where that fails.

    The time limits of the client are off: the receiver's watchdog has them all.
    """
    handle = FetchHandle(receiver.connected, partial(_headers_received, receiver))
    receiver.on_failure(partial(_abort, handle))
    return HandledRequest(
        url,
        method,
        handle=handle,
        reuse=reuse,
        pool=pool,
        headers=HTTPHeaders(headers),
        body=body,
        connect_timeout=0,
        request_timeout=0,
        streaming_callback=partial(_received, receiver, handle),
    )


def _headers_received(receiver: ResponseReceiver, line: ResponseStartLine, headers: HTTPHeaders) -> None:
    receiver.headers_received(line.code, headers)


def _received(receiver: ResponseReceiver, handle: FetchHandle, data: bytes) -> Awaitable[None] | None:
    if receiver.streaming:
        return receiver.deliver(data)
    delivered = receiver.keep(data)
    if receiver.overflowed:
        handle.stop()
    return delivered


def _abort(handle: FetchHandle) -> None:
    """The error is only a marker: what the caller gets to see is the receiver's failure."""
    handle.stop(Aborted())


def _headers(credential: Credential, accept: str) -> dict[str, str]:
    if not all(_PRINTABLE.fullmatch(value) for value in (credential.secret, credential.account_id or "-")):
        raise ValueError("the key holds characters that can't travel in a header")
    headers = {"Authorization": f"Bearer {credential.secret}", "Accept": accept, "User-Agent": USER_AGENT}
    if credential.account_id:
        headers["ChatGPT-Account-Id"] = credential.account_id
    return headers


def _lost(error: Exception, transport: TransportSide) -> UpstreamError:
    """Put a transport error into our terms. Its own text is not used: it may quote what was sent."""
    if not transport.connected:
        return ConnectFailed(_why_not_connected(error))
    match error:
        case ConnectionError():
            reason = "reset"
        case ssl.SSLError():
            reason = "TLS failed"
        case HTTPError():
            reason = "closed, or not HTTP"
        case UnsatisfiableReadError():
            reason = "the header block is too large"
        case OSError(errno=int(number)):
            reason = os.strerror(number)
        case _:
            reason = type(error).__name__
    return ConnectionLost("before_headers" if transport.status is None else "body", reason)


def _why_not_connected(error: Exception) -> str:
    match error:
        case socket.gaierror():
            return "its name does not resolve"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted ({error.verify_message})"
        case ProxyRefused():
            return str(error)
        case ssl.SSLError():
            return "the TLS handshake failed"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case _:
            return "the connection was closed"
