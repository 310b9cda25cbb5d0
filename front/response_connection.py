"""What handlers write a response to: Tornado's connection, with a short way for the chunks of a body.

`RequestHandler.flush` comes here. Tornado's `HTTP1Connection` makes a future and calls a listener for each
piece of a body; those of an answer are many and small, and the kernel takes nearly all of them at once.
"""

from asyncio import Future
from collections.abc import Callable

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine, ResponseStartLine

from front.client_stream import ClientStream


class ResponseConnection(HTTPConnection):
    """The response to one request. `inner` is its connection, on `stream`.

    It knows of `inner` only what is documented, and that it notes `Transfer-Encoding: chunked` in the headers
    that it is given if it is going to frame the body so. All other bodies, and everything that is not a
    chunk, are left to it.
    """

    def __init__(self, inner: HTTP1Connection, stream: ClientStream) -> None:
        self.context = inner.context
        self.stream = stream
        self._inner = inner
        self._chunked = False

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """See `HTTP1Connection`."""
        self._inner.set_close_callback(callback)

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> "Future[None]":
        """See `HTTPConnection`."""
        if self.stream.answer_begins():
            headers["Connection"] = "close"
        written = self._inner.write_headers(start_line, headers, chunk)
        self._chunked = headers.get("Transfer-Encoding") == "chunked"
        return written

    def write(self, chunk: bytes) -> "Future[None]":
        """See `HTTPConnection`."""
        if not self._chunked or not chunk or self.stream.closed():
            return self._inner.write(chunk)
        written = self.stream.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        # Nothing behind all that is still to be sent: it is written when that is.
        return written if written.done() else self._inner.write(b"")

    def finish(self) -> None:
        """See `HTTPConnection`."""
        self._inner.finish()
