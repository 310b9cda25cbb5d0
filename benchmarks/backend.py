"""The backend of the benchmark: pre-rendered replies out of raw sockets, at full speed or on a schedule.

    python -m benchmarks.backend --port N --send-times FILE

It must cost far less than what it measures, so there is no framework: one epoll set, one heap of due
times, and one `send` of a slice of ready bytes per due token (or per megabyte when unpaced). It speaks
just enough HTTP/1.1 for a well-behaved client; any other path than the conversation gets a small JSON.
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

from benchmarks.events import Ask, Style, echo_events, reply_events
from benchmarks.sendtimes import SendTimes

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


def http_chunk(event: bytes) -> bytes:
    """One record as one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(event), event)


@dataclass(frozen=True, slots=True)
class Script:
    """A rendered reply: its bytes on the wire, and where each step of a paced reply ends in them.

    Step i < n ends with the snapshot that adds token i; step n is the finished message and the end.
    """

    wire: memoryview
    ends: tuple[int, ...]


@cache
def script(tokens: int, style: Style) -> Script:
    chunks = [http_chunk(event) for event in reply_events(tokens, style)]
    chunks[-1] += b"0\r\n\r\n"
    offsets = tuple(accumulate(map(len, chunks)))
    return Script(memoryview(b"".join(chunks)), (*offsets[1:-2], offsets[-1]))


class Connection:
    """One client: the request being read, then the reply being sent."""

    __slots__ = (
        "ask",
        "closing",
        "head",
        "inbox",
        "limit",
        "script",
        "sent",
        "sock",
        "step",
        "watching_writes",
    )

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.inbox = b""
        self.closing = False
        self.watching_writes = False
        self.head: bytes | memoryview = b""
        self.script: Script | None = None
        self.ask = Ask(0)
        self.step = 0
        self.sent = 0  # bytes of the script's wire
        self.limit = 0  # bytes of it that are due


class Backend:
    """Listens on 127.0.0.1 and serves for ever. `port` 0 takes a free one; `self.port` tells which."""

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
        while True:
            self.turn()

    def turn(self) -> None:
        """Wait for the next due token or socket event, and deal with all that is there."""
        wait = None
        if self.due:
            wait = max(0.0, (self.due[0][0] - time.monotonic_ns()) / 1e9)
        # select() waits with microseconds; epoll's own timeout is in whole milliseconds.
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
        del self.connections[connection.sock.fileno()]
        connection.sock.close()

    def read(self, connection: Connection) -> None:
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
        if not path.endswith(b"/backend-api/conversation"):
            connection.head = SMALL_ANSWER
            self.write(connection)
            return
        try:
            ask = Ask.found_in(body)
            request: dict[str, Any] = json.loads(body)
            echo = echo_events(request["messages"], ask.style)
        except (ValueError, LookupError, TypeError):
            connection.closing = True
            connection.head = BAD_REQUEST
            self.write(connection)
            return
        connection.head = STREAM_HEAD + b"".join(map(http_chunk, echo))
        connection.ask = ask
        connection.script = script(ask.tokens, ask.style)
        connection.sent = connection.step = 0
        if ask.rate:
            self.advance(connection, time.monotonic_ns())
        else:
            connection.limit = len(connection.script.wire)
            self.write(connection)

    def advance(self, connection: Connection, due: int) -> None:
        """Send what the current step adds and plan the next one, one period after this was due."""
        assert connection.script is not None
        ask, step = connection.ask, connection.step
        connection.limit = connection.script.ends[step]
        connection.step = step + 1
        if step < ask.tokens:
            heapq.heappush(self.due, (due + 1_000_000_000 // ask.rate, connection.sock.fileno(), connection))
            self.send_times.put(ask.slot, step, time.monotonic_ns())
        if not connection.watching_writes:
            self.write(connection)

    def write(self, connection: Connection) -> None:
        """Send what is due, or as much as the socket takes now."""
        head, script, sent = connection.head, connection.script, connection.sent
        wire = script.wire[sent : min(connection.limit, sent + MEGABYTE)] if script else b""
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
        if not connection.head and (script is None or connection.sent == len(script.wire)):
            self.finish(connection)

    def watch_writes(self, connection: Connection, wanted: bool) -> None:
        if connection.watching_writes != wanted:
            connection.watching_writes = wanted
            mask = select.EPOLLIN | select.EPOLLOUT if wanted else select.EPOLLIN
            self.epoll.modify(connection.sock, mask)

    def finish(self, connection: Connection) -> None:
        connection.script = None
        connection.limit = 0
        if connection.closing:
            self.drop(connection)


def main() -> None:
    parser = argparse.ArgumentParser(description="the backend of the benchmark")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--send-times", type=Path, required=True, help="the table to write send times to")
    arguments = parser.parse_args()
    gc.disable()  # no cycles are made per request, and a collection would make tokens late
    Backend(arguments.port, SendTimes(arguments.send_times)).serve_forever()


if __name__ == "__main__":
    main()
