"""Each test of the service runs on a loop of its own and leaves a quiet log: no error, no traceback."""

import gc
import logging
import os
import time
from collections.abc import Iterator
from typing import Final

import pytest
from tornado.ioloop import IOLoop

from ledger import DAY
from tests.processes import Pair, service_over_simulator

PATIENCE = {"IDLE_TIMEOUT": "4", "KEEPALIVE_INTERVAL": "0.5", "MAX_BODY_BYTES": "1000000"}
BEFORE_MIDNIGHT: Final = 15.0
"""Seconds, more than a test takes that counts what was spent in a day."""


@pytest.fixture(autouse=True)
def _day_goes_on() -> None:
    """No test begins so shortly before midnight UTC that it runs into the next day, with its own quota."""
    left = DAY - time.time() % DAY
    if left < BEFORE_MIDNIGHT:
        time.sleep(left)


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
