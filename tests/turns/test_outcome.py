"""What several turns of one request have cost together."""

from metrics import Outcome
from translate.values import UpstreamFailed, Usage
from turns.outcome import TurnOutcome
from turns.waits import Waits


def test_costs_are_added_and_the_rest_is_that_of_the_later_turn() -> None:
    error = UpstreamFailed("lost")
    first = TurnOutcome(Outcome.OK, None, None, None, 14, Usage(10, 20), 1, waits=Waits(1, 2))
    second = TurnOutcome(Outcome.UPSTREAM_ERROR, error, None, None, 28, Usage(1, 2), 3, waits=Waits(0, 5))
    both = second.with_costs_of(first)
    assert both == TurnOutcome(
        Outcome.UPSTREAM_ERROR, error, None, None, 42, Usage(11, 22), 4, waits=Waits(1, 7)
    )
