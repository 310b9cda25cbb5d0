"""What becomes of an account that fails: a state with a reason, and a time to try it again.

Everything here is pure: the time and the random part of a pause are given. Times are Unix seconds. How long
an account rests is a row of `RULES`: the backend's own word where it has one, else a pause that doubles with
each failure in a row. A refused account is tried again too, now and then: its owner may have mended it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum, auto
from typing import Final

from pool.candidate import Obstacle

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0
JITTER: Final = 0.25
"""A pause is shorter than its row says by up to this part, so that what fails together is tried apart."""
LEAST_SECONDS: Final = 1.0
"""An announced wait that is shorter is this long, so that nothing is asked again and again at once."""
MAX_RESTING: Final = 64
"""Models, and features, of one account that are known to rest; the first to return are let go."""
TICK: Final = 0.001
"""By so much, in seconds, a change is later than the one before, whatever the clock says."""


class AccountFault(StrEnum):
    """Why an account, or the way to it, could not take a message."""

    REFUSED = "refused"
    """The backend refuses its credential."""
    EXPIRED = "expired"
    """The time of its credential is over."""
    DEACTIVATED = "deactivated"
    """The account or its workspace is switched off at the backend."""
    CAPPED = "capped"
    """It has used up the model."""
    NO_MODEL = "no_model"
    """The backend does not offer it the model."""
    FEATURE = "feature"
    """It has used up a feature, or the feature is blocked."""
    BUSY = "busy"
    """The backend answers another message of it: somebody else uses the account."""
    CHALLENGE = "challenge"
    """Cloudflare or Arkose want what this service cannot do."""
    RATE = "rate"
    """It was asked too often, whatever the model."""
    UNREACHABLE = "unreachable"
    """There was no connection, or no answer."""
    FAILING = "failing"
    """The backend failed."""


class Scope(Enum):
    """Of what a fault keeps the messages away."""

    ACCOUNT = auto()
    MODEL = auto()
    FEATURE = auto()


class Condition(StrEnum):
    """How an account is, in one word."""

    OK = "ok"
    COOLING = "cooling"
    """It has failed, and rests."""
    NEEDS_PERSON = "needs_person"
    """It has failed, and does not get well by itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long a fault keeps messages away, in seconds.

    The first pause is `base` long, each further one twice as long as the one before, up to `ceiling`. A wait
    that the backend announces is believed up to `announced` (0: never). If `exact`, it is the pause, else the
    pause is no shorter than it. `obstacle` is what the account has meanwhile.
    """

    base: float
    ceiling: float
    announced: float
    scope: Scope = Scope.ACCOUNT
    obstacle: Obstacle = Obstacle.COOLING
    needs_person: bool = False
    exact: bool = False

    @property
    def longest(self) -> float:
        """No pause is longer; an end that is farther away was written under another clock."""
        return max(self.ceiling, self.announced)

    def pause(self, failures: int, announced: float | None, random: float) -> float:
        """The pause after so many failures in a row (at least 1), in seconds; `random` is in 0..1."""
        if announced is None or announced <= 0 or not self.announced:
            return self._grown(failures, random)
        wait = min(max(announced, LEAST_SECONDS), self.announced)
        return wait if self.exact or failures < 2 else max(wait, self._grown(failures - 1, random))

    def _grown(self, failures: int, random: float) -> float:
        doubled = self.base * 2.0 ** min(failures - 1, 40)
        return min(doubled, self.ceiling) * (1.0 - JITTER * random)


def _for_person(base: float, ceiling: float) -> Rule:
    return Rule(base, ceiling, 0.0, obstacle=Obstacle.REFUSED, needs_person=True)


RULES: Final[Mapping[AccountFault, Rule]] = {
    AccountFault.REFUSED: _for_person(MINUTE, HOUR),
    AccountFault.EXPIRED: _for_person(MINUTE, HOUR),
    AccountFault.DEACTIVATED: _for_person(10 * MINUTE, 6 * HOUR),
    AccountFault.CAPPED: Rule(15 * MINUTE, 3 * HOUR, 7 * DAY, Scope.MODEL, Obstacle.CAPPED, exact=True),
    AccountFault.NO_MODEL: Rule(10 * MINUTE, 6 * HOUR, 0.0, Scope.MODEL, Obstacle.UNABLE),
    AccountFault.FEATURE: Rule(15 * MINUTE, 6 * HOUR, 40 * DAY, Scope.FEATURE, Obstacle.FEATURE, exact=True),
    AccountFault.BUSY: Rule(2.0, MINUTE, 10 * MINUTE),
    AccountFault.CHALLENGE: Rule(30.0, 15 * MINUTE, HOUR),
    AccountFault.RATE: Rule(30.0, 30 * MINUTE, DAY),
    AccountFault.UNREACHABLE: Rule(1.0, MINUTE, 0.0),
    AccountFault.FAILING: Rule(2.0, 5 * MINUTE, HOUR),
}
"""What each fault means. Some limits of features are counted by the month: hence the 40 days."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong: the `kind`, the `wait` in seconds if the backend has announced one, and for a fault of
    a `feature` its name.
    """

    kind: AccountFault
    wait: float | None = None
    feature: str = ""


@dataclass(frozen=True, slots=True)
class Rest:
    """A model or a feature of an account that is not to be used `until` then: `failures` in a row, the last
    one `at` that time.
    """

    reason: AccountFault
    at: float
    until: float
    failures: int = 1

    def lasts(self, now: float) -> bool:
        """It is not over yet."""
        return _lasts(self.reason, self.until, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is known of an account with the credential of that `digest`.

    `reason` is why it failed last, None if it is well; `since` is when that began, `failed_at` the last time,
    after so many `failures` in a row. Until `until` it rests. `models` and `features` rest each for
    themselves. `enabled` is the administrator's word of `enabled_at`. `changed_at` orders all other changes.
    """

    digest: str = ""
    reason: AccountFault | None = None
    since: float = 0.0
    failed_at: float = 0.0
    until: float = 0.0
    failures: int = 0
    models: Mapping[str, Rest] = field(default_factory=dict)
    features: Mapping[str, Rest] = field(default_factory=dict)
    enabled: bool = True
    enabled_at: float = 0.0
    changed_at: float = 0.0

    def condition(self, now: float) -> Condition:
        """One word for it. Who has rested is well until it fails again, but for what takes a person."""
        if self.reason is None:
            return Condition.OK
        if RULES[self.reason].needs_person:
            return Condition.NEEDS_PERSON
        return Condition.COOLING if _lasts(self.reason, self.until, now) else Condition.OK

    def obstacle(self, slug: str, features: Iterable[str], now: float) -> tuple[Obstacle, float]:
        """Why it cannot take a message for the model `slug` that uses `features`, and until when: infinite if
        nobody knows, 0 if it can.
        """
        if not self.enabled:
            return Obstacle.DISABLED, float("inf")
        if self.reason is not None and _lasts(self.reason, self.until, now):
            return RULES[self.reason].obstacle, self.until
        resting = [self.models.get(slug), *map(self.features.get, features)]
        lasting = [rest for rest in resting if rest is not None and rest.lasts(now)]
        if not lasting:
            return Obstacle.NONE, 0.0
        last = max(lasting, key=lambda rest: rest.until)
        return RULES[last.reason].obstacle, last.until


