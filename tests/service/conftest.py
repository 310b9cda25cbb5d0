"""Each test of the service runs on a loop of its own and leaves a quiet log: no error, no traceback."""

import gc
import logging
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop


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
