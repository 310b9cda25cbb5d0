"""Requests, and the bytes that they are on the wire."""

import base64
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders, ResponseStartLine

from transport.connector import Connection
from transport.origin import Origin
from transport.pool import Pool

METHODS: Final = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")
WITH_BODY: Final = ("POST", "PATCH", "PUT")

_ADDRESS: Final = re.compile(r"([^/?#]*//[^/?#]*)([^?#]*)(\?[^#]*)?")
"""The server, the path, and the query; a fragment is not sent."""
_PATH: Final = re.compile(r"/[!-~]*")
_UNUSABLE: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
NO_HEADERS: Final = HTTPHeaders()
_NOT_SUPPORTED: Final = (
    "body_producer", "proxy_host", "network_interface", "expect_100_continue", "follow_redirects",
    "decompress_response", "prepare_curl_callback", "ssl_options", "ca_certs", "client_key", "client_cert",
)  # fmt: skip


class FetchHandle:
    """What the owner of a fetch and the fetch itself have to tell each other.

    `on_connected` is called when some of the request has left, or is about to: before that, the server
    certainly knows nothing of it. `on_headers` is called with status line and headers of the final answer.
    """

    __slots__ = ("on_connected", "on_headers", "stopped_by")

    def __init__(
        self,
        on_connected: Callable[[], None] | None = None,
        on_headers: Callable[[ResponseStartLine, HTTPHeaders], None] | None = None,
    ) -> None:
        self.on_connected = on_connected
        self.on_headers = on_headers
        self.stopped_by: Callable[[BaseException | None], None] | None = None
        """What ends the fetch, while it is under way. For the client."""

    def stop(self, error: BaseException | None = None) -> None:
        """End the fetch and close its connection at once, in every state; it raises `error`.

        Without one, the answer counts as whole. A callback of the fetch that is being awaited may finish, and
        is the last one. Does nothing if the fetch has ended, or has not begun.
        """
        if self.stopped_by is not None:
            self.stopped_by(error)


class HandledRequest(HTTPRequest):
    """A request with a `FetchHandle`. `reuse` lets it go out on a kept connection, and leave it to others.

    Its connection comes from `pool`, or from that of the client.

    It has no body and no headers any more once the answer has begun: they can be large, and an answer takes
    minutes.
    """

    # Those of `HTTPRequest` stay in a dictionary; with more than 30 in there, it is six times as large.
    __slots__ = ("client_cert", "client_key", "handle", "pool", "reuse", "ssl_options", "start_time")

    def __init__(
        self,
        url: str,
        method: str,
        *,
        handle: FetchHandle,
        reuse: bool = True,
        pool: Pool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(url, method, **kwargs)
        self.handle = handle
        self.pool = pool
        self.reuse = reuse

    def forget_what_was_sent(self) -> None:
        """Let go of body and headers. For the client."""
        self.body, self.headers = b"", NO_HEADERS


class Target:
    """A request that was found usable: where it goes, and what is sent.

    Raises:
        ValueError: it can't be sent, or asks for something that this client does not do.
    """

    __slots__ = ("_body", "_fields", "_method", "_path", "origin", "reuse")

    def __init__(self, request: HTTPRequest) -> None:
        for name in _NOT_SUPPORTED:
            if getattr(request, name, None):
                raise ValueError(f"{name} is not supported")
        if request.validate_cert is False:
            raise ValueError("certificates are always checked")
        if request.method not in METHODS and not request.allow_nonstandard_methods:
            raise ValueError("unknown method")
        if request.body is None and request.method in WITH_BODY:
            raise ValueError("this method needs a body")
        url, self.origin, self._path = _parts(request.url)
        self.reuse: bool = getattr(request, "reuse", False)
        self._method = request.method
        self._fields = [f"{name}: {value}" for name, value in _fields(request, url, reuse=self.reuse)]
        self._body = request.body or b""
        if _UNUSABLE.search("".join(self._fields)):
            raise ValueError("unusable characters in a header")

    def encode(self, connection: Connection) -> bytes:
        """Request line, headers and body, as the other end of this connection wants them."""
        target, fields = self._path, self._fields
        if connection.relay is not None:
            target = f"http://{self.origin.authority}{target}"
            if connection.relay.authorization:
                fields = [*fields, f"Proxy-Authorization: {connection.relay.authorization}"]
        head = "\r\n".join([f"{self._method} {target} HTTP/1.1", *fields, "", ""])
        return head.encode("latin-1") + self._body


def _parts(address: str) -> tuple[SplitResult, Origin, str]:
    """The server that an address names, twice, and what is asked of that. Raises ValueError."""
    parts = _ADDRESS.match(address)
    if parts is None:
        raise ValueError("unsupported scheme of a URL")
    server, path, query = parts.groups("")
    asked = (path or "/") + (query if query != "?" else "")
    if not _PATH.fullmatch(asked):
        raise ValueError("unusable characters in a URL")
    return *_server(server), asked


@lru_cache(maxsize=16)
def _server(address: str) -> tuple[SplitResult, Origin]:
    """The server at an address without a path. Nearly all requests go to the same few.

    Raises ValueError. Paths stay out of this cache, and out of that of `urlsplit`: they may be signed, or
    name a conversation.
    """
    url = urlsplit(address)
    if url.scheme not in ("http", "https"):
        raise ValueError("unsupported scheme of a URL")
    return url, Origin.of(url)


def _fields(request: HTTPRequest, url: SplitResult, *, reuse: bool) -> Iterator[tuple[str, str]]:
    """The headers of the request, and those that it needs besides."""
    given = request.headers
    yield from given.get_all()
    if "Host" not in given:
        yield "Host", url.netloc.rpartition("@")[2]
    if not reuse and "Connection" not in given:
        yield "Connection", "close"
    if request.user_agent and "User-Agent" not in given:
        yield "User-Agent", request.user_agent
    name, password = url.username or request.auth_username, url.password or request.auth_password
    if name is not None:
        secret = f"{name}:{password or ''}".encode()
        yield "Authorization", f"Basic {base64.b64encode(secret).decode()}"
    if request.body is not None and "Content-Length" not in given:
        yield "Content-Length", str(len(request.body))