def after_fault(
    health: Health, fault: Fault, *, slug: str, began: float, now: float, random: float
) -> Health:
    """The state once a message has failed that `began` then and was for the model `slug`.

    `random` is in 0..1. Messages that were under way together when something failed count as one failure.
    What takes a person is not covered up by what does not, nor a long rest by a short one.
    """
    rule, reason = RULES[fault.kind], health.reason
    changed_at = _later(health.changed_at, now)
    if rule.scope is Scope.MODEL and slug:
        models = _rested(health.models, slug, fault, began, now, random)
        return replace(health, models=models, changed_at=changed_at)
    if rule.scope is Scope.FEATURE and fault.feature:
        features = _rested(health.features, fault.feature, fault, began, now, random)
        return replace(health, features=features, changed_at=changed_at)
    resting_until = health.until if reason is not None and _lasts(reason, health.until, now) else now
    if reason is not None and reason is not fault.kind and not rule.needs_person:
        held, until = RULES[reason], now + rule.pause(1, fault.wait, random)
        if held.needs_person or resting_until >= until:
            until = min(max(until, resting_until), now + held.longest)
            return replace(health, until=until, changed_at=changed_at)
    again = reason is fault.kind
    together = again and began < health.failed_at <= now
    failures = health.failures + (not together) if again else 1
    until = now + rule.pause(failures, fault.wait, random)
    return replace(
        health,
        reason=fault.kind,
        since=now if reason is None else min(health.since, now),
        failed_at=now,
        until=max(until, resting_until) if together else until,
        failures=failures,
        changed_at=changed_at,
    )


