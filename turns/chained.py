"""A turn that goes on in a conversation of the backend, or begins anew where that cannot be gone on with."""

from collections.abc import Awaitable, Callable

from translate.values import ApiError, NotFound
from turns.failures import outcome_of
from turns.outcome import TurnOutcome
from turns.relay import Client
from turns.runner import TurnRunner


class PatientClient:
    """Passes on what is delivered, and goes on waiting when a turn is over: another one may follow."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def deliver(self, out: bytes, *, begun: bool) -> Awaitable[None] | None:
        """See `Client`."""
        return self._client.deliver(out, begun=begun)

    async def quiet(self) -> None:
        """Do nothing: the client is kept alive."""


class ChainedRunner:
    """Runs `turn`; if the backend does not have its conversation, the turn that `again` makes of all that was
    said, once. Nothing is posted twice that may have been accepted.

    `keep` is awaited with the outcome of a good answer before that is told. It stands in for a `TurnRunner`.
    """

    def __init__(
        self,
        turn: TurnRunner,
        again: Callable[[], Awaitable[TurnRunner]] | None = None,
        keep: Callable[[TurnOutcome], Awaitable[None]] | None = None,
    ) -> None:
        self._turn = turn
        self._again = again
        self._keep = keep
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
        try:
            outcome = await self._turn.run(client if self._again is None else PatientClient(client))
            if self._again is not None and is_lost(outcome):
                outcome = await self._run_again(self._again, client, outcome)
            await client.quiet()
            if self._keep is not None and outcome.good:
                await self._keep(outcome)
            return outcome
        finally:
            self._again = self._keep = None  # they hold the request

    async def _run_again(
        self, again: Callable[[], Awaitable[TurnRunner]], client: Client, lost: TurnOutcome
    ) -> TurnOutcome:
        try:
            self._turn = await again()
        except ApiError as error:
            error = error.with_traceback(None)
            return TurnOutcome(outcome_of(error), error, None, None, lost.units, lost.usage, 0)
        for stopped_by in self._stops:
            self._turn.stop(stopped_by)
        outcome = await self._turn.run(client)
        return outcome.with_costs_of(lost)


def is_lost(outcome: TurnOutcome) -> bool:
    """Whether the backend has refused a turn, at no cost, because it does not have its conversation."""
    error = outcome.error
    return isinstance(error, NotFound) and error.code == "conversation_not_found" and not outcome.units
