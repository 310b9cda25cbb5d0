"""Each test leaves the log quiet, and free of keys, signatures, names and contents."""

import gc
import logging
from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.upstream.files.rig import SECRETS


@pytest.fixture(autouse=True)
def _quiet_and_discreet_log(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    gc.collect(1)  # so that exceptions nobody took are reported now
    loud = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert loud == []
    for secret in SECRETS:
        assert secret not in caplog.text
