"""The log must stay quiet and free of secrets here too; and nobody has time to wait."""

import pytest

from tests.upstream.conftest import _quiet_and_discreet_log

__all__ = ["_quiet_and_discreet_log"]


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upstream.socket.following.LATE_SECONDS", 0.05)
    monkeypatch.setattr("upstream.socket.following.LOOK_PAUSES", (0.02, 0.05))
    monkeypatch.setattr("upstream.socket.account_socket.RECONNECT_PAUSES", (0.0, 0.02, 0.05))
