"""The connection of one client, and how far its present request has come.

This is Tornado's `IOStream` with the few public methods overridden in which a request can go wrong: the read
of its head, and the bare 400 that Tornado writes when it refuses one by itself. So each failure is seen here
and nowhere else, and no private name of Tornado is needed.

Bytes are sent at once if none wait to go before them. `IOStream.write` makes a future with a listener for
each write, and the loop turns once more for it, also where the kernel takes all at once. What the kernel does
not take, and every error, is left to `IOStream`.
"""

import asyncio
import fcntl
import select
import socket
import struct
import termios
from collections.abc import Awaitable, Callable
from contextlib import suppress
from enum import Enum
from typing import Final, Protocol

from tornado.iostream import IOStream, StreamClosedError, UnsatisfiableReadError

from front.request_head import MAX_HEAD_BYTES, fault_of_head
from front.times import ConnectionTimes
from metrics import ClosedConnection, ProtocolFault

TORNADOS_REFUSAL: Final = b"HTTP/1.1 400 Bad Request\r\n\r\n"
TORNADOS_CONTINUE: Final = b"HTTP/1.1 100 (Continue)\r\n\r\n"
MAX_CHUNK_LINE_BYTES: Final = 4096
READ_BYTES: Final = 16384
"""Most that one read takes. Tornado makes and clears room for so much for each read, also for one that finds
nothing; with its own 64 KiB that costs as much as the whole reading of a small request."""
MAX_UNSENT_BYTES: Final = 128 * 1024
"""So much of what is not sent yet does the kernel take, in place of some MiB: what a client does not read
stays with the backend."""
DRAINED_HEADS: Final = 4
"""How many times the limit of a head is read of one that is too large, so that its client can read why."""


class Phase(Enum):
    """How far a request has come."""

    HEAD = "head"
    """Its head is awaited, or is being read."""
    BODY = "body"
    ANSWER = "answer"
    """It was read, and is being answered."""
    LEAVE = "leave"
    """It had its last answer, and is closed when its client has all of it."""


class Owner(Protocol):
    """Whoever keeps the connections."""

    all_sent: "asyncio.Future[None]"
    """The result of every write of which nothing is left: done, and the same for all."""

    @property
    def ending(self) -> bool:
        """Each connection is answered once more at most, and closed then."""
        ...

    def waits(self, stream: "ClientStream") -> None:
        """It waits for a request, or for the rest of one, from now on."""
        ...

    def complete(self, stream: "ClientStream") -> None:
        """The whole request was read."""
        ...

    def closed(self, stream: "ClientStream") -> None:
        """It is about to be closed."""
        ...

    def useless(self, reason: ClosedConnection) -> None:
        """It is closed because no request came."""
        ...

    def fault(self, fault: ProtocolFault, *, answered: bool) -> bytes:
        """A request went wrong. Give the response, which is sent if `answered`."""
        ...


