"""Whose turn it is, where accounts take turns in turn: one of twice the weight takes twice as many."""


class Rotation:
    """When each account is due, in rounds: a turn puts an account back by one round, by less for more weight.

    The time of the rotation goes on with the turns that are taken. Who was away for long, or is new, is due
    now and not long ago, so it has nothing to catch up with, and nobody needs to be remembered for it.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._due: dict[str, float] = {}
        """Those that are due later than now."""

    def due(self, alias: str) -> float:
        """When the account is due: among several the lowest first."""
        return self._due.get(alias, self._now)

    def took(self, alias: str, weight: float = 1.0) -> None:
        """The account has taken a turn."""
        self._now = self.due(alias)
        self._due = {other: due for other, due in self._due.items() if due > self._now}
        self._due[alias] = self._now + 1.0 / weight
