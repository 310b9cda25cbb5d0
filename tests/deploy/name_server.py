"""What the container engine has for names: a server that tells the addresses of the instances."""

import socket
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_HEAD = struct.Struct("!6H")
_ANSWER = struct.Struct("!HHHIH4s")
_POINTER, _A, _IN = 0xC00C, 1, 1
_RESPONSE, _NO_SUCH_NAME = 0x8180, 3
UDP_SOCKETS = Path("/proc/net/udp")


class NameServer:
    """Answers each question for an IPv4 address with `addresses`, on UDP `port` of 127.0.0.1, with `with`.

    Without addresses there is no such name.
    """

    def __init__(self, addresses: Sequence[str] = ("127.0.0.1",)) -> None:
        self.addresses = tuple(addresses)
        self._asked = threading.Semaphore(0)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def wait_until_asked(self, seconds: float = 15.0) -> None:
        """Until a question was answered, of which nobody was told yet."""
        assert self._asked.acquire(timeout=seconds), "nobody asks for the name"

    def wait_until_heard(self, seconds: float = 15.0) -> None:
        """Until whoever asked has taken the answers out of the kernel."""
        until = time.monotonic() + seconds
        while self._unread():
            assert time.monotonic() < until, "the answer is not taken"
            time.sleep(0.02)

    def _unread(self) -> bool:
        """Whether a socket that is connected to this one has something to be read; see proc(5)."""
        lines = (line.split() for line in UDP_SOCKETS.read_text().splitlines()[1:])
        mine = f":{self.port:04X}"
        return any(fields[2].endswith(mine) and int(fields[4].partition(":")[2], 16) for fields in lines)

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(2048)
            if not question:
                return
            self._socket.sendto(self._answer(question), client)
            self._asked.release()

    def _answer(self, question: bytes) -> bytes:
        number, *_ = _HEAD.unpack_from(question)
        found = self.addresses
        flags = _RESPONSE if found else _RESPONSE | _NO_SUCH_NAME
        answers = (_ANSWER.pack(_POINTER, _A, _IN, 1, 4, socket.inet_aton(one)) for one in found)
        return _HEAD.pack(number, flags, 1, len(found), 0, 0) + question[_HEAD.size :] + b"".join(answers)
