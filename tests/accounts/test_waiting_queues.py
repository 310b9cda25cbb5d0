"""Waiting queues by themselves: fair, without a lost wake-up, and gone when nobody needs them."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounts.waiting_queues import ASSUMED_TURN_SECONDS, QueueFull, Ticket, WaitingQueues

MAX_WAITING = 4
SLOTS = {"one": 1, "few": 3}


class QueuesAgainstAModel(RuleBasedStateMachine):
    """The model: who joined each queue, in order, and has not left."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.queues = WaitingQueues(MAX_WAITING, lambda: self.now)
        self.present: dict[str, list[Ticket]] = {key: [] for key in SLOTS}
        self.gone: list[Ticket] = []
        self.admissions: list[int] = []
        self.joined = 0

    def holding(self, key: str) -> list[Ticket]:
        return [ticket for ticket in self.present[key] if ticket.admitted is not None]

    @rule(key=st.sampled_from(sorted(SLOTS)), seconds=st.floats(0, 100))
    def join(self, key: str, seconds: float) -> None:
        self.now += seconds
        full = len(self.present[key]) == SLOTS[key] + MAX_WAITING
        number, self.joined = self.joined, self.joined + 1
        try:
            ticket = self.queues.join(key, SLOTS[key], lambda: self.admissions.append(number))
        except QueueFull:
            assert full, "turned away although there was room"
        else:
            assert not full, "let in although the queue was full"
            self.present[key].append(ticket)

    @precondition(lambda self: any(self.present.values()))
    @rule(data=st.data(), seconds=st.floats(-5, 100))
    def leave(self, data: st.DataObject, seconds: float) -> None:
        self.now += seconds
        everybody = [ticket for tickets in self.present.values() for ticket in tickets]
        ticket = data.draw(st.sampled_from(everybody))
        self.present[ticket.queue].remove(ticket)
        self.gone.append(ticket)
        self.queues.leave(ticket)

    @precondition(lambda self: self.gone)
    @rule(data=st.data())
    def leave_again(self, data: st.DataObject) -> None:
        self.queues.leave(data.draw(st.sampled_from(self.gone)))

    @invariant()
    def slots_go_to_those_who_came_first(self) -> None:
        for key, tickets in self.present.items():
            assert self.holding(key) == tickets[: SLOTS[key]], "overtaken, or a free slot and a waiter"

    @invariant()
    def everybody_is_admitted_at_most_once(self) -> None:
        assert len(set(self.admissions)) == len(self.admissions)

    @invariant()
    def only_queues_in_use_are_remembered(self) -> None:
        assert len(self.queues) == sum(bool(tickets) for tickets in self.present.values())

    @invariant()
    def estimates_are_times(self) -> None:
        for key in SLOTS:
            assert self.queues.seconds_until_served(key) >= 0
            assert self.queues.seconds_until_moved(key) >= 0
            if len(self.present[key]) < SLOTS[key]:
                assert self.queues.seconds_until_served(key) == 0


QueuesAgainstAModel.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestQueues = QueuesAgainstAModel.TestCase


def nothing() -> None:
    """Being admitted needs no doing."""


def test_wait_is_estimated_from_the_turns_that_have_ended() -> None:
    now = 0.0
    queues = WaitingQueues(10, lambda: now)
    assert queues.seconds_until_served("k") == 0
    ticket = queues.join("k", 1, nothing)
    assert queues.seconds_until_served("k") == ASSUMED_TURN_SECONDS
    for _ in range(40):
        following = queues.join("k", 1, nothing)
        now += 3
        queues.leave(ticket)
        ticket = following
    assert queues.seconds_until_served("k") == pytest.approx(3, rel=0.01)
    queues.join("k", 1, nothing)
    queues.join("k", 1, nothing)
    assert queues.seconds_until_served("k") == pytest.approx(9, rel=0.01)
    assert queues.seconds_until_moved("k") == pytest.approx(3, rel=0.01)


def test_several_slots_shorten_the_wait() -> None:
    queues = WaitingQueues(10, lambda: 0.0)
    for _ in range(5):
        queues.join("k", 4, nothing)
    assert queues.seconds_until_served("k") == 2 * ASSUMED_TURN_SECONDS / 4


def test_slot_that_was_not_used_says_nothing_of_how_long_turns_take() -> None:
    queues = WaitingQueues(MAX_WAITING, lambda: 0.0)
    for _ in range(10):
        ticket = queues.take("one", 1)
        assert ticket is not None
        queues.leave(ticket, used=False)
    assert queues.turn_seconds == ASSUMED_TURN_SECONDS


def test_number_of_slots_is_the_one_that_was_told_last() -> None:
    queues, admitted = WaitingQueues(MAX_WAITING, lambda: 0.0), list[int]()
    first = queues.join("one", 1, lambda: admitted.append(0))
    queues.join("one", 1, lambda: admitted.append(1))
    queues.join("one", 3, lambda: admitted.append(2))
    assert admitted == [0, 1, 2]
    queues.join("one", 2, lambda: admitted.append(3))
    queues.leave(first)
    assert admitted == [0, 1, 2], "two are under way"
