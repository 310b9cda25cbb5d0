"""Several turns for one request: one conversation may bring fewer pictures than were asked for."""

from collections.abc import Callable
from dataclasses import replace

from metrics import Outcome
from translate.values import ApiError
from turns.failures import outcome_of
from turns.outcome import TurnOutcome
from turns.parts import Runner
from turns.relay import Client
from turns.successive import Successive


class DrawingRunner(Successive):
    """Runs turns until they have shown `wanted` pictures, at most as many turns as pictures.

    `new_turn` makes a turn of the request; all of them write to one format. `nothing_drawn` makes the error
    for an answer in words alone. It stands in for a `TurnRunner`.
    """

    def __init__(
        self, new_turn: Callable[[], Runner], wanted: int, nothing_drawn: Callable[[str], ApiError]
    ) -> None:
        self._first = new_turn()
        super().__init__(self._first)
        self._new_turn = new_turn
        self._wanted = wanted
        self._nothing_drawn = nothing_drawn

    async def run(self, client: Client) -> TurnOutcome:
        """See `TurnRunner`. The outcome is good if there is a picture at all, whatever failed after it."""
        first = total = latest = await self._first.run(client)
        for _ in range(self._wanted - 1):
            enough = total.pictures >= self._wanted
            if enough or latest.outcome is not Outcome.OK or not latest.pictures:
                break
            latest = await self._go_on_with(self._new_turn()).run(client)
            total = latest.with_costs_of(total)
        if total.bug is not None or total.outcome is Outcome.CLIENT_GONE:
            return total
        if total.pictures:
            return replace(total, outcome=Outcome.OK, error=None, end=first.end)
        if total.error is not None or total.end is None:
            return total
        refusal = self._nothing_drawn(total.end.answer.text)
        return replace(total, outcome=outcome_of(refusal), error=refusal, end=None)
