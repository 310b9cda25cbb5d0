"""What a tracer still says after its end is said before the next test."""

from collections.abc import Iterator

import pytest

from tests.tracing.collector import wait_for_senders


@pytest.fixture(autouse=True)
def _no_sender_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield
    wait_for_senders()
