"""Who may ask: keys, caps, one message at a time, and what it costs.

A key is an access token (a JWT), a share token ``fk-...`` or a pool token ``pk-...``; each is an account of
its own here. Quota is counted as Pandora-Next's licence does: per attempt, 4 units for the conversation call
and 10 more for the Arkose token that GPT-4 models need.
"""

import math
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping

from simulator.knobs import Knobs
from simulator.refusals import ONLY_ONE_MESSAGE, REFUSALS, UNAUTHORIZED, Refused, model_cap_exceeded

DEAD_KEYS = {
    "fk-dead": "token_expired",
    "fk-deactivated": "account_deactivated",
    "fk-workspace": "deactivated_workspace",
    "sk-": "invalid_api_key",
}
"""Beginnings of keys that are refused, and the name of the refusal."""

_KEY = re.compile(r"(?:fk|pk)-[\w.-]+|[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


def quota_units(model: str) -> int:
    """Licence units of one attempt: 14 for what needs Arkose, else 4."""
    return 14 if model.startswith("gpt-4") else 4


def is_capped(model: str) -> bool:
    """Whether the model's messages count for the GPT-4 cap; gpt-4-mobile's did not."""
    return model.startswith("gpt-4") and model != "gpt-4-mobile"


class Accounts:
    """State per key. ``clock`` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float], dead_keys: Mapping[str, str] = DEAD_KEYS) -> None:
        self._clock = clock
        self._dead_keys = dict(dead_keys)
        self._running: Counter[str] = Counter()
        self._capped: dict[str, deque[float]] = {}
        self._allowed: dict[str, set[str]] = {}

    def authenticate(self, authorization: str | None) -> str:
        """The key of an Authorization header. Raises Refused (401 or 403)."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refused(UNAUTHORIZED)
        for beginning, name in self._dead_keys.items():
            if key.startswith(beginning):
                raise Refused(REFUSALS[name])
        if not _KEY.fullmatch(key):
            raise Refused(REFUSALS["invalid_jwt"])
        return key

    def allowed_operations(self, key: str) -> set[str]:
        """Hashes of the Action operations that the account always allows."""
        return self._allowed.setdefault(key, set())

    def enter(self, key: str, model: str, knobs: Knobs) -> None:
        """A message starts; `leave` must follow. Raises Refused (429: busy, or the cap is used up)."""
        if knobs.busy and self._running[key]:
            raise Refused(ONLY_ONE_MESSAGE)
        if knobs.cap and is_capped(model):
            self._count(key, knobs)
        self._running[key] += 1

    def leave(self, key: str) -> None:
        """The message is over, however it ended."""
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]

    def _count(self, key: str, knobs: Knobs) -> None:
        now = self._clock()
        sent = self._capped.setdefault(key, deque())
        while sent and sent[0] <= now - knobs.cap_window:
            sent.popleft()
        if len(sent) >= knobs.cap:
            # The message that has to grow old before there is room for one more.
            oldest = sent[len(sent) - knobs.cap]
            raise Refused(model_cap_exceeded(math.ceil(oldest + knobs.cap_window - now)))
        sent.append(now)
