"""How many connections the limit of open files allows."""

import resource
import subprocess
import sys

import pytest

from front import TooFewDescriptors, connection_limit
from tests.source_tree import ROOT


def test_enough_descriptors_allow_what_the_settings_ask_for(caplog: pytest.LogCaptureFixture) -> None:
    assert connection_limit(2564, max_connections=2000, max_concurrent=500) == 2000
    assert not caplog.records


@pytest.mark.parametrize(("descriptors", "expected"), [(2563, 1999), (1024, 480), (128, 32), (96, 16)])
def test_too_few_are_shared_and_the_log_names_the_figures(
    descriptors: int, expected: int, caplog: pytest.LogCaptureFixture
) -> None:
    assert connection_limit(descriptors, max_connections=2000, max_concurrent=500) == expected
    (record,) = caplog.records
    for figure in (descriptors, 2000, 500, 2564, expected):
        assert str(figure) in record.getMessage()


@pytest.mark.parametrize("descriptors", [0, 64, 94])
def test_next_to_none_is_an_error_that_says_what_is_needed(descriptors: int) -> None:
    with pytest.raises(TooFewDescriptors, match="2564"):
        connection_limit(descriptors, max_connections=2000, max_concurrent=500)


def test_limit_is_raised_as_far_as_the_system_allows() -> None:
    code = "from front import raise_descriptor_limit; print(raise_descriptor_limit())"

    def lower() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 150))

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, preexec_fn=lower, check=True
    )
    assert done.stdout == "150\n"
