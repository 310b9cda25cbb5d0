"""One caller that measures the time to the first token, with a connection that it keeps."""

import socket
import ssl
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from benchmarks.backend_stream import ReplySpec
from benchmarks.load_generator import NANOSECONDS, Endpoint
from benchmarks.response_reader import ProtocolError, ResponseReader

PATIENCE = 20.0
"""Seconds without a byte after which an answer has failed."""


@dataclass(frozen=True, slots=True)
class FirstToken:
    """One streamed answer: seconds until its first token was whole, or what was wrong with it."""

    seconds: float
    problem: str | None


class Caller:
    """A context manager: one connection to `endpoint`. Raises OSError on entry."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._buffer = bytearray(1 << 18)

    def __enter__(self) -> Self:
        plain = socket.create_connection(("127.0.0.1", self._endpoint.port), PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        if self._endpoint.certificate is not None:
            context = ssl.create_default_context(cafile=str(self._endpoint.certificate))
            self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def ask(self, spec: ReplySpec) -> FirstToken:
        """Ask for one streamed answer, and read it to its end."""
        reply = self._endpoint.expected_reply(spec, stream=True)
        response = ResponseReader(reply)
        receipts: list[tuple[int, int]] = []
        begun = time.monotonic_ns()
        try:
            self._socket.sendall(self._endpoint.request(spec, stream=True))
            complete = False
            while not complete:
                kept = response.unread
                self._buffer[: len(kept)] = kept
                view = memoryview(self._buffer)
                count = self._socket.recv_into(view[len(kept) :])
                now = time.monotonic_ns()
                if not count:
                    raise ProtocolError("the connection was closed before the end of the response")
                complete = response.feed(self._buffer, view, len(kept) + count)
                receipts.append((reply.received, now))
        except (OSError, ProtocolError) as failure:
            return FirstToken(0, f"{type(failure).__name__}: {failure}")
        if problem := reply.problem():
            return FirstToken(0, problem)
        first = reply.token_ends()[0]
        arrived = next(when for received, when in receipts if received >= first)
        return FirstToken((arrived - begun) / NANOSECONDS, None)
