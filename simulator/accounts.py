"""Accounts: which keys are valid, message caps, one message at a time, and the quota of an attempt.

A key is an access token (a JWT), a share token `fk-...` or a pool token `pk-...`; here each is an account of
its own (protocol notes, section 2). Quota is counted in units of Pandora-Next's licence (protocol notes,
section 15).
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
"""Names of refusals by the beginning of the keys that get them."""

_KEY = re.compile(r"(?:fk|pk)-[\w.-]+|[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


_CHEAP = ("text-davinci", "gpt-3.5", "gpt-5-6-instant", "gpt-5-mini")
"""How the slugs of fast models begin."""


def quota_units(model: str) -> int:
    """Units of one attempt: 4 for the call, and 10 for the Arkose token that all but fast models need."""
    return 4 if model.startswith(_CHEAP) else 14


def is_capped(model: str) -> bool:
    """Whether messages to the model count for the GPT-4 cap (protocol notes, section 4.2)."""
    return model.startswith("gpt-4") and model != "gpt-4-mobile"


class Accounts:
    """What is known of each key. `clock` gives Unix seconds; `dead_keys` is as `DEAD_KEYS`."""

    def __init__(self, clock: Callable[[], float], dead_keys: Mapping[str, str] = DEAD_KEYS) -> None:
        self._clock = clock
        self._dead_keys = dict(dead_keys)
        self._running: Counter[str] = Counter()
        self._counted: dict[str, deque[float]] = {}
        self._allowed_operations: dict[str, set[str]] = {}

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
        return self._allowed_operations.setdefault(key, set())

    def start_message(self, key: str, model: str, knobs: Knobs) -> None:
        """Count a running message; `end_message` must follow. Raises Refused (429): busy, or cap used up."""
        if knobs.busy and self._running[key]:
            raise Refused(ONLY_ONE_MESSAGE)
        if knobs.cap and is_capped(model):
            self._count(key, knobs)
        self._running[key] += 1

    def end_message(self, key: str) -> None:
        """The message is over, whatever its outcome."""
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]

    def _count(self, key: str, knobs: Knobs) -> None:
        now = self._clock()
        sent = self._counted.setdefault(key, deque())
        while sent and sent[0] <= now - knobs.cap_window:
            sent.popleft()
        if len(sent) >= knobs.cap:
            # The message that must leave the window before there is room for one more.
            oldest = sent[len(sent) - knobs.cap]
            raise Refused(model_cap_exceeded(math.ceil(oldest + knobs.cap_window - now)))
        sent.append(now)
