"""The backend of the benchmark: sends replies rendered beforehand, at full speed or on a schedule.

    python -m benchmarks.backend --port N --send-times FILE

It must cost far less than what is measured, so it has no framework: one epoll set, one heap of due times, and
one `send` of a slice of bytes per due token, or per megabyte when unpaced. It knows just enough HTTP/1.1 for
a correct client; all paths but that of the conversation are answered with a small JSON object.
"""

import argparse
import gc
import heapq
import json
import re
import select
import socket
import time
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.backend_stream import ReplySpec, Style, echo_records, reply_records
from benchmarks.send_times import SendTimes

MEGABYTE = 1 << 20
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
SMALL_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + b'{"success":true}'
)
BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


def http_chunk(record: bytes) -> bytes:
    """One record as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(record), record)


@dataclass(frozen=True, slots=True)
class RenderedReply:
    """The bytes of a reply of n tokens, and the offsets in them at which the steps of a paced reply end.

    Step i < n ends with the snapshot that adds token i; step n is the finished message and the end.
    """

    wire: memoryview
    ends: tuple[int, ...]


@cache
def rendered_reply(tokens: int, style: Style) -> RenderedReply:
    """The reply of `tokens` tokens; the same object for the same arguments."""
    chunks = [http_chunk(record) for record in reply_records(tokens, style)]
    chunks[-1] += b"0\r\n\r\n"
    offsets = tuple(accumulate(map(len, chunks)))
    return RenderedReply(memoryview(b"".join(chunks)), (*offsets[1:-2], offsets[-1]))


class Connection:
    """One client: the request being read, then the reply being sent."""

    __slots__ = (
        "closing",
        "head",
        "inbox",
        "limit",
        "reply",
        "sent",
        "sock",
        "spec",
        "step",
        "watching_writes",
    )

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.inbox = b""
        self.closing = False
        self.watching_writes = False
        self.head: bytes | memoryview = b""
        self.reply: RenderedReply | None = None
        self.spec = ReplySpec(0)
        self.step = 0
        self.sent = 0  # bytes of the reply
        self.limit = 0  # bytes of it that are due


class Backend:
    """Listens on 127.0.0.1. `port` 0 takes a free one; the attribute `port` tells which."""

    def __init__(self, port: int, send_times: SendTimes) -> None:
        self.send_times = send_times
        self.listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.epoll = select.epoll()
        self.epoll.register(self.listener, select.EPOLLIN)
        self.connections: dict[int, Connection] = {}
        self.due: list[tuple[int, int, Connection]] = []  # heap of (monotonic ns, fd, connection)

    def serve_forever(self) -> None:
        """Serve until the process is ended."""
        while True:
            self.serve_once()

    def serve_once(self) -> None:
        """Wait for the next due token or socket event, and handle all that are there."""
        wait = None
        if self.due:
            wait = max(0.0, (self.due[0][0] - time.monotonic_ns()) / 1e9)
        # The timeout of select() is in microseconds, that of epoll in whole milliseconds.
        if select.select([self.epoll], [], [], wait)[0]:
            for fd, events in self.epoll.poll(0):
                if fd == self.listener.fileno():
                    self.accept()
                elif events & ~select.EPOLLOUT:
                    self.read(self.connections[fd])
                else:
                    self.write(self.connections[fd])
        while self.due and self.due[0][0] <= time.monotonic_ns():
            due, fd, connection = heapq.heappop(self.due)
            if self.connections.get(fd) is connection:
                self.advance(connection, due)

    def accept(self) -> None:
        """Take all new connections."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except BlockingIOError:
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[sock.fileno()] = Connection(sock)
            self.epoll.register(sock, select.EPOLLIN)

    def drop(self, connection: Connection) -> None:
        """Close a connection."""
        del self.connections[connection.sock.fileno()]
        connection.sock.close()

    def read(self, connection: Connection) -> None:
        """Take bytes of a request, and answer it once it is complete."""
        try:
            data = connection.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.drop(connection)
            return
        connection.inbox += data
        head, blank, body = connection.inbox.partition(b"\r\n\r\n")
        if not blank:
            return
        length = CONTENT_LENGTH.search(head)
        if len(body) < (int(length[1]) if length else 0):
            return
        connection.inbox = b""
        connection.closing = CLOSE.search(head) is not None
        self.answer(connection, head.split(b" ", 2)[1], body)

    def answer(self, connection: Connection, path: bytes, body: bytes) -> None:
        """Begin the answer to a request."""
        if not path.endswith(b"/backend-api/conversation"):
            connection.head = SMALL_ANSWER
            self.write(connection)
            return
        try:
            spec = ReplySpec.parse(body)
            request: dict[str, Any] = json.loads(body)
            echo = echo_records(request["messages"], spec.style)
        except (ValueError, LookupError, TypeError):
            connection.closing = True
            connection.head = BAD_REQUEST
            self.write(connection)
            return
        connection.head = STREAM_HEAD + b"".join(map(http_chunk, echo))
        connection.spec = spec
        connection.reply = rendered_reply(spec.tokens, spec.style)
        connection.sent = connection.step = 0
        if spec.rate:
            self.advance(connection, time.monotonic_ns())
        else:
            connection.limit = len(connection.reply.wire)
            self.write(connection)

    def advance(self, connection: Connection, due: int) -> None:
        """Send what the current step adds, and schedule the next one, one period after this one was due."""
        assert connection.reply is not None
        spec, step = connection.spec, connection.step
        connection.limit = connection.reply.ends[step]
        connection.step = step + 1
        if step < spec.tokens:
            heapq.heappush(self.due, (due + 1_000_000_000 // spec.rate, connection.sock.fileno(), connection))
            self.send_times.put(spec.slot, step, time.monotonic_ns())
        if not connection.watching_writes:
            self.write(connection)

    def write(self, connection: Connection) -> None:
        """Send what is due, or as much as the socket takes now."""
        head, reply, sent = connection.head, connection.reply, connection.sent
        wire = reply.wire[sent : min(connection.limit, sent + MEGABYTE)] if reply else b""
        try:
            count = connection.sock.sendmsg((head, wire)) if head else connection.sock.send(wire)
        except BlockingIOError:
            count = 0
        except OSError:
            self.drop(connection)
            return
        connection.head = head[count:]
        connection.sent += max(0, count - len(head))
        self.watch_writes(connection, bool(connection.head) or connection.sent < connection.limit)
        if not connection.head and (reply is None or connection.sent == len(reply.wire)):
            self.finish(connection)

    def watch_writes(self, connection: Connection, wanted: bool) -> None:
        """Have `write` called when the socket takes more bytes, or no longer."""
        if connection.watching_writes != wanted:
            connection.watching_writes = wanted
            mask = select.EPOLLIN | select.EPOLLOUT if wanted else select.EPOLLIN
            self.epoll.modify(connection.sock, mask)

    def finish(self, connection: Connection) -> None:
        """The answer is sent: get ready for the next request, or close the connection."""
        connection.reply = None
        connection.limit = 0
        if connection.closing:
            self.drop(connection)


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(description="the backend of the benchmark")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--send-times", type=Path, required=True, help="the table of send times to write to")
    arguments = parser.parse_args()
    gc.disable()  # requests make no cycles, and a collection would delay tokens
    Backend(arguments.port, SendTimes(arguments.send_times)).serve_forever()


if __name__ == "__main__":
    main()
