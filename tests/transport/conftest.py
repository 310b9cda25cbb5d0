"""Each test of the transport runs on a loop of its own."""

import socket

import pytest

from tests.upstream.rig import CERTIFICATE, NAME


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """`NAME` is this machine, and its certificate is trusted."""
    real = socket.getaddrinfo

    def here(host: str, *args: int, **kwargs: int) -> object:
        return real("127.0.0.1" if host == NAME else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
