"""`GET /v1/usage`: what was spent, by day, model, name of the key and account, and how the limits stand.

A caller's own key sees its own usage, the administrator that of all keys; see `access`.
"""

from datetime import date

from access import Admin
from accounts import Caller
from handlers.base import ApiHandler
from ledger import (
    Allowance,
    Ledger,
    LicenceUsage,
    StoreError,
    UsageRow,
    limits_as_json,
    row_as_json,
    usage_summary,
)
from translate.values import BadRequest, Overloaded, json_bytes

DAYS = 7
MAX_DAYS = 1000


class UsageHandler(ApiHandler):
    """Query: `start_date` and `end_date` as `YYYY-MM-DD`, both included; else the last seven days."""

    route = "usage"

    def initialize(self, licence: LicenceUsage, admin: Admin) -> None:
        """`admin` decides who sees the usage of all keys."""
        self.licence = licence
        self.admin = admin

    async def get(self) -> None:
        """Usage and limits. Raises Unauthorized, BadRequest and Overloaded."""
        caller = self._whose()
        charges = self.common.charges
        alias = None if caller is None else charges.alias(caller)
        since, until = day_range(self, days=DAYS)
        ledger = charges.ledger
        rows = await spent(ledger, since, until, alias=alias)
        allowance = None if caller is None else charges.allowance(caller)
        answer = await summary(ledger, alias, allowance)
        answer["licence"] = self.licence.latest if alias is None else None
        answer["backend"] = [limits_as_json(*told) for told in charges.backend_limits(caller)]
        answer["data"] = [row_as_json(row) for row in rows]
        self.send_body(json_bytes(answer))

    def _whose(self) -> Caller | None:
        """Whose usage is asked for, None for all keys. Raises Unauthorized."""
        if self.is_trusted(self.admin):
            return None
        return None if self.admin.is_token(self.read_key()) else self.read_caller()


def day_range(handler: ApiHandler, *, days: int) -> tuple[float, float]:
    """What the query asks for, in Unix seconds; else that many days, the last of them today.

    Raises BadRequest.
    """
    ledger = handler.common.charges.ledger
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


async def spent(ledger: Ledger, since: float, until: float, *, alias: str | None) -> list[UsageRow]:
    """The rows of usage. Raises Overloaded."""
    try:
        return await ledger.usage(since, until, alias=alias)
    except StoreError:
        raise unreadable() from None


async def summary(ledger: Ledger, alias: str | None, allowance: Allowance | None) -> dict[str, object]:
    """See `usage_summary`. Raises Overloaded."""
    try:
        return await usage_summary(ledger, alias, allowance)
    except StoreError:
        raise unreadable() from None


def unreadable() -> Overloaded:
    """What a caller is told while the ledger cannot be read."""
    return Overloaded("The ledger cannot be read now.", code="ledger_unavailable", retry_after=5)
