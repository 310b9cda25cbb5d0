"""What the backend says of the limits of each account (protocol notes, section 4.7).

It is told in streams, and asked for from time to time while an account is in use. Of a pool key nothing is
kept: each request may reach another account.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from accounts import Credential, KeyKind
from translate.backend import read_limits
from translate.values import BackendLimits, FeatureLimit, ModelLimit, json_object, size_in_memory
from upstream.account.per_account import KeepingLimits, NotTold, PerAccount, told
from upstream.http import API, HttpClient

PATH: Final = f"{API}/conversation/init"
BODY: Final[dict[str, object]] = {
    "gizmo_id": None,
    "requested_default_model": None,
    "conversation_id": None,
    "timezone_offset_min": 0,
}
MAX_BYTES: Final = 256 * 1024
"""Longest answer that is read; those of today have some KB."""
KEPT: Final = KeepingLimits(fresh_seconds=900.0, retry_seconds=900.0, max_accounts=2000, max_bytes=4 << 20)
AFTER_TURN_SECONDS: Final = 3.0
"""Pause between the end of a turn and the question: the account's next message comes first."""
MAX_MODEL_SECONDS: Final = 7 * 86400.0
"""A limit of a model that is said to last longer is not believed."""
MAX_FEATURE_SECONDS: Final = 40 * 86400.0
"""The same for a feature; some are counted by the month."""


@dataclass(frozen=True, slots=True)
class UsedUp:
    """Something of an account is used up: it is there again in `seconds`.

    `what` is the feature, or the model that answers meanwhile; empty if that is not known.
    """

    seconds: float
    what: str


class AccountLimits:
    """Keeps the limits of the accounts used last. `clock` gives Unix seconds. Call `close` at the end."""

    def __init__(
        self,
        http: HttpClient,
        kept: KeepingLimits = KEPT,
        *,
        after_turn: float = AFTER_TURN_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._fresh_seconds = kept.fresh_seconds
        self._after_turn = after_turn
        self._clock = clock
        self._limits = PerAccount(self._fetch, _weight, kept, clock)

    def note(self, credential: Credential, limits: BackendLimits) -> None:
        """A stream of the account has told its limits."""
        if credential.kind is not KeyKind.POOL:
            self._limits.note(credential, limits)

    def turn_ended(self, credential: Credential) -> None:
        """The backend has answered this account: ask for its limits soon, if they were not told lately."""
        if credential.kind is not KeyKind.POOL:
            self._limits.refresh(credential, self._after_turn)

    def latest(self, credential: Credential) -> tuple[BackendLimits, float] | None:
        """What is known of the account, and since when (Unix seconds)."""
        return self._limits.latest(credential)

    def items(self) -> Iterator[tuple[str, BackendLimits, float]]:
        """Digest of the credential, limits, and since when they are known, for each account."""
        return self._limits.items()

    def model_used_up(self, credential: Credential, slug: str) -> UsedUp | None:
        """Whether another model would answer in place of this one."""
        if (found := self._limits.latest(credential)) is None:
            return None
        for limit in found[0].models:
            if limit.slug == slug:
                return self._used_up(credential, limit, found[1], limit.replaced_by)
        return None

    def feature_used_up(self, credential: Credential, feature: str) -> UsedUp | None:
        """Whether the backend would refuse to use this feature."""
        if (found := self._limits.latest(credential)) is None:
            return None
        for limit in found[0].features:
            if limit.feature == feature and limit.used_up:
                return self._used_up(credential, limit, found[1], feature)
        return None

    def models_used_up(self) -> set[str]:
        """The slugs of models that some account has used up."""
        return {
            limit.slug
            for _, limits, since in self.items()
            for limit in limits.models
            if self._seconds_left(limit, since)
        }

    def remaining(self) -> dict[str, int]:
        """For each feature, the fewest uses that any account has left, as far as that is known."""
        fewest: dict[str, int] = {}
        for _, limits, since in self.items():
            for limit in limits.features:
                left = 0 if limit.blocked else limit.remaining
                if left is not None and self._seconds_left(limit, since):
                    fewest[limit.feature] = min(left, fewest.get(limit.feature, left))
        return fewest

    async def close(self) -> None:
        """Ask for nothing any more."""
        await self._limits.close()

    def _seconds_left(self, limit: ModelLimit | FeatureLimit, since: float) -> float:
        """How long it still holds; 0 if it is over, or said to last longer than can be true.

        One without a time holds until the backend is asked again.
        """
        longest = MAX_MODEL_SECONDS if isinstance(limit, ModelLimit) else MAX_FEATURE_SECONDS
        seconds = (limit.resets_at or since + self._fresh_seconds) - self._clock()
        return seconds if 0 < seconds <= longest else 0.0

    def _used_up(
        self, credential: Credential, limit: ModelLimit | FeatureLimit, since: float, what: str
    ) -> UsedUp | None:
        if not (seconds := self._seconds_left(limit, since)):
            return None
        # It may have been lifted, by a better plan for example, and no turn would end to show it.
        self._limits.refresh(credential)
        return UsedUp(seconds, what)

    async def _fetch(self, credential: Credential) -> BackendLimits:
        answer = await self._http.call("POST", PATH, credential, BODY, limit=MAX_BYTES)
        record = json_object(told(answer))
        limits = None if record is None else read_limits(record)
        if limits is None:
            raise NotTold
        return limits


def _weight(limits: BackendLimits) -> int:
    names = [limit.slug + limit.replaced_by for limit in limits.models]
    names += [limit.feature for limit in limits.features]
    return 200 + 100 * len(names) + size_in_memory(*names)
