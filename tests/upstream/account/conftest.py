"""Nothing secret may reach the log."""

from collections.abc import Iterator

import pytest
from tornado.ioloop import IOLoop

from tests.discreet_log import discreet_log
from tests.upstream.account.rig import PREFIX, SECRETS


@pytest.fixture(autouse=True)
def _quiet_and_discreet_log(io_loop: IOLoop, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with discreet_log(caplog, PREFIX, *SECRETS):
        yield
