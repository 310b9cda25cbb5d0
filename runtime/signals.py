"""The signals of the process, from the start to its very end."""

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Final

AT_ONCE: Final = 4096
"""Signals that are taken before the loop goes on with other work."""


class Signals:
    """Calls what was given for a signal on the running loop; a context manager.

    When it ends, these signals are ignored for good. A loop that is closed gives them back to the system
    instead, which ends the process by the next one before it can give its exit code.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._calls: dict[int, Callable[[], object]] = {}
        self._reads, self._writes = socket.socketpair()
        self._reads.setblocking(False)
        self._writes.setblocking(False)

    def __enter__(self) -> "Signals":
        """Signals that are told from now on are heard."""
        self._loop.add_reader(self._reads, self._take)
        signal.set_wakeup_fd(self._writes.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ignore them."""
        for number in self._calls:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        self._loop.remove_reader(self._reads)
        self._reads.close()
        self._writes.close()

    def on(self, number: int, call: Callable[[], object]) -> None:
        """Have `call` called for each signal `number`."""
        self._calls[number] = call
        signal.signal(number, _noted)

    def _take(self) -> None:
        for number in self._reads.recv(AT_ONCE):
            if (call := self._calls.get(number)) is not None:
                call()


def _noted(number: int, frame: FrameType | None) -> None:
    """Python has written the number where `_take` reads it."""
