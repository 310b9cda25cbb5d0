"""A turn that moves to another account where its own one failed, and nothing was spent."""

from collections.abc import Awaitable, Callable
from typing import Final

from translate.values import ApiError
from turns.outcome import TurnOutcome
from turns.patient import PatientClient
from turns.relay import Client
from turns.runner import TurnRunner

MOST_MOVES: Final = 20
"""How many times one turn moves; each account is tried once, but for those that get new credentials."""


class MovingRunner:
    """Runs the turn that `new_turn` makes; where its account was at fault and nothing was spent, the next one
    that `new_turn` makes, which avoids the accounts tried before.

    `renewed` says whether an account has another credential by now. `on_begun` is called when an answer has
    begun well: from then on nothing is kept for another turn. It stands in for a `TurnRunner`.
    """

    def __init__(
        self,
        new_turn: Callable[[frozenset[str]], TurnRunner],
        renewed: Callable[[str], Awaitable[bool]],
        on_begun: Callable[[], None],
    ) -> None:
        self._new_turn: Callable[[frozenset[str]], TurnRunner] | None = new_turn
        self._renewed = renewed
        self._on_begun = on_begun
        self._turn = new_turn(frozenset())
        self._stops: list[ApiError | None] = []

    @property
    def has_text(self) -> bool:
        """See `TurnRunner`."""
        return self._turn.has_text

    @property
    def answered_by(self) -> str:
        """See `TurnRunner`."""
        return self._turn.answered_by

    def stop(self, error: ApiError | None = None) -> None:
        """See `TurnRunner`."""
        self._stops.append(error)
        self._turn.stop(error)

    async def run(self, client: Client) -> TurnOutcome:
        """See `TurnRunner`."""
        patient = PatientClient(client, self._begun)
        try:
            outcome = await self._turn.run(patient)
            tried: set[str] = set()
            for _ in range(MOST_MOVES):
                if self._new_turn is None or self._stops or not (failed := self._turn.failed_on):
                    break
                if not await self._renewed(failed):
                    tried.add(failed)
                self._turn = self._new_turn(frozenset(tried))
                for stopped_by in self._stops:
                    self._turn.stop(stopped_by)
                outcome = (await self._turn.run(patient)).with_costs_of(outcome)
            await client.quiet()
            return outcome
        finally:
            self._new_turn = None  # it holds the request

    def _begun(self) -> None:
        self._new_turn = None
        self._on_begun()
