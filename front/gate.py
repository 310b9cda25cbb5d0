"""What stands between Tornado and the application: it notes how far each request has come."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from front.client_stream import ClientStream


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What Tornado wants to know of a connection: the client's address and the scheme."""

    remote_ip: str
    protocol: str = "http"

    def __str__(self) -> str:
        return self.remote_ip


class RequestGate(HTTPMessageDelegate):
    """One request. `inner` handles it; `on_read` is called when all of it was read."""

    def __init__(
        self, inner: HTTPMessageDelegate, stream: ClientStream, on_read: Callable[[ClientStream], None]
    ) -> None:
        self._inner: HTTPMessageDelegate | None = inner
        self._stream = stream
        self._on_read = on_read

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """See Tornado."""
        assert self._inner is not None  # noqa: S101 - it is dropped at the end only
        preparing = self._inner.headers_received(start_line, headers)
        self._stream.body_begins()
        return preparing

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """See Tornado."""
        return self._inner.data_received(chunk) if self._inner is not None else None

    def finish(self) -> None:
        """See Tornado. The handler is dropped: Tornado keeps this object until the next request."""
        inner, self._inner = self._inner, None
        self._stream.request_ends()
        if inner is not None:
            inner.finish()
        if not self._stream.closed():
            self._on_read(self._stream)

    def on_connection_close(self) -> None:
        """See Tornado: the connection ended within the body."""
        inner, self._inner = self._inner, None
        self._stream.request_breaks_off()
        if inner is not None:
            inner.on_connection_close()
