"""One service and one simulated backend as processes, for all tests that only talk to them."""

import os
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.service.e2e.processes import Pair, service_over_simulator

PATIENCE = {"IDLE_TIMEOUT": "1", "KEEPALIVE_INTERVAL": "0.5", "MAX_BODY_BYTES": "1000000"}


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """Their limits are short, so that what is slow fails soon."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # the SDKs would obey them
    with service_over_simulator(PATIENCE) as running:
        yield running


@pytest.fixture(autouse=True)
def _loop(io_loop: IOLoop) -> None:
    """What tests that are coroutines run on."""
