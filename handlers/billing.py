"""`GET /dashboard/billing/subscription` and `/usage`, also under `/v1`, for the caller's own key.

Chat front ends and relays ask these for a balance in dollars. Here a quota unit is shown as a dollar.
"""

from handlers.base import ApiHandler
from handlers.usage import day_range, spent
from ledger import DAY
from translate.values import json_bytes

UNLIMITED = 100_000_000.0
"""Shown where no limit is set, since these routes cannot say so."""


class SubscriptionHandler(ApiHandler):
    """The units that the key may spend in a day."""

    route = "billing"

    def get(self) -> None:
        """The smallest limit that is set. Raises Unauthorized."""
        charges = self.common.charges
        own_units, ledger = charges.allowance(self.read_caller()).units_per_day, charges.ledger
        set_limits = [limit for limit in (own_units, ledger.limits.per_day) if limit]
        limit = float(min(set_limits, default=UNLIMITED))
        answer = {
            "object": "billing_subscription",
            "has_payment_method": True,
            "soft_limit_usd": limit,
            "hard_limit_usd": limit,
            "system_hard_limit_usd": limit,
            "access_until": int(ledger.limits.reset_at(ledger.clock())),
        }
        self.send_body(json_bytes(answer))


class BillingUsageHandler(ApiHandler):
    """What the key has spent in hundredths of a unit, from `start_date` to `end_date`; else today."""

    route = "billing"

    async def get(self) -> None:
        """The sum and what makes it up. Raises Unauthorized, BadRequest and Overloaded."""
        charges = self.common.charges
        alias = charges.alias(self.read_caller())
        since, until = day_range(self, days=1)
        rows = await spent(charges.ledger, since, until, alias=alias)
        days: dict[int, dict[str, int]] = {}
        for row in rows:
            models = days.setdefault(row.start // DAY * DAY, {})
            models[row.model] = models.get(row.model, 0) + row.units * 100
        answer = {
            "object": "list",
            "total_usage": float(sum(row.units * 100 for row in rows)),
            "daily_costs": [
                {
                    "timestamp": start,
                    "line_items": [{"name": name, "cost": float(cents)} for name, cents in models.items()],
                }
                for start, models in sorted(days.items())
            ],
        }
        self.send_body(json_bytes(answer))
