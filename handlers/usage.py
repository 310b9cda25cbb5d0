"""``GET /v1/usage``: what was spent, by day, model and name of the key, and how the limits stand.

A caller's own key sees its own usage. That of all keys needs ADMIN_TOKEN; without such a setting it is
told to this machine only.
"""

import hmac
from collections.abc import Sequence
from datetime import date

import ujson

from accounts import Caller
from handlers.base import ApiHandler
from handlers.local import is_local
from ledger import report
from ledger.ledger import Ledger
from ledger.limits import DAY, HOUR
from ledger.records import Spent
from ledger.store import StoreError
from translate.values import BadRequest, Overloaded

DAYS = 7
MAX_DAYS = 1000


class UsageHandler(ApiHandler):
    """Query: ``start_date`` and ``end_date`` as ``YYYY-MM-DD``, both included; else the last seven days."""

    route = "usage"

    async def get(self) -> None:
        alias = self._whose()
        since, until = day_range(self, days=DAYS)
        ledger = self.service.charges.ledger
        rows = await spent(ledger, since, until, alias=alias)
        answer = await summary(ledger, alias)
        answer["licence"] = self.service.licence.latest if alias is None else None
        answer["data"] = [report.as_json(row) for row in rows]
        self.send_json(ujson.dumps(answer, escape_forward_slashes=False).encode())

    def _whose(self) -> str | None:
        """The name of the key to tell about, None for all. Raises Unauthorized."""
        admin = self.service.settings.admin_token
        if not admin and "Authorization" not in self.request.headers and is_local(self.request):
            return None
        key = self.key()
        if admin and hmac.compare_digest(key.encode(), admin.encode()):
            return None
        return self.service.charges.alias(Caller(key))


def day_range(handler: ApiHandler, *, days: int) -> tuple[float, float]:
    """What the query asks for, in Unix seconds; else that many days, the last of them today.

    Raises BadRequest.
    """
    ledger = handler.service.charges.ledger
    limits = ledger.limits
    today = limits.day(ledger.clock())
    last = _day(handler, "end_date", today)
    first = _day(handler, "start_date", last - days + 1)
    if not 0 <= last - first < MAX_DAYS:
        raise BadRequest(f"The dates must be in order and within {MAX_DAYS} days.", param="start_date")
    return limits.day_start(first), limits.day_start(last + 1)


def _day(handler: ApiHandler, name: str, usual: int) -> int:
    given = handler.get_query_argument(name, "")
    if not given:
        return usual
    try:
        return (date.fromisoformat(given) - date(1970, 1, 1)).days
    except ValueError:
        raise BadRequest(f"'{name}' must be a date such as 2024-01-31.", param=name) from None


async def spent(
    ledger: Ledger, since: float, until: float, *, alias: str | None, by_hour: bool = False
) -> list[Spent]:
    """What the ledger says. Raises Overloaded."""
    try:
        return await ledger.usage(since, until, by_hour=by_hour, alias=alias)
    except StoreError:
        raise Overloaded("The ledger cannot be read now.", code="ledger_unavailable", retry_after=5) from None


async def summary(ledger: Ledger, alias: str | None) -> dict[str, object]:
    """Today, the last 24 hours, the limits and their resets; for one key or for all.

    ``{"object", "today": {"units", "by_model"}, "hours": [{"start", "units"}], "limits": {...}}``
    """
    now, limits = ledger.clock(), ledger.limits
    this_hour = int(now // HOUR) * HOUR
    since = min(limits.day_start(limits.day(now)), this_hour - DAY + HOUR)
    rows = await spent(ledger, since, now + HOUR, alias=alias, by_hour=True)
    today = [row for row in rows if limits.day(row.start) == limits.day(now)]
    by_hour = {start: 0 for start in range(this_hour - DAY + HOUR, this_hour + 1, HOUR)}
    for row in rows:
        if row.start in by_hour:
            by_hour[row.start] += row.units
    return {
        "object": "usage",
        "today": {"units": sum(row.units for row in today), "by_model": _by_model(today)},
        "hours": [{"start": start, "units": units} for start, units in by_hour.items()],
        "limits": {
            "units_per_day": limits.per_day or None,
            "units_per_key_per_day": limits.per_key or None,
            "resets_at": int(limits.reset_at(now)),
            "gpt4_messages": limits.window_messages or None,
            "gpt4_window_seconds": int(limits.window),
            "gpt4_messages_in_window": len(ledger.window(alias)),
        },
        "recorded": "late" if ledger.failing else "in time",
    }


def _by_model(rows: Sequence[Spent]) -> dict[str, int]:
    models: dict[str, int] = {}
    for row in rows:
        models[row.model] = models.get(row.model, 0) + row.units
    return models
