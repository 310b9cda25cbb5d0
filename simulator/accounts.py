"""Accounts: which keys are valid, message caps, messages at a time, and the quota of an attempt.

A key is an access token (a JWT), a share token `fk-...` or a pool token `pk-...`; here each is an account of
its own (protocol notes, section 2), but for tokens that name the same user. Quota is counted in units of
Pandora-Next's licence (protocol notes, section 15).
"""

import base64
import json
import math
import random
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from simulator.conditions import HEALTHY, Condition, Counts
from simulator.knobs import Knobs
from simulator.messages import JsonObject
from simulator.refusals import (
    ONLY_ONE_MESSAGE,
    REFUSALS,
    UNAUTHORIZED,
    Refusal,
    Refused,
    model_cap_exceeded,
    named_refusal,
)
from simulator.workspaces import in_workspace

DEAD_KEYS = {
    "fk-dead": "token_expired",
    "fk-deactivated": "account_deactivated",
    "fk-workspace": "deactivated_workspace",
    "sk-": "invalid_api_key",
}
"""Names of refusals by the beginning of the keys that get them."""
MAX_COUNTED = 10_000
"""Accounts of which something is counted, since a demo may run for weeks; the oldest are dropped."""

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
    """What is known of each account. `clock` gives Unix seconds; `dead_keys` is as `DEAD_KEYS`.

    An account is named by its key, or by the user (`sub`) whom a JWT names, so that a renewed token finds
    what was there; in 2026 with the workspace that the caller chose.
    """

    def __init__(self, clock: Callable[[], float], dead_keys: Mapping[str, str] = DEAD_KEYS) -> None:
        self._clock = clock
        self._dead_keys = dict(dead_keys)
        self._random = random.Random(0)
        self._conditions: dict[str, Condition] = {}
        self._counts: dict[str, Counts] = {}
        self._sent: dict[str, deque[float]] = {}  # when messages were sent that count for the cap
        self._allowed_operations: dict[str, set[str]] = {}

    def authenticate(self, authorization: str | None, account_id: str | None = None) -> str:
        """The account of an Authorization header and of the workspace of that id.

        Raises Refused: 401, 403, or what the account is refused with.
        """
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refused(UNAUTHORIZED)
        claims = _claims(key)
        owner = claims.get("sub")
        owner = owner if isinstance(owner, str) and owner else key
        name = in_workspace(owner, account_id)
        if refusal := self._refusal(key, claims, (key, owner, name)):
            self.counts(name).denied += 1
            raise Refused(refusal)
        return name

    def condition(self, name: str) -> Condition:
        """What is the matter with an account."""
        return self._conditions.get(name, HEALTHY)

    def set_condition(self, name: str, condition: Condition) -> None:
        """Something is the matter with the account, or with the key, of that name from now on."""
        self._conditions[name] = condition

    def counts(self, name: str) -> Counts:
        """What is counted of an account."""
        if name not in self._counts and len(self._counts) >= MAX_COUNTED:
            idle = (other for other, counts in self._counts.items() if not counts.running)
            self._counts.pop(next(idle, ""), None)
        return self._counts.setdefault(name, Counts())

    def as_json(self) -> JsonObject:
        """The answer of GET /__sim/accounts: condition and counts of each account of which there are any."""
        return {
            name: {**self.condition(name).as_json(), "counts": self.counts(name).as_json()}
            for name in (*self._counts, *(self._conditions.keys() - self._counts.keys()))
        }

    def allowed_operations(self, name: str) -> set[str]:
        """Hashes of the Action operations that the account always allows."""
        return self._allowed_operations.setdefault(name, set())

    def knobs(self, name: str, knobs: Knobs) -> Knobs:
        """The knobs for what is asked of the account without a message."""
        answers_as = self.condition(name).answers_as
        return knobs.set({"answers_as": answers_as}) if answers_as else knobs

    def message_knobs(self, name: str, knobs: Knobs) -> Knobs:
        """The knobs for the next message of the account, which may have to fail."""
        condition, knobs = self.condition(name), self.knobs(name, knobs)
        if condition.fails and not knobs.fault and self._random.random() < condition.fails:
            knobs = knobs.set({"fault": condition.fails_by})
        return knobs

    def start_message(self, name: str, model: str, knobs: Knobs) -> None:
        """A message runs; `end_message` must follow. Raises Refused (429): busy, or cap used up."""
        condition, counts = self.condition(name), self.counts(name)
        most = condition.at_once or int(knobs.busy)
        if condition.busy or (most and counts.running >= most):
            counts.refused_as_busy += 1
            raise Refused(ONLY_ONE_MESSAGE)
        if is_capped(model) and (seconds := self._capped_for(name, knobs)) > 0:
            counts.refused_as_capped += 1
            raise Refused(model_cap_exceeded(math.ceil(seconds)))
        counts.running += 1
        counts.most_at_once = max(counts.most_at_once, counts.running)
        if is_capped(model):
            self._sent.setdefault(name, deque()).append(self._clock())

    def accept_message(self, name: str, model: str) -> None:
        """The message begins an answer."""
        counts = self.counts(name)
        counts.accepted += 1
        counts.units += quota_units(model)

    def take_back_message(self, name: str, model: str) -> None:
        """The message that was started last is refused after all, and does not count for the cap."""
        if is_capped(model):
            self._sent[name].pop()

    def end_message(self, name: str) -> None:
        """The message is over, whatever its outcome."""
        self.counts(name).running -= 1

    def _refusal(self, key: str, claims: JsonObject, names: Iterable[str]) -> Refusal | None:
        """With what each call of the account is answered, if it is."""
        for beginning, refusal in self._dead_keys.items():
            if key.startswith(beginning):
                return REFUSALS[refusal]
        if not _KEY.fullmatch(key):
            return REFUSALS["invalid_jwt"]
        expires = claims.get("exp")
        if isinstance(expires, int | float) and expires <= self._clock():
            return REFUSALS["token_expired"]
        return next(filter(None, (named_refusal(self.condition(name).refused) for name in names)), None)

    def _capped_for(self, name: str, knobs: Knobs) -> float:
        """Seconds until the account may send a message that counts for the cap; 0 or less: at once."""
        now, condition = self._clock(), self.condition(name)
        seconds, cap = condition.capped_until - now, condition.cap or knobs.cap
        sent = self._sent.get(name, deque())
        while sent and sent[0] <= now - knobs.cap_window:
            sent.popleft()
        if cap and len(sent) >= cap:
            # The message that must leave the window before there is room for one more.
            seconds = max(seconds, sent[len(sent) - cap] + knobs.cap_window - now)
        return seconds


def _claims(key: str) -> JsonObject:
    """What a JWT says; nothing for any other key."""
    _, _, rest = key.partition(".")
    part = rest.partition(".")[0]
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}
