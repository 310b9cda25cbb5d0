"""The load: many clients in one epoll loop, as fast as they are answered or at the pace of the backend.

Each client is one connection. A reply is good only if its status, framing, text and end are exactly right.
The time of a receipt is taken right after `recv`; which token it completes is computed after the run.
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
from pathlib import Path

from benchmarks.backend_stream import ReplySpec, chat_request
from benchmarks.expected_replies import ExpectedReply, OpenAIAnswer, OpenAIStream, RelayedBytes
from benchmarks.response_reader import ProtocolError, ResponseReader
from benchmarks.usage import Usage

NANOSECONDS = 1_000_000_000
GIVE_UP_AFTER = 60.0
"""Seconds after which a run ends even if replies are missing."""


class ReplyFormat(Enum):
    """What a target sends to its clients."""

    OPENAI = "OpenAI's API"
    BACKEND = "the backend's own bytes"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, at 127.0.0.1, and what comes back."""

    port: int
    reply_format: ReplyFormat
    path: str = "/v1/chat/completions"
    certificate: Path | None = None
    """What a caller must trust to speak TLS there; None for no TLS. `LoadGenerator` itself speaks none."""

    @property
    def origin(self) -> str:
        """Its address, as the setting BASE_URL has it."""
        return f"{'http' if self.certificate is None else 'https'}://127.0.0.1:{self.port}"

    def request(self, spec: ReplySpec, *, stream: bool) -> bytes:
        """The bytes of one HTTP request."""
        body = json.dumps(chat_request(spec, stream=stream)).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer fk-bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def expected_reply(self, spec: ReplySpec, *, stream: bool) -> ExpectedReply:
        """What the reply to that request must be."""
        if self.reply_format is ReplyFormat.BACKEND:
            return RelayedBytes(spec)
        return OpenAIStream(spec) if stream else OpenAIAnswer(spec)


@dataclass(slots=True)
class ReplyCounts:
    """The replies of one run: how many were right or wrong, their deltas, and the first failure."""

    good: int = 0
    failed: int = 0
    deltas: int = 0
    first_failure: str | None = None


class Client:
    """One connection that is kept alive and carries one request at a time."""

    __slots__ = ("outbox", "receipts", "response", "sock", "spec")

    def __init__(self, port: int) -> None:
        """Begin to connect. Raises OSError if that fails at once."""
        self.spec = ReplySpec(0)
        self.outbox = b""
        self.response: ResponseReader | None = None
        self.receipts: list[tuple[int, int]] = []
        """Size of the body so far and monotonic nanoseconds, after each receipt of a paced reply."""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self.sock.connect_ex(("127.0.0.1", port))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "cannot connect")


@dataclass(frozen=True, slots=True)
class PacedRun:
    """A paced run: clients with replies and receipts, and the usage at begin and end of the window."""

    counts: ReplyCounts
    clients: list[Client]
    at_start: Usage
    at_end: Usage


class LoadGenerator:
    """Puts load on one endpoint; each public method is one run."""

    def __init__(self, target: Endpoint) -> None:
        self.endpoint = target
        self.epoll = select.epoll()
        self.clients: dict[int, Client] = {}
        self.buffer = bytearray(1 << 18)
        self.view = memoryview(self.buffer)
        self.counts = ReplyCounts()

    def closed_loop(
        self, spec: ReplySpec, *, clients: int, seconds: float, stream: bool = True
    ) -> ReplyCounts:
        """Each client asks again as soon as it is answered, for `seconds`; all requests are answered."""
        self.counts = ReplyCounts()
        now = time.monotonic()
        last_start, give_up = now + seconds, now + GIVE_UP_AFTER
        for _ in range(clients):
            self._begin(Client(self.endpoint.port), spec, stream=stream)
        while self.clients and time.monotonic() < give_up:
            for client in self._poll(0.1):
                self._check(client)
                if time.monotonic() < last_start:
                    self._begin(client, spec, stream=stream)
                else:
                    self._close(client)
        self._fail_unanswered()
        return self.counts

    def paced(
        self,
        spec: ReplySpec,
        *,
        streams: int,
        ramp: float,
        window: tuple[float, float],
        sample: Callable[[], Usage],
    ) -> PacedRun:
        """Start `streams` streams at random moments of `ramp` seconds and let each run to its end.

        With evenly spaced starts the tokens of many streams would be due at the same moments, which users do
        not do. `sample` is called at the begin and the end of the window (seconds from the start of the run).
        Replies are checked after the run, so that no receipt waits for a check.
        """
        self.counts = ReplyCounts()
        rng = random.Random(streams)
        starts = sorted(rng.uniform(0, ramp) for _ in range(streams))
        begun = time.monotonic()
        clients: list[Client] = []
        done: list[Client] = []
        samples: list[Usage] = []
        while self.clients or len(clients) < streams:
            elapsed = time.monotonic() - begun
            if elapsed > GIVE_UP_AFTER:
                break
            while len(clients) < streams and elapsed >= starts[len(clients)]:
                clients.append(Client(self.endpoint.port))
                self._begin(clients[-1], replace(spec, slot=len(clients) - 1), stream=True)
            while len(samples) < 2 and elapsed >= window[len(samples)]:
                samples.append(sample())
            for client in self._poll(0.001 if len(clients) < streams else 0.02):
                self._close(client)
                done.append(client)
        for client in done:
            self._check(client)
        self._fail_unanswered()
        samples += [sample() for _ in range(2 - len(samples))]
        return PacedRun(self.counts, clients, *samples)

    def _begin(self, client: Client, spec: ReplySpec, *, stream: bool) -> None:
        client.spec = spec
        client.outbox = self.endpoint.request(spec, stream=stream)
        client.response = ResponseReader(self.endpoint.expected_reply(spec, stream=stream))
        mask = select.EPOLLIN | select.EPOLLOUT
        if client.sock.fileno() in self.clients:
            self.epoll.modify(client.sock, mask)
        else:
            self.clients[client.sock.fileno()] = client
            self.epoll.register(client.sock, mask)

    def _poll(self, timeout: float) -> Iterator[Client]:
        """Handle what the sockets have; the clients whose response is complete."""
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
        unread = response.unread
        kept = len(unread)
        if kept:
            self.buffer[:kept] = unread
        count = client.sock.recv_into(self.view[kept:] if kept else self.view)
        now = time.monotonic_ns()
        if not count:
            raise ProtocolError("the connection was closed before the end of the response")
        complete = response.feed(self.buffer, self.view, kept + count)
        if client.spec.rate:
            client.receipts.append((response.reply.received, now))
        return complete

    def _check(self, client: Client) -> None:
        assert client.response is not None
        reply = client.response.reply
        problem = reply.problem()
        if problem is None:
            self.counts.good += 1
            self.counts.deltas += reply.deltas
        else:
            self._count_failure(problem)

    def _close(self, client: Client) -> None:
        del self.clients[client.sock.fileno()]
        client.sock.close()

    def _fail(self, client: Client, reason: str) -> None:
        self._close(client)
        client.receipts.clear()  # nothing of a failed reply is timed
        self._count_failure(reason)

    def _count_failure(self, reason: str) -> None:
        self.counts.failed += 1
        self.counts.first_failure = self.counts.first_failure or reason

    def _fail_unanswered(self) -> None:
        for client in list(self.clients.values()):
            self._fail(client, f"not answered within {GIVE_UP_AFTER:.0f} s")
