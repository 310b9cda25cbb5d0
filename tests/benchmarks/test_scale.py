"""What the figures of `docs/scale.md` come from."""

from random import Random

import pytest

from benchmarks.counting_proxy import Commands
from benchmarks.scale_simulation import Figures, Size, World, cells
from pool import Policy

SMALL = Size(instances=5, accounts=40, keys=2)


def run(load: float, policy: Policy = Policy.BALANCE) -> tuple[World, Figures]:
    world = World(SMALL, load, policy, Random("small"))
    return world, world.run(30.0)


@pytest.mark.parametrize("policy", Policy)
def test_no_account_answers_two_at_once_however_many_instances_ask(policy: Policy) -> None:
    world, figures = run(0.9, policy)
    assert world.most_at_once == 1
    assert figures.asked > len(figures.waits) > 20


def test_same_figures_come_each_time() -> None:
    assert cells(run(0.5)[1]) == cells(run(0.5)[1])


def test_more_that_is_in_use_means_more_questions_in_vain() -> None:
    few, many = run(0.2)[1], run(0.9)[1]
    assert few.asked / len(few.waits) < many.asked / len(many.waits)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_commands_are_counted_however_they_are_cut(size: int) -> None:
    sent = b"*2\r\n$3\r\nGET\r\n$4\r\n*1\r\n\r\n*1\r\n$4\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n"
    commands = Commands()
    assert sum(commands.take(sent[at : at + size]) for at in range(0, len(sent), size)) == 3
