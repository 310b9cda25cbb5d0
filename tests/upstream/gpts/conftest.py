"""Nothing that tests of GPTs log may hold a key; errors are logged only where they are expected."""

from collections.abc import Iterator

import pytest

from tests.discreet_log import discreet_log
from tests.upstream.gpts.rig import SECRETS


@pytest.fixture(autouse=True)
def _discreet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with discreet_log(caplog, *SECRETS, unwanted=lambda record: bool(record.exc_info)):
        yield
