"""Which models are capped, for whom and until when, by the ledger, the pool and the backend's own word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger import Subject
from oversight.seen import SeenAccount
from translate.values import BackendLimits

Told = tuple[str, BackendLimits, float, str]
"""See `ChargeBook.backend_limits`."""


@dataclass(frozen=True, slots=True)
class ModelCap:
    """A model, as the backend calls it, that somebody cannot use now. `key` is the alias of a key with an
    account of its own, `account` that of one of the operator's; the other one is empty. `until` is in Unix
    seconds, 0 if it is not known.
    """

    slug: str
    key: str
    account: str
    until: float


def model_caps(
    own: Sequence[tuple[Subject, str, float]],
    accounts: Sequence[SeenAccount],
    told: Sequence[Told],
    now: float,
) -> list[ModelCap]:
    """All caps, each once, with the last time that somebody knows. `own` is what the ledger knows, `told`
    what the backend itself has said of limits.
    """
    ends: dict[tuple[str, str, str], float] = {}

    def note(slug: str, owner: Subject, until: float) -> None:
        cap = (slug, "", owner.name) if owner.is_account else (slug, owner.name, "")
        ends[cap] = max(until, ends.get(cap, 0.0))

    for owner, slug, until in own:
        note(slug, owner, until)
    for seen in accounts:
        for slug, until in seen.health.models.items():
            note(slug, Subject(seen.account.alias, True), until)
    for key, limits, _, account in told:
        for limit in limits.models:
            note(limit.slug, Subject(account, True) if account else Subject(key), limit.resets_at)
    return [ModelCap(*cap, until) for cap, until in sorted(ends.items()) if not 0 < until <= now]


def caps_as_json(caps: Sequence[ModelCap], slugs: Mapping[str, Sequence[str]]) -> list[dict[str, object]]:
    """`[{"model", "key", "account", "until"}]`: once for each model that the backend calls so, by `slugs`, or
    with that name itself if there is none.
    """
    return [
        {"model": name, "key": cap.key, "account": cap.account, "until": int(cap.until) or None}
        for cap in caps
        for name in [model for model, known in slugs.items() if cap.slug in known] or [cap.slug]
    ]
