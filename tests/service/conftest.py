"""Each test of the service runs on a loop of its own and leaves a quiet log: no error, no traceback."""

import gc
import logging
import os
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.processes import Pair, service_over_simulator

PATIENCE = {"IDLE_TIMEOUT": "1", "KEEPALIVE_INTERVAL": "0.5", "MAX_BODY_BYTES": "1000000"}


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """One service and one simulated backend as processes, for all tests that only talk to them.

    Their limits are short, so that what is slow fails soon.
    """
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]  # the SDKs would obey them
    with service_over_simulator(PATIENCE) as running:
        yield running


@pytest.fixture
def loud_log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """For a test in which an error must be logged."""
    return caplog


@pytest.fixture(autouse=True)
def _quiet_log(
    io_loop: IOLoop, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    gc.collect(1)  # so that exceptions nobody took are reported now
    loud = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.WARNING]
    assert bool(loud) == ("loud_log" in request.fixturenames), loud
