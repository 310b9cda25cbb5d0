"""How a turn ended: one value, set once, from which the response, the metrics and the log line follow."""

from dataclasses import dataclass, field, replace

from metrics import Outcome
from translate.values import AnswerEnd, ApiError, Usage
from turns.waits import Waits


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """How it ended, and what it has cost.

    `error` is why there is no whole answer. `end` is what the answer ends with, as far as it came; None if
    nothing was asked of the backend, or after a bug. A client that is gone gets neither. `bug` is an
    exception of ours, which is to be logged. `units` are quota units, `usage` are the tokens of what was
    answered or paid for, `pictures` is how many were shown. `answered_by` is the slug of the model that
    answered, where the backend says so. `calls` is how many tools of the client's the answer calls, and
    `asked_again` how many times it was asked for once more because it was not as it must be. `spent`:
    something was spent, or may have been. `account` is the alias of the operator's account that was asked,
    empty for none. `waits` is how long it has waited, and for whom.
    """

    outcome: Outcome
    error: ApiError | None
    end: AnswerEnd | None
    bug: Exception | None
    units: int
    usage: Usage
    pictures: int
    answered_by: str = ""
    calls: int = 0
    asked_again: int = 0
    spent: bool = False
    account: str = ""
    waits: Waits = field(default_factory=Waits)

    @property
    def good(self) -> bool:
        """There is a whole answer, and a client that gets it."""
        return self.outcome is Outcome.OK

    def with_costs_of(self, earlier: "TurnOutcome") -> "TurnOutcome":
        """The outcome of a request that took an earlier turn too: that of the later turn, with both costs."""
        usage = Usage(
            earlier.usage.prompt_tokens + self.usage.prompt_tokens,
            earlier.usage.completion_tokens + self.usage.completion_tokens,
        )
        return replace(
            self,
            units=earlier.units + self.units,
            usage=usage,
            pictures=earlier.pictures + self.pictures,
            spent=earlier.spent or self.spent,
            waits=earlier.waits + self.waits,
        )
