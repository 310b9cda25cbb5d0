"""A socket whose `send` does what a test says."""

import socket
from collections.abc import Iterable, Iterator


class ScriptedSocket(socket.socket):
    """Takes over `connected`. Each call of `send` takes the next of `script`.

    A number is how many bytes are taken at most, an error is raised. After the last one, all is sent.
    """

    def __init__(self, connected: socket.socket, script: Iterable[int | OSError] = ()) -> None:
        super().__init__(fileno=connected.detach())
        self._script: Iterator[int | OSError] = iter(script)
        self.sends = 0
        """How often `send` was called."""

    def send(self, data: bytes | memoryview, flags: int = 0) -> int:  # type: ignore[override]
        self.sends += 1
        step = next(self._script, len(data))
        if isinstance(step, OSError):
            raise step
        return super().send(memoryview(data)[:step], flags)
