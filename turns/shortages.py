"""What ledger and backend know of the operator's accounts when one of them is chosen for a turn."""

import time
from collections.abc import Callable

from accounts import Account, Need
from ledger import Ledger, Standing
from pool import NEVER, Hindrance, Obstacle
from upstream.account import AccountLimits, ModelLists


class Shortages:
    """See `pool.Sources`. `lists` is None where the backend is not asked for its models; `clock` gives Unix
    seconds.
    """

    def __init__(
        self,
        ledger: Ledger,
        limits: AccountLimits,
        lists: ModelLists | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._lists = lists
        self._clock = clock

    def standing(self, account: Account, need: Need) -> Standing:
        """What the account may still spend, by the ledger."""
        return self._ledger.standing(account, need.slug, need.units, windowed=need.windowed)

    def backend(self, account: Account, need: Need) -> Hindrance | None:
        """What of the need the account does not have, or has used up, by the backend's own word."""
        if (credential := account.credential) is None:
            return None
        if need.listed and self._lists is not None:
            listed = self._lists.latest(credential)
            if listed and need.slug not in listed:
                return Obstacle.UNABLE, NEVER
        if used_up := self._limits.model_used_up(credential, need.slug):
            return Obstacle.CAPPED, self._clock() + used_up.seconds
        for feature in need.features:
            if used_up := self._limits.feature_used_up(credential, feature):
                return Obstacle.FEATURE, self._clock() + used_up.seconds
        return None
