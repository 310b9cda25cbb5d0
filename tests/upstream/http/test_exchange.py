"""The two sides of an exchange, without a connection."""

import pytest

from upstream import Aborted, Exchange


def test_abort_stops_the_part_that_is_under_way_and_only_once() -> None:
    exchange, stopped = Exchange(), []
    transport = exchange.begin()
    with transport.part(lambda: stopped.append("first")):
        pass
    with transport.part(lambda: stopped.append("second")):
        exchange.abort()
        exchange.abort()
    assert stopped == ["second"]
    assert exchange.aborted


def test_abort_between_parts_or_after_the_last_one_does_nothing() -> None:
    exchange = Exchange()
    transport = exchange.begin()
    with transport.part(lambda: pytest.fail("too late")):
        pass
    exchange.abort()
    assert not exchange.aborted


def test_progress_goes_to_the_part_that_is_under_way() -> None:
    exchange, told = Exchange(), []
    exchange.progressed()
    transport = exchange.begin()
    transport.begin_part(lambda: None, lambda: told.append(True))
    exchange.progressed()
    transport.end_part()
    exchange.progressed()
    assert told == [True]


def test_exchange_that_was_aborted_cannot_begin() -> None:
    exchange = Exchange()
    exchange.abort()
    with pytest.raises(Aborted):
        exchange.begin()
    assert not exchange.reached_backend


def test_exchange_begins_once() -> None:
    exchange = Exchange()
    exchange.begin()
    with pytest.raises(RuntimeError):
        exchange.begin()


def test_part_that_is_left_is_stopped_and_the_exchange_goes_on_with_another() -> None:
    exchange, stopped = Exchange(), []
    transport = exchange.begin()
    with transport.part(lambda: stopped.append("stream")):
        exchange.leave()
    assert not exchange.aborted
    exchange.leave()
    with exchange.go_on().part(lambda: stopped.append("elsewhere")):
        exchange.abort()
        exchange.leave()
    assert stopped == ["stream", "elsewhere"]
    with pytest.raises(Aborted):
        exchange.go_on()
