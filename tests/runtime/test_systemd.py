"""What systemd is told reaches its socket, whichever kind that is, and nobody waits for it."""

import os
import socket
from pathlib import Path

import pytest

from runtime import READY, STOPPING, tell_systemd


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_states_reach_the_socket(kind: str, tmp_path: Path) -> None:
    name = f"pandora-test-{os.getpid()}" if kind == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0{name}" if kind == "abstract" else name)
        systemd.settimeout(5)
        environ = {"NOTIFY_SOCKET": f"@{name}" if kind == "abstract" else name}
        for state in (READY, STOPPING):
            tell_systemd(state, environ)
            assert systemd.recv(100) == state.encode()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_nothing_is_told_where_nobody_listens(environ: dict[str, str]) -> None:
    tell_systemd(READY, environ)


def tell_often(environ: dict[str, str]) -> None:
    for _ in range(10_000):
        tell_systemd(READY, environ)


def test_socket_that_is_not_there_or_not_read_is_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with pytest.raises(FileNotFoundError):
        tell_systemd(READY, {"NOTIFY_SOCKET": path})
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        with pytest.raises(TimeoutError):
            tell_often({"NOTIFY_SOCKET": path})
