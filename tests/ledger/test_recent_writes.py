"""What is written again when a Redis has gone back to an earlier state."""

import pytest

from ledger.recent_writes import KEEP_SECONDS, MAX_KEPT, RecentWrites
from ledger.records import Counted


def record(number: int) -> Counted:
    return Counted(f"id-{number}", number, 0)


def writes(count: int, *, now: float = 0.0) -> RecentWrites:
    """So many writes of one record each."""
    recent = RecentWrites()
    for number in range(1, count + 1):
        recent.add([record(number)], now)
    return recent


def test_nothing_is_forgotten_while_the_number_is_there() -> None:
    recent = writes(3)
    recent.found(3, 3)
    assert recent.all_there
    assert recent.forgotten == []


def test_all_writes_after_the_number_that_is_there_are_forgotten_in_order() -> None:
    recent = writes(5)
    recent.found(3, 5)
    assert recent.forgotten == [record(4), record(5)]
    assert not recent.lost


def test_write_after_the_loss_is_written_again_with_what_was_before_it() -> None:
    """An outcome needs its conversation there."""
    recent = writes(2)
    recent.found(1, 2)
    recent.add([record(3)], 0.0)
    assert recent.forgotten == [record(2), record(3)]
    recent.found(3, 2)
    assert recent.forgotten == [record(2), record(3)], "the number alone brings nothing back"
    recent.written_again()
    assert recent.all_there


def test_answer_that_is_older_than_the_last_write_is_no_loss() -> None:
    recent = writes(3)
    recent.found(2, 2)
    assert recent.all_there


def test_number_of_a_write_that_has_no_answer_yet_is_no_loss() -> None:
    recent = writes(3)
    recent.found(4, 3)
    assert recent.all_there


@pytest.mark.parametrize(("there", "lost"), [(2, False), (1, True), (0, True)])
def test_old_writes_are_known_no_longer(there: int, lost: bool) -> None:
    recent = writes(2)
    recent.add([record(3)], KEEP_SECONDS + 1)
    recent.found(there, 3)
    assert recent.forgotten == [record(3)]
    assert recent.lost is lost


def test_some_records_are_kept_whatever_comes() -> None:
    recent = RecentWrites()
    for _ in range(30):
        recent.add([record(0)] * 1000, 0.0)
    recent.found(0, 30)
    assert len(recent.forgotten) == MAX_KEPT
    assert recent.lost


def test_writes_that_are_dropped_are_not_missed() -> None:
    recent = writes(2)
    recent.found(0, 2)
    recent.drop()
    assert (recent.all_there, recent.forgotten, recent.lost) == (True, [], False)
    recent.add([record(3)], 0.0)
    recent.found(2, 3)
    assert recent.forgotten == [record(3)]


def test_instances_have_names_of_their_own() -> None:
    assert RecentWrites().name != RecentWrites().name
