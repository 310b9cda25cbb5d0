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
    gc.collect()  # so that exceptions nobody took are reported now
    loud = [record.getMessage() for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert loud == []
    for secret in SECRETS:
        assert secret not in caplog.text


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trying again is what is tested, not waiting for it."""
    monkeypatch.setattr("upstream.files.backend_files.TRY_AGAIN_AFTER", (0.001, 0.001, 0.001))
    monkeypatch.setattr("upstream.files.upload.INDEX_PAUSES", (0.001, 0.002))
