"""One exchange with the backend, seen from its two sides.

The owner makes an `Exchange`, gives it to a call, reads the facts and may abort. The call begins it and gets
the `TransportSide`, where it writes the facts and learns of an abort.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from upstream.http.errors import Aborted


class TransportSide:
    """What the transport knows of one exchange, and how it is stopped where it stands.

    A call has one part or several, one after the other: waiting for a socket, the HTTP request, listening
    to the socket. Each part brings its own way to be stopped. Between two parts and after the last one
    there is nothing to stop, and an abort has no effect.
    """

    __slots__ = (
        "_on_abort",
        "_on_progress",
        "aborted",
        "conduit",
        "connected",
        "content_type",
        "handed_over",
        "status",
        "streaming",
    )

    def __init__(self) -> None:
        self.aborted = False
        self.connected = False
        """TCP (and TLS) stood; from here on parts of the request may have been delivered."""
        self.status: int | None = None
        """HTTP status of the answer; informational answers (1xx) don't count."""
        self.content_type: str | None = None
        """Bare media type of the answer in lower case; "" if it named none."""
        self.streaming = False
        """The answer is an event stream, and goes to its reader piece by piece."""
        self.handed_over = False
        """The answer hands over to a WebSocket, from which its stream comes."""
        self.conduit = ""
        """The token of the turn: that of the preflight, else that of a header of the stream; "" without."""
        self._on_abort: Callable[[], None] | None = None
        self._on_progress: Callable[[], None] | None = None

    def begin_part(self, on_abort: Callable[[], None], on_progress: Callable[[], None] | None = None) -> None:
        """From now on an abort calls `on_abort`, and the owner's `progressed` calls `on_progress`."""
        self._on_abort = on_abort
        self._on_progress = on_progress

    def end_part(self) -> None:
        """There is nothing left to stop. Does nothing the second time."""
        self._on_abort = self._on_progress = None

    def begin_again(self) -> None:
        """What was answered proves that nothing of the request was read; it is sent to another route now."""
        self.connected = False
        self.status = self.content_type = None
        self.conduit = ""

    @contextmanager
    def part(
        self, on_abort: Callable[[], None], on_progress: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """A part of the call, from `begin_part` to `end_part`."""
        self.begin_part(on_abort, on_progress)
        try:
            yield
        finally:
            self.end_part()

    def abort(self) -> None:
        """Stop the part that is under way, if there is one."""
        if self._on_abort is not None and not self.aborted:
            self.aborted = True
            self._on_abort()

    def leave(self) -> None:
        """Stop the part that is under way, if there is one; the call goes on with another."""
        if self._on_abort is not None and not self.aborted:
            self._on_abort()

    def progressed(self) -> None:
        """Pass on that the reader has got something that it can use."""
        if self._on_progress is not None:
            self._on_progress()


class Exchange:
    """The owner's side: made before the call, and good for one call.

    The properties are facts, to be read at any time: during the call, after it, or after it failed.
    """

    __slots__ = ("_begun", "_transport")

    def __init__(self) -> None:
        self._transport = TransportSide()
        self._begun = False

    @property
    def aborted(self) -> bool:
        """`abort` was called before the exchange had ended."""
        return self._transport.aborted

    @property
    def status(self) -> int | None:
        """HTTP status of the answer, None before its headers are in; 1xx answers don't count."""
        return self._transport.status

    @property
    def content_type(self) -> str | None:
        """Bare media type of the answer in lower case, "" if it named none, None before its headers."""
        return self._transport.content_type

    @property
    def reached_backend(self) -> bool:
        """False only if the backend certainly never saw the request, so that it can't have been charged."""
        return self._transport.connected

    @property
    def accepted(self) -> bool:
        """The backend has begun to answer well: there is an event stream, whatever becomes of it."""
        return self._transport.streaming or self._transport.handed_over

    @property
    def conduit(self) -> str:
        """The backend's token of the turn, a secret, if one came beside the stream; else ""."""
        return self._transport.conduit

    def abort(self) -> None:
        """Stop the exchange: the call raises `Aborted` and the socket is closed at once.

        Works in every state and any number of times. Before the call it makes the call fail without
        connecting; after the end of the exchange it does nothing.
        """
        if self._begun:
            self._transport.abort()
        else:
            self._transport.aborted = True

    def leave(self) -> None:
        """Stop what is under way, because its rest is elsewhere: the call raises `Aborted`.

        Unlike after `abort`, the exchange can `go_on`.
        """
        self._transport.leave()

    def progressed(self) -> None:
        """To be called by the reader when a piece held something new; see `Timeouts.progress`."""
        self._transport.progressed()

    def begin(self) -> TransportSide:
        """For the transport: begin the one call and return the transport's side.

        Raises:
            Aborted: the owner has aborted already.
            RuntimeError: the exchange has served another call.
        """
        if self.aborted:
            raise Aborted
        if self._begun:
            raise RuntimeError("an Exchange serves one call only")
        self._begun = True
        return self._transport

    def go_on(self) -> TransportSide:
        """For the transport: the call has ended, and the same exchange goes on elsewhere.

        Raises:
            Aborted: the owner has aborted it.
        """
        if self.aborted:
            raise Aborted
        return self._transport
