"""The load: many clients in one epoll loop, closed-loop at full speed or each at the backend's pace.

Each client is one connection. A reply counts as good only if its status, framing, text and end are exactly
right. Receipt times are taken right after `recv`; which token they belong to is worked out after the run.
"""

import errno
import json
import random
import select
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from benchmarks.events import Ask, chat_request
from benchmarks.replies import OpenAIAnswer, OpenAIStream, RelayedBytes, Reply
from benchmarks.response import ProtocolError, Response
from benchmarks.usage import Usage

NANOSECONDS = 1_000_000_000
GIVE_UP_AFTER = 60.0
"""Seconds after which a run is ended whatever is missing."""


class Speaks(Enum):
    """What a target sends its clients."""

    OPENAI = "OpenAI's API"
    BACKEND = "the backend's own bytes"


@dataclass(frozen=True, slots=True)
class Target:
    """Something to put load on, at 127.0.0.1."""

    port: int
    speaks: Speaks
    path: str = "/v1/chat/completions"

    def request(self, ask: Ask, *, stream: bool) -> bytes:
        body = json.dumps(chat_request(ask, stream=stream)).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer fk-bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def reply(self, ask: Ask, *, stream: bool) -> Reply:
        if self.speaks is Speaks.BACKEND:
            return RelayedBytes(ask)
        return OpenAIStream(ask) if stream else OpenAIAnswer(ask)


@dataclass(slots=True)
class Tally:
    """What came of the requests of one run."""

    good: int = 0
    failed: int = 0
    deltas: int = 0
    first_failure: str | None = None


class Client:
    """One kept-alive connection that carries one request at a time."""

    __slots__ = ("ask", "marks", "outbox", "response", "sock")

    def __init__(self, port: int) -> None:
        """Begin to connect; OSError if that fails at once."""
        self.ask = Ask(0)
        self.outbox = b""
        self.response: Response | None = None
        self.marks: list[tuple[int, int]] = []
        """(size of the body so far, monotonic ns) after each receipt of a paced reply."""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self.sock.connect_ex(("127.0.0.1", port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "cannot connect")


@dataclass(frozen=True, slots=True)
class PacedRun:
    """What a paced run left behind: the clients with their replies and marks, and the window's samples."""

    tally: Tally
    clients: list[Client]
    at_start: Usage
    at_end: Usage


class LoadGenerator:
    """Puts load on one target; each method is one run."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}
        self.buffer = bytearray(1 << 18)
        self.view = memoryview(self.buffer)
        self.tally = Tally()

    def closed_loop(self, ask: Ask, *, clients: int, seconds: float, stream: bool = True) -> Tally:
        """Each client asks again as soon as it was answered, until `seconds` are over; all are answered."""
        self.tally = Tally()
        now = time.monotonic()
        last_start, give_up = now + seconds, now + GIVE_UP_AFTER
        for _ in range(clients):
            self._begin(Client(self.target.port), ask, stream=stream)
        while self.clients and time.monotonic() < give_up:
            for client in self._turn(0.1):
                self._check(client)
                if time.monotonic() < last_start:
                    self._begin(client, ask, stream=stream)
                else:
                    self._close(client)
        self._abandon_the_rest()
        return self.tally

    def paced(
        self, ask: Ask, *, streams: int, ramp: float, window: tuple[float, float], sample: Callable[[], Usage]
    ) -> PacedRun:
        """Start `streams` streams at random moments of `ramp` seconds and let each run to its end.

        Evenly spaced starts would send many streams' tokens at the same moments, as nobody's users do.

        `sample` is called at the two moments of the window (seconds from the start of the run). Replies are
        checked after the run, so that checking makes no receipt late.
        """
        self.tally = Tally()
        dice = random.Random(streams)
        starts = sorted(dice.uniform(0, ramp) for _ in range(streams))
        begun = time.monotonic()
        clients: list[Client] = []
        done: list[Client] = []
        samples: list[Usage] = []
        while self.clients or len(clients) < streams:
            elapsed = time.monotonic() - begun
            if elapsed > GIVE_UP_AFTER:
                break
            while len(clients) < streams and elapsed >= starts[len(clients)]:
                clients.append(Client(self.target.port))
                self._begin(clients[-1], replace(ask, slot=len(clients) - 1), stream=True)
            while len(samples) < 2 and elapsed >= window[len(samples)]:
                samples.append(sample())
            for client in self._turn(0.001 if len(clients) < streams else 0.02):
                self._close(client)
                done.append(client)
        for client in done:
            self._check(client)
        self._abandon_the_rest()
        samples += [sample() for _ in range(2 - len(samples))]
        return PacedRun(self.tally, clients, *samples)

    def _begin(self, client: Client, ask: Ask, *, stream: bool) -> None:
        client.ask = ask
        client.outbox = self.target.request(ask, stream=stream)
        client.response = Response(self.target.reply(ask, stream=stream))
        mask = select.EPOLLIN | select.EPOLLOUT
        if client.sock.fileno() in self.clients:
            self.epoll.modify(client.sock, mask)
        else:
            self.clients[client.sock.fileno()] = client
            self.epoll.register(client.sock, mask)

    def _turn(self, timeout: float) -> Iterator[Client]:
        """Deal with what the sockets have; yields each client whose response is complete."""
        for fd, events in self.epoll.poll(timeout):
            client = self.clients[fd]
            try:
                if client.outbox and events & select.EPOLLOUT:
                    self._send(client)
                elif self._receive(client):
                    yield client
            except (OSError, ProtocolError) as failure:
                self._fail(client, f"{type(failure).__name__}: {failure}")

    def _send(self, client: Client) -> None:
        client.outbox = client.outbox[client.sock.send(client.outbox) :]
        if not client.outbox:
            self.epoll.modify(client.sock, select.EPOLLIN)

    def _receive(self, client: Client) -> bool:
        response = client.response
        if response is None:
            raise ProtocolError("bytes without a request")
        carry = response.carry
        kept = len(carry)
        if kept:
            self.buffer[:kept] = carry
        count = client.sock.recv_into(self.view[kept:] if kept else self.view)
        now = time.monotonic_ns()
        if not count:
            raise ProtocolError("the connection was closed before the end of the response")
        complete = response.feed(self.buffer, self.view, kept + count)
        if client.ask.rate:
            client.marks.append((response.reply.received, now))
        return complete

    def _check(self, client: Client) -> None:
        assert client.response is not None
        reply = client.response.reply
        complaint = reply.complaint()
        if complaint is None:
            self.tally.good += 1
            self.tally.deltas += reply.deltas
        else:
            self._count_failure(complaint)

    def _close(self, client: Client) -> None:
        del self.clients[client.sock.fileno()]
        client.sock.close()

    def _fail(self, client: Client, reason: str) -> None:
        self._close(client)
        client.marks.clear()  # nothing of a failed reply is timed
        self._count_failure(reason)

    def _count_failure(self, reason: str) -> None:
        self.tally.failed += 1
        self.tally.first_failure = self.tally.first_failure or reason

    def _abandon_the_rest(self) -> None:
        for client in list(self.clients.values()):
            self._fail(client, f"not answered within {GIVE_UP_AFTER:.0f} s")
