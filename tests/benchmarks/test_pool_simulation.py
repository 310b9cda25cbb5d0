"""The simulation of a pool keeps its own rules, and shows what it is there to show."""

from itertools import pairwise
from random import Random

import pytest

from benchmarks.pool_accounts import WINDOW, Refused, SimulatedAccount
from benchmarks.pool_load import Request, bursts
from benchmarks.pool_queues import QUEUES
from benchmarks.pool_run import LONGEST_WAIT, Run
from benchmarks.pool_simulation import COLUMNS, cells, measure, simulate

POOL = ("balance", "fill", "round-robin")
BOUND = ("bound", "bound, resting")
HOURS = 3 * 3600.0


def request(number: int, at: float = 0.0, *, seconds: float = 10.0, windowed: bool = False) -> Request:
    return Request(number, at, seconds, windowed, caller=number)


def accounts(count: int) -> list[SimulatedAccount]:
    return [SimulatedAccount(f"account-{place}") for place in range(count)]


def ignore(refused: Refused | None) -> None:
    """Nothing follows."""


class TestAccount:
    def test_refuses_what_is_above_its_cap_until_the_first_message_leaves_the_window(self) -> None:
        account = SimulatedAccount("a", cap=2)
        assert account.post(0.0, windowed=True) is None
        assert account.post(10.0, windowed=True) is None
        assert account.post(20.0, windowed=True) == Refused(WINDOW)
        assert account.post(20.0, windowed=False) is None
        assert account.post(WINDOW, windowed=True) is None
        assert account.used == 3

    def test_messages_of_its_owner_count(self) -> None:
        account = SimulatedAccount("a", cap=2, owner=(5.0, 15.0))
        assert account.post(10.0, windowed=True) is None
        assert account.post(20.0, windowed=True) == Refused(5.0 + WINDOW)

    def test_refuses_everything_during_an_outage_and_does_not_say_until_when(self) -> None:
        account = SimulatedAccount("a", outages=(10.0, 20.0))
        told = [account.post(at, windowed=False) for at in (9.0, 10.0, 19.0, 20.0)]
        assert told == [None, Refused(None), Refused(None), None]

    def test_answers_one_message_at_a_time(self) -> None:
        run = Run(accounts(1))
        run.post(request(0), "account-0", ignore)
        with pytest.raises(RuntimeError):
            run.post(request(1), "account-0", ignore)


class TestLoad:
    def test_comes_in_order_and_in_bursts(self) -> None:
        times = [request.at for request in bursts(6, HOURS, Random(1))]
        assert times == sorted(times)
        assert times[-1] <= HOURS
        gaps = [later - earlier for earlier, later in pairwise(times)]
        mean = sum(gaps) / len(gaps)
        assert sum(gap**2 for gap in gaps) / len(gaps) > 4 * mean**2, "no burstier than at random, which is 2"


class TestEveryWay:
    @pytest.mark.parametrize("way", QUEUES)
    def test_each_request_is_answered_or_refused_and_none_waits_too_long(self, way: str) -> None:
        figures = measure(way, accounts=3, runs=2, duration=HOURS)
        assert len(figures.waits) + figures.refused == figures.requests > 500
        assert min(figures.waits) >= 0
        assert max(figures.waits) <= LONGEST_WAIT
        assert figures.wasted <= figures.refused

    @pytest.mark.parametrize("way", QUEUES)
    def test_same_figures_come_each_time(self, way: str) -> None:
        first, second = (measure(way, accounts=2, runs=1, duration=HOURS) for _ in range(2))
        assert first == second
        assert len(cells(first)) == len(COLUMNS) - 2

    @pytest.mark.parametrize("way", QUEUES)
    def test_one_account_serves_in_the_order_of_coming(self, way: str) -> None:
        figures = simulate(way, accounts(1), [request(number, float(number)) for number in range(5)])
        assert figures.waits == [0.0, 9.0, 18.0, 27.0, 36.0]

    @pytest.mark.parametrize("way", QUEUES)
    def test_a_request_that_is_refused_goes_on_to_another_account(self, way: str) -> None:
        pair = [SimulatedAccount("a", outages=(0.0,)), SimulatedAccount("b")]
        figures = simulate(way, pair, [request(0, windowed=True)])
        assert (figures.waits, figures.refused_tries) == ([1.0], 1)


class TestPool:
    @pytest.mark.parametrize("way", POOL)
    def test_where_the_ledger_knows_all_nothing_is_tried_or_refused_in_vain(self, way: str) -> None:
        figures = simulate(way, accounts(3), bursts(3, HOURS, Random(2)), HOURS)
        assert (figures.refused_tries, figures.wasted) == (0, 0)

    @pytest.mark.parametrize("way", POOL)
    def test_a_request_takes_the_account_that_is_free_first(self, way: str) -> None:
        requests = [request(0, seconds=100.0), request(1, seconds=5.0), request(2, 1.0), request(3, 2.0)]
        assert simulate(way, accounts(2), requests).waits == [0.0, 0.0, 4.0, 13.0]

    @pytest.mark.parametrize("way", BOUND)
    def test_a_bound_request_waits_for_its_own_account(self, way: str) -> None:
        requests = [request(0, seconds=100.0), request(1, seconds=5.0), request(2, 1.0), request(3, 2.0)]
        assert sorted(simulate(way, accounts(2), requests).waits) == [0.0, 0.0, 3.0, 99.0]

    @pytest.mark.parametrize("way", POOL)
    def test_a_cheap_request_overtakes_those_that_wait_for_a_cap(self, way: str) -> None:
        capped = SimulatedAccount("a", cap=1)
        requests = [request(0, windowed=True), request(1, 11.0, windowed=True), request(2, 11.5)]
        figures = simulate(way, [capped], requests)
        assert (figures.waits, figures.refused) == ([0.0, 0.5], 1)

    def test_a_shared_queue_waits_less_and_is_refused_less_than_bound_requests(self) -> None:
        shared, bound, resting = (measure(way, 6, 2, HOURS) for way in ("balance", *BOUND))
        for other in (bound, resting):
            assert sum(shared.waits) / len(shared.waits) < sum(other.waits) / len(other.waits)
            assert shared.refused <= other.refused
        assert 5 * shared.refused_tries < bound.refused_tries
