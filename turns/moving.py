"""A turn that moves to another account where its own one failed, and nothing was spent."""

from collections.abc import Awaitable, Callable
from typing import Final

from accounts import Account
from turns.outcome import TurnOutcome
from turns.patient import PatientClient
from turns.relay import Client
from turns.runner import TurnRunner
from turns.successive import Successive

MOST_MOVES: Final = 20
"""How many times one turn moves; each account is tried once, but for those that get new credentials."""


class MovingRunner(Successive):
    """Runs the turn that `new_turn` makes; where its account was at fault and nothing was spent, the next one
    that `new_turn` makes, which avoids the accounts tried before.

    `renewed` says whether an account has another credential by now than the turn had. `on_moved` is called
    with the account that was left and why, once the turn has had another one. `on_begun` is called when an
    answer has begun well: from then on nothing is kept for another turn. It stands in for a `TurnRunner`.
    """

    def __init__(
        self,
        new_turn: Callable[[frozenset[str]], TurnRunner],
        renewed: Callable[[Account], Awaitable[bool]],
        on_moved: Callable[[str, str], None],
        on_begun: Callable[[], None],
    ) -> None:
        self._first = new_turn(frozenset())
        super().__init__(self._first)
        self._new_turn: Callable[[frozenset[str]], TurnRunner] | None = new_turn
        self._renewed = renewed
        self._on_moved = on_moved
        self._on_begun = on_begun

    async def run(self, client: Client) -> TurnOutcome:
        """See `TurnRunner`."""
        patient = PatientClient(client, self._begun)
        try:
            turn, tried = self._first, frozenset[str]()
            outcome = await turn.run(patient)
            for _ in range(MOST_MOVES):
                if self._new_turn is None or self._stops or (failed := turn.failed_on) is None:
                    break
                left, reason = failed.alias, turn.failed_for
                if not await self._renewed(failed):
                    tried |= {left}
                turn = self._new_turn(tried)
                outcome = (await self._go_on_with(turn).run(patient)).with_costs_of(outcome)
                if outcome.account not in ("", left):
                    self._on_moved(left, reason)
            await client.quiet()
            return outcome
        finally:
            self._new_turn = None  # it holds the request

    def _begun(self) -> None:
        self._new_turn = None
        self._on_begun()
