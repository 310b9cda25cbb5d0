"""One process takes over from another, and nobody who comes meanwhile is refused."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.processes import ask, listening_port, running

SETTINGS = {"BASE_URL": "http://127.0.0.1:1", "PORT": "0"}
FROM_SYSTEMD = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); "
    "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); "
    "os.execv(sys.executable, [sys.executable, 'server.py'])"
)
"""For `python -c`: begins the service as systemd does, with the descriptor in the first argument."""


class Visitors:
    """Threads that ask again and again, each time on a new connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self.served = 0
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._visit) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def wait_for_more(self, number: int) -> None:
        """Until so many more were served."""
        target = self.served + number
        while self.served < target and not self.failures:
            self._over.wait(0.01)

    def _visit(self) -> None:
        while not self._over.is_set():
            try:
                assert ask(self._port, "GET", "/healthz").status == 200
                self.served += 1
            except Exception as error:
                self.failures.append(repr(error))
            self._over.wait(0.001)


@contextmanager
def visitors(port: int) -> Iterator[Visitors]:
    coming = Visitors(port)
    try:
        yield coming
    finally:
        coming.stop()


def test_restart_over_a_socket_of_systemd_refuses_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        start = ["-c", FROM_SYSTEMD, str(listener.fileno())]
        with running(start, SETTINGS, [listener.fileno()]) as old:
            assert listening_port(old) == port
            with visitors(port) as coming:
                coming.wait_for_more(50)
                old.signal(signal.SIGTERM)
                assert old.exit_code() == 0
                with running(start, SETTINGS, [listener.fileno()]) as new:
                    assert listening_port(new) == port
                    coming.wait_for_more(50)
                    coming.stop()
        assert coming.failures == []


def test_restart_on_a_shared_port_refuses_nobody() -> None:
    settings = SETTINGS | {"REUSE_PORT": "true"}
    with running(["server.py"], settings) as old:
        port = listening_port(old)
        with visitors(port) as coming, running(["server.py"], settings | {"PORT": str(port)}) as new:
            listening_port(new)
            coming.wait_for_more(100)
            old.signal(signal.SIGTERM)
            assert old.exit_code() == 0
            coming.wait_for_more(100)
            coming.stop()
    assert coming.failures == []


def test_socket_that_does_not_listen_is_one_line() -> None:
    with socket.socket() as silent:
        start = ["-c", FROM_SYSTEMD, str(silent.fileno())]
        with running(start, SETTINGS, [silent.fileno()]) as service:
            assert service.exit_code() == 2
            (line,) = service.output.splitlines()
            assert "LISTEN_FDS" in line
