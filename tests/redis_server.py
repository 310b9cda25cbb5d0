"""A real Redis of its own, on a port of its own, that can be stopped and started again."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Final, Self

import pytest

from benchmarks.ports import free_port

needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is missing")


class RedisServer:
    """Runs while used with `with`; what it holds is gone when it stops, but for what it was told to SAVE."""

    def __init__(self) -> None:
        self.port: Final = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="redis-")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--dir", self._folder.name]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "redis-server ended at once"
                assert time.monotonic() < until, "redis-server does not listen"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it, with all it holds."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Let it stand still: it accepts what is sent, and does nothing until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, with what was sent meanwhile first."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()
