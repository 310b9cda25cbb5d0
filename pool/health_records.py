"""States of accounts as JSON: written for a file or a Redis, and read again without trust."""

import json
import re
from collections.abc import Mapping
from typing import Final

from pool.health import MAX_RESTING, AccountFault, Health, Rest
from translate.values import JsonObject, json_object, object_at, text_at

VERSION: Final = 1
REASONS: Final = frozenset(fault.value for fault in AccountFault)
_DIGEST: Final = re.compile(r"[0-9a-f]{0,64}")


def written(health: Health) -> bytes:
    """The state as one line of JSON; the same state gives the same bytes."""
    return json.dumps(_as_json(health), separators=(",", ":"), sort_keys=True).encode()


def read(data: bytes) -> Health | None:
    """The state that was written so; None for anything that cannot be one."""
    record = json_object(data)
    return None if record is None else _health(record)


def written_file(states: Mapping[str, Health]) -> bytes:
    """A file with the states of all accounts, by alias."""
    accounts = {alias: _as_json(health) for alias, health in states.items()}
    return json.dumps({"version": VERSION, "accounts": accounts}, indent=1, sort_keys=True).encode() + b"\n"


def read_file(data: bytes) -> dict[str, Health] | None:
    """The states in such a file, without those that cannot be any; None if the file is damaged."""
    content = json_object(data)
    if content is None or content.get("version") != VERSION or not isinstance(content.get("accounts"), dict):
        return None
    found = object_at(content, "accounts")
    states = {alias: _health(record) for alias, record in found.items() if isinstance(record, dict)}
    return {alias: health for alias, health in states.items() if health is not None}


def _as_json(health: Health) -> JsonObject:
    return {
        "digest": health.digest,
        "reason": health.reason or "",
        "since": health.since,
        "failed_at": health.failed_at,
        "until": health.until,
        "failures": health.failures,
        "models": _rests_as_json(health.models),
        "features": _rests_as_json(health.features),
        "enabled": health.enabled,
        "enabled_at": health.enabled_at,
        "changed_at": health.changed_at,
    }


def _rests_as_json(resting: Mapping[str, Rest]) -> JsonObject:
    return {
        name: {"reason": rest.reason, "at": rest.at, "until": rest.until, "failures": rest.failures}
        for name, rest in resting.items()
    }


def _health(record: JsonObject) -> Health | None:
    digest, enabled, reason = text_at(record, "digest"), record.get("enabled"), text_at(record, "reason")
    times = [_time(record, name) for name in ("since", "failed_at", "until", "enabled_at", "changed_at")]
    failures = _count(record)
    if not _DIGEST.fullmatch(digest) or type(enabled) is not bool or None in times or failures is None:
        return None
    if reason and reason not in REASONS:
        return None
    since, failed_at, until, enabled_at, changed_at = (time or 0.0 for time in times)
    return Health(
        digest=digest,
        reason=AccountFault(reason) if reason else None,
        since=since,
        failed_at=failed_at,
        until=until,
        failures=failures,
        models=_rests(record, "models"),
        features=_rests(record, "features"),
        enabled=enabled,
        enabled_at=enabled_at,
        changed_at=changed_at,
    )


def _rests(record: JsonObject, name: str) -> dict[str, Rest]:
    rests: dict[str, Rest] = {}
    for what, told in object_at(record, name).items():
        rest = _rest(told) if isinstance(told, dict) else None
        if rest is not None and len(rests) < MAX_RESTING:
            rests[what] = rest
    return rests


def _rest(told: JsonObject) -> Rest | None:
    reason, at, until, failures = (
        text_at(told, "reason"),
        _time(told, "at"),
        _time(told, "until"),
        _count(told),
    )
    if reason not in REASONS or at is None or until is None or failures is None:
        return None
    return Rest(AccountFault(reason), at, until, failures)


def _time(record: JsonObject, name: str) -> float | None:
    """A time in Unix seconds, None if there is none."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:
        return None
    return float(value)


def _count(record: JsonObject) -> int | None:
    value = record.get("failures")
    return value if type(value) is int and 0 <= value < 10**9 else None
