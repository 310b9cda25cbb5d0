"""What stands between Tornado and the application: it notes how far each request has come, and reads in its
head what Tornado does not: a target that is a whole address, and whether the client waits for leave to
send the body.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from front.client_stream import ClientStream
from front.request_head import CONTINUE, absolute_target


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
        assert isinstance(start_line, RequestStartLine)  # noqa: S101 - servers get no others
        absolute = absolute_target(start_line.path)
        if absolute is not None:  # its host counts, whatever the header says (RFC 9112, 3.2.2)
            headers["Host"], path = absolute
            start_line = RequestStartLine(start_line.method, path, start_line.version)
        if "Expect" in headers:
            self._read_expectation(start_line, headers)
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

    def _read_expectation(self, start_line: RequestStartLine, headers: HTTPHeaders) -> None:
        """Leave `Expect` to those who wait with a body, in the one spelling that Tornado knows.

        Tornado gives leave when the handler is prepared and has not answered yet.
        """
        has_body = "Transfer-Encoding" in headers or headers.get("Content-Length", "").strip("0") != ""
        if start_line.version == "HTTP/1.1" and has_body and not self._stream.more_has_come:
            headers["Expect"] = CONTINUE.decode()
        else:
            del headers["Expect"]
