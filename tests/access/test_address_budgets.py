"""How many tries an address has, at once and in a minute."""

import random

from access.address_budgets import AddressBudgets
from tests.access.clock import Clock

ADDRESS = "192.0.2.1"


def taken(budgets: AddressBudgets, address: str = ADDRESS, *, tries: int = 1000) -> int:
    return sum(budgets.take(address) == 0 for _ in range(tries))


def test_tries_at_once_are_limited_for_each_address() -> None:
    budgets = AddressBudgets(30, Clock())
    assert taken(budgets) == 30
    assert budgets.take(ADDRESS) > 0
    assert taken(budgets, "192.0.2.2") == 30


def test_try_that_cost_nothing_gives_its_token_back() -> None:
    budgets = AddressBudgets(30, Clock())
    for _ in range(100):
        assert budgets.take(ADDRESS) == 0
        budgets.release(ADDRESS, spent=False)
    assert len(budgets) == 0


def test_spent_tokens_come_back_with_time_and_the_wait_is_true() -> None:
    clock = Clock()
    budgets = AddressBudgets(30, clock)
    for _ in range(30):
        budgets.take(ADDRESS)
        budgets.release(ADDRESS, spent=True)
    wait = budgets.take(ADDRESS)
    assert wait == 2
    clock.now += wait
    assert taken(budgets) == 1
    budgets.release(ADDRESS, spent=True)
    clock.now += 60
    assert taken(budgets) == 30


def test_tokens_that_are_held_do_not_come_back_with_time() -> None:
    clock = Clock()
    budgets = AddressBudgets(30, clock)
    assert taken(budgets) == 30
    clock.now += 3600
    assert taken(budgets) == 0


def test_addresses_do_not_fill_the_memory_and_whoever_holds_a_token_is_remembered() -> None:
    budgets = AddressBudgets(2, Clock(), max_addresses=100)
    budgets.take(ADDRESS)
    for number in range(1000):
        budgets.take(f"addr-{number}")
        budgets.release(f"addr-{number}", spent=True)
    assert len(budgets) == 100
    assert taken(budgets) == 1


def test_any_order_of_takes_and_releases_keeps_the_bound() -> None:
    dice, clock, held = random.Random(1), Clock(), 0
    budgets = AddressBudgets(5, clock)
    for _ in range(5000):
        clock.now += dice.random() * 5
        if dice.random() < 0.5:
            held += budgets.take(ADDRESS) == 0
        elif held:
            held -= 1
            budgets.release(ADDRESS, spent=dice.random() < 0.5)
        assert 0 <= held <= 5
