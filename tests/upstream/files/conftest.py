"""Each test leaves the log quiet, and free of keys, signatures, names and contents."""

from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.discreet_log import discreet_log
from tests.upstream.files.rig import SECRETS


@pytest.fixture(autouse=True)
def _quiet_and_discreet_log(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with discreet_log(caplog, *SECRETS):
        yield
