"""The time to the first token, with the backend next door and far away."""

from collections.abc import Iterator

import pytest

from benchmarks import far_backend
from benchmarks.backend_stream import ReplySpec
from benchmarks.far_backend import ONE_WAY
from benchmarks.first_token import Caller
from benchmarks.processes import RELAY, BenchmarkProcesses, Cores
from benchmarks.scenarios import Workload, first_tokens

pytestmark = pytest.mark.skipif(not far_backend.possible(), reason="openssl is not installed")
SPEC = ReplySpec(3, rate=25)


@pytest.fixture(scope="module")
def far() -> Iterator[BenchmarkProcesses]:
    with BenchmarkProcesses((RELAY,), Cores.of_this_process(), far=True) as running:
        yield running


def test_far_backend_is_reached_over_tls_and_each_answer_takes_a_round_trip(far: BenchmarkProcesses) -> None:
    assert far.backend.origin.startswith("https://")
    with Caller(far.backend) as caller:
        for _ in range(2):
            answer = caller.ask(SPEC)
            assert answer.problem is None
            assert answer.seconds >= 2 * ONE_WAY


def test_relay_that_keeps_no_connection_needs_more_than_one_round_trip(far: BenchmarkProcesses) -> None:
    (measured,) = first_tokens(far, Workload("raw", repeats=1, asks=3))
    assert (measured.target, measured.good, measured.failed) == ("relay", 3, 0)
    assert measured.figures["round_trips"] >= 2


def test_wrong_answer_is_told(far: BenchmarkProcesses) -> None:
    with Caller(far.backend) as caller:
        assert "400" in (caller.ask(ReplySpec(-1)).problem or "")
