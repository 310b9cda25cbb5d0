"""A log that is watched during a test: no secret may get into it, and nothing that nobody expects."""

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


def is_error(record: logging.LogRecord) -> bool:
    """An error, expected or not."""
    return record.levelno >= logging.ERROR


@contextmanager
def discreet_log(
    caplog: pytest.LogCaptureFixture,
    *secrets: str,
    unwanted: Callable[[logging.LogRecord], bool] = is_error,
) -> Iterator[None]:
    """At the end, no record of the test is `unwanted`, and none holds one of `secrets`."""
    caplog.set_level(logging.DEBUG)
    yield
    gc.collect(1)  # so that exceptions nobody took are reported now
    found = [record.getMessage() for record in caplog.get_records("call") if unwanted(record)]
    assert found == []
    for secret in secrets:
        assert secret not in caplog.text
