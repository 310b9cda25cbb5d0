"""What a tracer still says after its end is said before the next test."""

from collections.abc import Iterator

import pytest

from tests.tracing.collector import wait_for_senders


@pytest.fixture(autouse=True)
def _no_sender_is_left() -> Iterator[None]:
    yield
    wait_for_senders()
