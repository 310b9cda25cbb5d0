"""Limits and paces of following, by what is followed."""

from itertools import islice

import pytest

from translate.values import ElsewhereKind
from upstream.elsewhere import FollowLimits, Paces
from upstream.http import Timeouts

USUAL = Timeouts(connect=1, first_byte=2, idle=3, total=4, progress=5)
LIMITS = FollowLimits(research=60.0, pro=50.0, picture=40.0)


@pytest.mark.parametrize("kind", [ElsewhereKind.HANDOFF, ElsewhereKind.BROKEN])
def test_stream_that_goes_on_keeps_the_limits_of_any_other(kind: ElsewhereKind) -> None:
    timeouts = LIMITS.timeouts(kind, USUAL)
    assert (timeouts.total, timeouts.progress, timeouts.idle) == (4, 5, 0)
    assert LIMITS.waits_for(kind)


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [(ElsewhereKind.RESEARCH, 60.0), (ElsewhereKind.PRO, 50.0), (ElsewhereKind.PICTURE, 40.0)],
)
def test_long_task_has_a_limit_of_its_own_and_may_be_silent_until_then(
    kind: ElsewhereKind, seconds: float
) -> None:
    timeouts = LIMITS.timeouts(kind, USUAL)
    assert (timeouts.total, timeouts.progress, timeouts.idle) == (seconds, 0, 0)
    assert LIMITS.waits_for(kind)
    assert not FollowLimits(research=0, pro=0, picture=0).waits_for(kind)


def test_looks_slow_down_and_go_on() -> None:
    limits = FollowLimits(paces=Paces(text=(1.0, 2.0), picture=(3.0,), research=(4.0, 60.0)))
    assert list(islice(limits.looks(ElsewhereKind.HANDOFF), 4)) == [1.0, 2.0, 2.0, 2.0]
    assert list(islice(limits.looks(ElsewhereKind.PRO), 2)) == [1.0, 2.0]
    assert list(islice(limits.looks(ElsewhereKind.PICTURE), 2)) == [3.0, 3.0]
    assert list(islice(limits.looks(ElsewhereKind.RESEARCH), 3)) == [4.0, 60.0, 60.0]
