"""The budget of request bytes: what is reserved is given back once, and small bodies keep their share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.body_budget import SMALL_BODY, BodyBudget
from metrics import Metrics
from translate.values import Overloaded

MIB = 1 << 20


def budget(limit: int = 4 * MIB) -> BodyBudget:
    return BodyBudget(limit, Metrics(("chat",), []))


def test_body_for_which_there_is_no_room_is_turned_away_and_may_be_sent_again() -> None:
    metrics = Metrics(("chat",), [])
    room = BodyBudget(4 * MIB, metrics)
    first, second = room.reservation(), room.reservation()
    first.grow_to(3 * MIB)
    with pytest.raises(Overloaded) as caught:
        second.grow_to(SMALL_BODY + 1)
    assert caught.value.status == 503
    assert caught.value.headers() == {"Retry-After": "2", "x-should-retry": "true"}
    assert metrics.registry.get_sample_value("pandora_rejected_total", {"reason": "bodies"}) == 1
    first.release()
    second.grow_to(3 * MIB)


def test_small_bodies_find_room_beside_large_ones() -> None:
    room = budget()
    large = room.reservation()
    large.grow_to(3 * MIB)
    with pytest.raises(Overloaded):
        large.grow_to(3 * MIB + 1)
    for _ in range(4):
        room.reservation().grow_to(SMALL_BODY)
    with pytest.raises(Overloaded):
        room.reservation().grow_to(SMALL_BODY)
    assert room.used == 4 * MIB


def test_reservation_follows_what_is_kept_and_is_given_back_once() -> None:
    room = budget()
    kept = room.reservation()
    kept.grow_to(1000)
    kept.grow_to(500)
    assert room.used == 1000
    kept.shrink_to(2000)
    kept.shrink_to(10)
    assert room.used == 10
    kept.release()
    kept.release()
    kept.shrink_to(0)
    kept.grow_to(1000)
    assert room.used == 0


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("gsr"), st.integers(0, 2 * MIB)), max_size=30)
)
def test_budget_is_never_exceeded_and_ends_empty(steps: list[tuple[int, str, int]]) -> None:
    room = budget(2 * MIB)
    held = [room.reservation() for _ in range(4)]
    for which, step, size in steps:
        try:
            match step:
                case "g":
                    held[which].grow_to(size)
                case "s":
                    held[which].shrink_to(size)
                case _:
                    held[which].release()
        except Overloaded:
            pass
        assert 0 <= room.used <= 2 * MIB
    for each in held:
        each.release()
    assert room.used == 0
