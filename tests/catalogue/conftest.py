"""Nothing that tests of GPTs log may hold a key; errors are logged only where they are expected."""

import gc
import logging
from collections.abc import Iterator

import pytest

from tests.upstream.gpts.rig import CALLER, KEY, OTHER_CALLER, WORDS


@pytest.fixture(autouse=True)
def _discreet_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    gc.collect(1)  # so that exceptions nobody took are reported now
    assert [record for record in caplog.get_records("call") if record.exc_info] == []
    for secret in (KEY, CALLER, OTHER_CALLER, WORDS):
        assert secret not in caplog.text