def after_success(health: Health, *, slug: str, began: float, now: float) -> Health:
    """The state once a message has been answered that `began` then; `slug` is the model that has answered.

    What failed after that beginning stays as it is. Returns `health` itself if nothing changes.
    """
    rest = health.models.get(slug)
    if rest is not None and not began < rest.at <= now:
        models = {name: other for name, other in health.models.items() if name != slug}
        health = replace(health, models=models, changed_at=_later(health.changed_at, now))
    if health.reason is None or began < health.failed_at <= now:
        return health
    return replace(
        health,
        reason=None,
        since=0.0,
        failed_at=0.0,
        until=0.0,
        failures=0,
        changed_at=_later(health.changed_at, now),
    )


def with_credential(health: Health, digest: str) -> Health:
    """The state with the credential of that `digest`: nothing is known of another one than before."""
    if health.digest == digest:
        return health
    return Health(digest=digest, enabled=health.enabled, enabled_at=health.enabled_at)


def with_enabled(health: Health, enabled: bool, now: float) -> Health:
    """The state once the administrator has switched the account on or off."""
    return replace(health, enabled=enabled, enabled_at=_later(health.enabled_at, now))


def merged(mine: Health, theirs: Health) -> Health:
    """What two instances know together: of each half that which was changed last.

    Of another credential than mine nothing is taken over but the administrator's word, unless mine has none
    yet. The order of two states of one credential does not matter.
    """
    later = mine if mine.digest else theirs
    if theirs.digest == mine.digest:
        later = max(mine, theirs, key=lambda health: (health.changed_at, health.until, repr(health)))
    said = max(mine, theirs, key=lambda health: (health.enabled_at, health.enabled))
    return replace(later, enabled=said.enabled, enabled_at=said.enabled_at)


def _rested(
    resting: Mapping[str, Rest], name: str, fault: Fault, began: float, now: float, random: float
) -> dict[str, Rest]:
    """What rests once `name` does, without what was over long ago."""
    before = resting.get(name)
    again = before is not None and before.reason is fault.kind
    failures, least = 1, now
    if before is not None and again:
        together = began < before.at <= now
        failures = before.failures + (not together)
        least = before.until if together and before.lasts(now) else now
    until = now + RULES[fault.kind].pause(failures, fault.wait, random)
    kept = {
        other: rest
        for other, rest in resting.items()
        if other != name and abs(rest.until - now) <= RULES[rest.reason].longest
    }
    while len(kept) >= MAX_RESTING:
        del kept[min(kept, key=lambda other: kept[other].until)]
    return {**kept, name: Rest(fault.kind, now, max(until, least), failures)}


def _lasts(reason: AccountFault, until: float, now: float) -> bool:
    return now < until <= now + RULES[reason].longest


def _later(before: float, now: float) -> float:
    """When a change was made, behind the one `before` it also under a clock that was set back."""
    return max(now, before + TICK)
