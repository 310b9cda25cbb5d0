"""The record `conversation_detail_metadata`: the limits of the account (protocol notes, section 4.7).

It comes in streams, and as the answer of POST `backend-api/conversation/init`.
"""

import re
from calendar import timegm
from typing import Final

from translate.values import BackendLimits, FeatureLimit, JsonObject, ModelLimit, objects_at, text_at

MAX_LIMITS: Final = 50
"""Models, and features, of which limits are kept."""
MAX_COUNT: Final = 10**9
"""A larger count is none."""

LISTS: Final = ("blocked_features", "model_limits", "limits_progress")
"""What a record tells; some have only the first, without an entry, and tell nothing."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TIME: Final = re.compile(
    r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.\d{1,9})?"
    r"(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d))",
    re.ASCII,
)


def read_limits(record: JsonObject) -> BackendLimits | None:
    """The limits in `record`; None if it tells none. Entries that cannot be read are left out."""
    told = any(isinstance(found := record.get(name), list) and found for name in LISTS)
    if not told and not isinstance(record.get("model_limits"), list):
        return None
    models: dict[str, ModelLimit] = {}
    for entry in objects_at(record, "model_limits"):
        slug, replaced_by = text_at(entry, "model_slug"), text_at(entry, "using_default_model_slug")
        if _NAME.fullmatch(slug) and len(models) < MAX_LIMITS:
            known = replaced_by if _NAME.fullmatch(replaced_by) else ""
            models[slug] = ModelLimit(slug, known, _resets_at(entry))
    features: dict[str, FeatureLimit] = {}
    for entry in objects_at(record, "blocked_features"):
        name = text_at(entry, "name")
        if _NAME.fullmatch(name) and len(features) < MAX_LIMITS:
            features[name] = FeatureLimit(name, None, True, _resets_at(entry))
    for entry in objects_at(record, "limits_progress"):
        name, remaining = text_at(entry, "feature_name"), entry.get("remaining")
        if not _NAME.fullmatch(name) or type(remaining) is not int or not 0 <= remaining <= MAX_COUNT:
            continue
        if (blocked := features.get(name)) is not None:
            features[name] = FeatureLimit(name, remaining, True, blocked.resets_at)
        elif len(features) < MAX_LIMITS:
            features[name] = FeatureLimit(name, remaining, False, _resets_at(entry))
    return BackendLimits(tuple(models.values()), tuple(features.values()))


def _resets_at(entry: JsonObject) -> float:
    """Unix seconds; 0 for no time, or one that cannot be read. Both names of the field occur."""
    found = _TIME.fullmatch(text_at(entry, "resets_after") or text_at(entry, "reset_after"))
    if found is None:
        return 0.0
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    if year < 1970:
        return 0.0
    local = timegm((year, month, day, hour, minute, second))
    sign, hours, minutes = found.groups()[6:]
    ahead = int(hours or 0) * 3600 + int(minutes or 0) * 60
    return float(max(0, local + ahead if sign == "-" else local - ahead))
