"""Each test of the client runs on a loop of its own, and must leave the log quiet and free of secrets."""

import socket
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.discreet_log import discreet_log
from tests.upstream.rig import KEY, PAYLOAD, PREFIX, SECRET_TEXT


@pytest.fixture
def name_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the name of a host, it is this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *args, **kw: real("127.0.0.1", *args, **kw))


@pytest.fixture(autouse=True)
def _quiet_and_discreet_log(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with discreet_log(caplog, KEY, PREFIX, PAYLOAD.decode(), SECRET_TEXT):
        yield
