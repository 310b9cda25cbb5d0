"""Routes that the backend does not have."""

from collections.abc import Callable

import pytest

from upstream.http import ABSENT_SECONDS, MAX_ACCOUNTS, AccountRoutes, RouteMemory


@pytest.mark.parametrize(
    ("seconds", "asked"), [(0.0, False), (ABSENT_SECONDS - 1, False), (ABSENT_SECONDS, True)]
)
def test_route_that_is_absent_is_asked_for_again_in_an_hour(seconds: float, asked: bool) -> None:
    now = 1000.0
    clock: Callable[[], float] = lambda: now  # noqa: E731
    route, of_accounts = RouteMemory(clock=clock), AccountRoutes(clock)
    assert route.may_be_there
    assert of_accounts.may_be_there("a")
    route.leave_out()
    of_accounts.leave_out("a")
    now += seconds
    assert route.may_be_there is asked
    assert of_accounts.may_be_there("a") is asked
    assert of_accounts.may_be_there("b")


def test_route_that_is_not_offered_is_never_asked_for() -> None:
    assert not RouteMemory(offered=False).may_be_there


def test_the_accounts_that_lack_a_route_are_forgotten_from_the_first_on() -> None:
    routes = AccountRoutes()
    routes.leave_out("first")
    routes.leave_out("second")
    routes.leave_out("first")
    for number in range(MAX_ACCOUNTS - 1):
        routes.leave_out(str(number))
    assert (routes.may_be_there("first"), routes.may_be_there("second")) == (False, True)
