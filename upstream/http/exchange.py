"""One exchange with the backend as its owner sees it: what has happened, and how to stop it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Exchange:
    """Created by the caller before the call, and good for one call.

    The attributes are facts, to be read at any time: during the call, after it, or after it failed.
    """

    __slots__ = (
        "_on_abort",
        "_used",
        "aborted",
        "bytes_received",
        "connected",
        "content_type",
        "request_sent",
        "status",
    )

    def __init__(self) -> None:
        self.aborted = False
        """`abort` was called before the exchange had ended."""
        self.connected = False
        """TCP (and TLS) stood; from here on parts of the request may have been delivered."""
        self.request_sent = False
        """The kernel took the last byte of the request."""
        self.status: int | None = None
        """HTTP status of the answer; informational answers (1xx) don't count."""
        self.content_type: str | None = None
        """Bare media type in lower case; "" if the answer named none."""
        self.bytes_received = 0
        """Bytes of the body so far, without HTTP framing."""
        self._on_abort: Callable[[], None] | None = None
        self._used = False

    @property
    def headers_received(self) -> bool:
        """The response headers are in."""
        return self.status is not None

    @property
    def reached_backend(self) -> bool:
        """False only if the backend certainly never saw the request, so that it can't have been charged."""
        return self.connected

    def abort(self) -> None:
        """Stop the exchange: the call raises `Aborted` and the socket is closed at once.

        Works in every state and any number of times. Before the call it makes the call fail without
        connecting; after the end of the exchange it does nothing.
        """
        if self.aborted or (self._used and self._on_abort is None):
            return
        self.aborted = True
        if self._on_abort is not None:
            self._on_abort()

    def _begin(self, on_abort: Callable[[], None]) -> None:
        if self._used:
            raise RuntimeError("an Exchange serves one call only")
        self._used = True
        self._on_abort = on_abort

    @contextmanager
    def _leg(self, on_abort: Callable[[], None]) -> Iterator[None]:
        """A part of the call beside its request: waiting for a socket before it, listening to one after."""
        self._on_abort = on_abort
        try:
            yield
        finally:
            self._on_abort = None

    def _end(self) -> None:
        self._on_abort = None
