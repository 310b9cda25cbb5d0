"""Several turns for one request, one after the other, of which each stands for the request while it runs."""

from translate.values import ApiError
from turns.parts import Runner


class Successive:
    """The base of what stands in for a `TurnRunner` and runs several of them. `first` is the first one."""

    def __init__(self, first: Runner) -> None:
        self._turn = first
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

    def _go_on_with(self, turn: Runner) -> Runner:
        """From now on it is `turn`; one that was stopped before it began does nothing."""
        self._turn = turn
        for error in self._stops:
            turn.stop(error)
        return turn
