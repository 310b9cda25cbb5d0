"""What is remembered of keys: for a while, and never more than so many."""

from access.refused_keys import AcceptedKeys, RefusedKeys
from tests.access.clock import Clock


def test_refusal_is_remembered_for_its_time() -> None:
    clock = Clock()
    refused = RefusedKeys(60, clock)
    refused.add("bad")
    assert refused.seconds_left("bad") == 60
    assert refused.seconds_left("other") == 0
    clock.now += 59
    assert refused.seconds_left("bad") == 1
    refused.add("bad")
    assert refused.seconds_left("bad") == 60
    clock.now += 60
    assert refused.seconds_left("bad") == 0


def test_refusals_do_not_fill_the_memory() -> None:
    clock = Clock()
    refused = RefusedKeys(60, clock, max_keys=100)
    for number in range(1000):
        clock.now += 0.001
        refused.add(f"bad-{number}")
    assert len(refused) == 100
    assert refused.seconds_left("bad-999") > 0
    assert refused.seconds_left("bad-0") == 0
    clock.now += 61
    refused.add("one more")
    assert len(refused) == 1


def test_accepted_keys_that_are_used_stay() -> None:
    accepted = AcceptedKeys(max_keys=3)
    for digest in ("a", "b", "c", "a", "d"):
        accepted.add(digest)
    assert [digest in accepted for digest in "abcd"] == [True, False, True, True]
    assert len(accepted) == 3