class ClientStream(IOStream):
    """An accepted connection. `owner` is told what happens on it."""

    # Those of `IOStream` stay in a dictionary; with more than 30 in there, it is three times as large.
    __slots__ = (
        "_answer_begun",
        "_bytes_ahead",
        "_due",
        "_due_at",
        "_faulted",
        "_head_bytes",
        "_head_is_read",
        "_is_last",
        "_loop",
        "_owner",
        "_timer",
        "_times",
        "descriptor",
        "has_begun",
        "more_has_come",
        "phase",
        "served",
    )

    def __init__(self, connection: socket.socket, times: ConnectionTimes, owner: Owner) -> None:
        super().__init__(connection, read_chunk_size=READ_BYTES)
        super().set_nodelay(True)
        if connection.family != socket.AF_UNIX and hasattr(socket, "TCP_NOTSENT_LOWAT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT_BYTES)
        self.descriptor = connection.fileno()
        self.phase = Phase.HEAD
        self.has_begun = False
        """Some of the head has come."""
        self.more_has_come = False
        """Something came with the head of the present request: its client does not wait with the body."""
        self.served = 0
        """Requests that were read to their end."""
        self._times = times
        self._owner = owner
        self._faulted = False
        self._is_last = False
        self._answer_begun = False
        self._head_bytes = 0
        self._head_is_read = False
        self._bytes_ahead = 0  # read while a request is answered
        self._timer: asyncio.TimerHandle | None = None
        self._due: Callable[[], None] | None = None
        self._due_at = 0.0
        self._loop = asyncio.get_running_loop()

    async def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> bytes:
        """Read the head of a request; Tornado reads nothing else so.

        Raises:
            StreamClosedError: there is none, or it was refused.
        """
        if self._is_last:
            await self._leave()
        if self.closed():  # the request was here already when the client left
            raise StreamClosedError
        self._await_request()
        self._head_is_read = True
        try:
            head, taken = b"", 0
            while not head.strip(b"\r\n"):
                head = await super().read_until_regex(regex, DRAINED_HEADS * MAX_HEAD_BYTES)
                taken += len(head)
        except StreamClosedError:
            if self.has_begun:
                self._report(ProtocolFault.INCOMPLETE)
            raise
        finally:
            self._head_is_read = False
            self._set_timer(None)
        if self._faulted:
            self.close()
        if self.closed():  # its end came with the request
            self._report(ProtocolFault.INCOMPLETE)
            raise StreamClosedError
        self.has_begun = True
        self.more_has_come = self._head_bytes > taken
        fault = fault_of_head(head)
        if fault is not None:
            await self._refuse(fault)
            raise StreamClosedError
        return head

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Read a line of a chunked body, so far that a wrong one can be answered and not only cut off."""
        return super().read_until(delimiter, MAX_CHUNK_LINE_BYTES)

    def reading(self) -> bool:
        """See `IOStream`. It goes on between the head and what reads the body, some callbacks later, and when
        the next request has come a little before it is waited for.

        Else the connection would be taken out of the loop's interest and put back for each request.
        """
        return self._head_is_read or 0 < self._bytes_ahead < READ_BYTES or super().reading()

    def set_nodelay(self, value: bool) -> None:
        """See `IOStream`. Nothing is ever delayed: what is small is an answer, or a piece of one."""

    def body_begins(self) -> None:
        """The head was accepted."""
        self.phase = Phase.BODY
        self._set_timer(self._times.body, self._body_is_late)

    def request_ends(self) -> None:
        """The whole request was read."""
        self._set_timer(None)
        self.phase = Phase.ANSWER
        self.served += 1
        self._owner.complete(self)

    def request_breaks_off(self) -> None:
        """The connection has ended within the body."""
        self._set_timer(None)
        if not self._answer_begun:
            cut_by_us = isinstance(self.error, UnsatisfiableReadError)
            self._report(ProtocolFault.BODY if cut_by_us else ProtocolFault.INCOMPLETE)

    def answer_begins(self) -> bool:
        """The headers of an answer are about to be written. Return whether it is the last one, and closes
        the connection.
        """
        self._is_last = self._owner.ending
        return self._is_last

    @property
    def is_quiet(self) -> bool:
        """Nothing of a request has come, read or not, and the client has all of the answer before."""
        if self.phase is not Phase.HEAD or self.has_begun or self.writing():
            return False
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        return not poll.poll(0) and not self._is_on_the_way()

    def stop(self) -> None:
        """Close the connection now. Whose request has come in part is told that it is not served."""
        has_part = self.phase is Phase.BODY or (self.phase is Phase.HEAD and self.has_begun)
        if has_part and not self._answer_begun and not self.writing():
            self._refuse_while_reading(ProtocolFault.STOPPING)
        self.close()

    def shed(self, reason: ClosedConnection) -> None:
        """Close the connection, on which something is waited for."""
        self._owner.useless(reason)
        self.close()

    def write(self, data: bytes | memoryview) -> "asyncio.Future[None]":
        """See `IOStream`. Tornado's own refusal of a request is replaced by one in the form of all errors."""
        if self.phase is not Phase.ANSWER:
            if data == TORNADOS_REFUSAL:
                return asyncio.ensure_future(self._refuse_for_tornado())
            if data != TORNADOS_CONTINUE:
                self._answer_begun = True
        if isinstance(data, bytes) and not self.writing() and not self.closed():
            sent = self._send(data)
            if sent == len(data):
                return self._owner.all_sent
            data = memoryview(data)[sent:]
        return super().write(data)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """See `IOStream`. What comes of a request is noted; while one is answered, little more is read."""
        if self._bytes_ahead >= READ_BYTES:
            return None
        count = super().read_from_fd(buf)
        if count and self.phase is Phase.ANSWER:
            self._bytes_ahead += count
        elif count and self.phase is not Phase.LEAVE:
            self._owner.waits(self)
            if self.phase is Phase.HEAD:
                self._note_head(buf, count)
        return count

    def close_fd(self) -> None:
        """See `IOStream`."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._owner.closed(self)
        super().close_fd()

    def _send(self, data: bytes) -> int:
        """Send what the kernel takes at once; return how many bytes. An error meets `IOStream` again."""
        try:
            return self.socket.send(data) if data else 0
        except OSError:
            return 0

    def _await_request(self) -> None:
        self.phase = Phase.HEAD
        self.has_begun = self._answer_begun = False
        self._head_bytes = self._bytes_ahead = 0
        self._owner.waits(self)
        wait = self._times.idle if self.served else self._times.silent
        self._set_timer(wait, self._no_request_came)

    def _note_head(self, buf: bytearray | memoryview, count: int) -> None:
        self._head_bytes += count
        if not self.has_begun and bytes(buf[:count]).strip(b"\r\n"):
            self.has_begun = True
            self._set_timer(self._times.head, self._head_is_late)
        elif self._head_bytes > MAX_HEAD_BYTES:
            self._loop.call_soon(self._check_size)

    def _set_timer(self, seconds: float | None, due: Callable[[], None] | None = None) -> None:
        """Have `due` called after so many seconds, in place of what was to be called before."""
        self._due = due
        if seconds is None or due is None:
            return  # the timer finds nothing to do, or what is set before it comes
        self._due_at = self._loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= self._due_at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(self._due_at, self._look_at_time)

    def _look_at_time(self) -> None:
        self._timer = None
        due = self._due
        if due is None:
            return
        if self._loop.time() < self._due_at:
            self._timer = self._loop.call_at(self._due_at, self._look_at_time)
            return
        self._due = None
        due()

    def _no_request_came(self) -> None:
        self.shed(ClosedConnection.IDLE if self.served else ClosedConnection.SILENT)

    def _head_is_late(self) -> None:
        self._refuse_while_reading(ProtocolFault.HEAD_TIMEOUT)
        self.close()

    def _body_is_late(self) -> None:
        if not self._answer_begun:
            self._refuse_while_reading(ProtocolFault.BODY_TIMEOUT)
        self.close()

    def _check_size(self) -> None:
        """If the head has not ended by now, it is too large."""
        if self.phase is Phase.HEAD and super().reading() and not self._faulted and not self.closed():
            self._refuse_while_reading(ProtocolFault.HEAD_TOO_LARGE)
            self._set_timer(self._times.linger, self.close)

    def _report(self, fault: ProtocolFault, *, answered: bool = False) -> bytes:
        """Tell the owner, once: the connection ends with its first fault."""
        if self._faulted:
            return b""
        self._faulted = True
        return self._owner.fault(fault, answered=answered)

    def _refuse_while_reading(self, fault: ProtocolFault) -> None:
        super().write(self._report(fault, answered=True))
        self._end_sending()

    async def _refuse_for_tornado(self) -> None:
        if not self._answer_begun:
            await self._refuse(ProtocolFault.BODY if self.phase is Phase.BODY else ProtocolFault.OTHER)

    async def _refuse(self, fault: ProtocolFault) -> None:
        """Send the response, and take what the client still sends: else it would be reset, and lose it."""
        response = self._report(fault, answered=True)
        with suppress(StreamClosedError, TimeoutError):
            async with asyncio.timeout(self._times.linger):
                await super().write(response)
                self._end_sending()
                while True:
                    await self.read_bytes(65536, partial=True)
        self.close()

    async def _leave(self) -> None:
        """Take what the client still sends, and drop it, until it has the whole answer and goes. What is not
        taken would have the kernel throw away the rest of the answer.
        """
        self.phase = Phase.LEAVE
        self._bytes_ahead = 0
        self._end_sending()
        self._set_timer(self._times.linger, self._has_lingered)
        with suppress(StreamClosedError):
            while True:
                await self.read_bytes(READ_BYTES, partial=True)

    def _has_lingered(self) -> None:
        if self._is_on_the_way():
            self._set_timer(self._times.linger, self._has_lingered)
        else:
            self.close()

    def _is_on_the_way(self) -> bool:
        """Whether the kernel holds something that the client's has not got yet."""
        try:
            unsent = fcntl.ioctl(self.descriptor, termios.TIOCOUTQ, bytes(4))
        except OSError:  # this system does not tell
            return False
        return struct.unpack("i", unsent) != (0,)

    def _end_sending(self) -> None:
        if not self.closed() and not self.writing():
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
