"""A turn that goes on in a conversation of the backend, or begins anew where that cannot be gone on with."""

from collections.abc import Awaitable, Callable

from translate.values import ApiError, HomeUnavailable, NotFound
from turns.failures import outcome_of
from turns.outcome import TurnOutcome
from turns.parts import Runner
from turns.patient import PatientClient
from turns.relay import Client
from turns.successive import Successive


class ChainedRunner(Successive):
    """Runs `turn`; if its conversation is not there, the turn that `again` makes of all that was said, once.
    It is told whether the backend does not have the conversation any more, else it may be there again later.
    Nothing is posted twice that may have been accepted.

    `keep` is awaited with the outcome of a good answer before that is told, and gives what is told.
    `on_begun` is called when an answer has begun well: from then on nothing is kept for another turn. It
    stands in for a `TurnRunner`.
    """

    def __init__(
        self,
        turn: Runner,
        again: Callable[[bool], Awaitable[Runner]] | None = None,
        keep: Callable[[TurnOutcome], Awaitable[TurnOutcome]] | None = None,
        on_begun: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(turn)
        self._on_begun = on_begun
        self._again = again
        self._keep = keep

    async def run(self, client: Client) -> TurnOutcome:
        """See `TurnRunner`."""
        try:
            patient = PatientClient(client, self._begun)
            outcome = await self._turn.run(patient)
            if self._again is not None and is_lost(outcome):
                outcome = await self._run_again(self._again, patient, outcome)
            await client.quiet()
            if self._keep is not None and outcome.good:
                outcome = await self._keep(outcome)
            return outcome
        finally:
            self._again = self._keep = None  # they hold the request

    def _begun(self) -> None:
        self._again = None  # it holds the request
        self._on_begun()

    async def _run_again(
        self, again: Callable[[bool], Awaitable[Runner]], client: Client, lost: TurnOutcome
    ) -> TurnOutcome:
        try:
            turn = await again(_is_gone(lost))
        except ApiError as error:
            error = error.with_traceback(None)
            return TurnOutcome(outcome_of(error), error, None, None, lost.units, lost.usage, 0)
        return (await self._go_on_with(turn).run(client)).with_costs_of(lost)


def is_lost(outcome: TurnOutcome) -> bool:
    """Whether a turn was refused, at no cost, because its conversation is not there: the backend does not
    have it, or the account that has it cannot be asked now.
    """
    return (_is_gone(outcome) or isinstance(outcome.error, HomeUnavailable)) and not outcome.units


def _is_gone(outcome: TurnOutcome) -> bool:
    error = outcome.error
    return isinstance(error, NotFound) and error.code == "conversation_not_found"
