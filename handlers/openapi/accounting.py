"""Usage and billing."""

from typing import Final

from handlers.openapi.operations import (
    KEY,
    KEYED,
    Family,
    PathItem,
    in_query,
    json_answer,
    operation,
)
from handlers.openapi.schemas import (
    Schema,
    array,
    either,
    integer,
    nullable,
    number,
    one_of,
    record,
    ref,
    text,
    whole,
)

_UNITS: Final = integer("Units of quota.", minimum=0)
_LIMIT: Final = nullable(integer("Null for none."))


def _day(about: str) -> Schema:
    return either(text(format="date"), text(maxLength=0), about=about)


_DAYS: Final = (
    in_query("start_date", _day("The first day, in UTC.")),
    in_query("end_date", _day("The last day, in UTC.")),
)
_ROW: Final = whole(
    {
        "date": text(format="date"),
        "model": text(),
        "key": text("The name of the key, which is not the key."),
        "account": text("The account that was used; empty where it is the key's own."),
        "units": _UNITS,
        "conversations": integer(),
        "free": integer(),
        "unknown": integer(),
        "prompt_tokens": integer(),
        "completion_tokens": integer(),
    }
)
_SPENDER: Final = whole(
    {
        "key": text("The name of the key."),
        "account": text("The account that was used; empty where it is the key's own."),
        "units": _UNITS,
        "conversations": integer(),
        "prompt_tokens": integer(),
        "completion_tokens": integer(),
    }
)
_ACCOUNT: Final = whole(
    {
        "alias": text(),
        "units_today": _UNITS,
        "units_limit": _LIMIT,
        "window_messages": integer("GPT-4 messages in the window.", minimum=0),
        "window_limit": _LIMIT,
        "capped": array(whole({"model": text(), "until": integer("Unix seconds.")})),
    }
)
_USAGE: Final = whole(
    {
        "object": {"const": "usage"},
        "today": whole(
            {
                "units": _UNITS,
                "by_model": record(),
                "by_key": array(_SPENDER, "Keys with the accounts that they used, who spent most first."),
            }
        ),
        "hours": array(whole({"start": integer("Unix seconds."), "units": _UNITS})),
        "limits": whole(
            {
                "units_per_day": _LIMIT,
                "units_per_key_per_day": _LIMIT,
                "resets_at": integer("Unix seconds."),
                "gpt4_messages": _LIMIT,
                "gpt4_window_seconds": integer(),
                "gpt4_messages_in_window": integer(),
            }
        ),
        "accounts": nullable(array(_ACCOUNT, "How the accounts stand, for the administrator.")),
        "recorded": one_of("Whether what is spent can be written down.", "late", "in time"),
        "licence": nullable(record(None, "What the licence's server says, for the administrator.")),
        "backend": array(
            whole(
                {
                    "key": text(),
                    "account": text("The account that this is about; empty where it is the key's own."),
                    "known_at": integer("Unix seconds."),
                    "models": array(record()),
                    "features": array(record()),
                }
            ),
            "What the backend itself says of limits.",
        ),
        "data": array(_ROW),
    }
)
_DOLLARS: Final = number("Units, shown as dollars.")
_SUBSCRIPTION: Final = whole(
    {
        "object": {"const": "billing_subscription"},
        "has_payment_method": {"const": True},
        "soft_limit_usd": _DOLLARS,
        "hard_limit_usd": _DOLLARS,
        "system_hard_limit_usd": _DOLLARS,
        "access_until": integer("Unix seconds."),
    }
)
_COSTS: Final = whole(
    {
        "object": {"const": "list"},
        "total_usage": number("Hundredths of a unit."),
        "daily_costs": array(
            whole(
                {
                    "timestamp": integer("Unix seconds."),
                    "line_items": array(whole({"name": text(), "cost": number("Hundredths of a unit.")})),
                }
            )
        ),
    }
)


def _billing(root: str, of: str) -> dict[str, PathItem]:
    """The routes of billing, which front ends look for at two places."""
    return {
        f"{root}/subscription": {
            "get": operation(
                f"getSubscription{of}",
                "The units that the key may spend in a day.",
                json_answer(ref("Subscription")),
                KEYED,
            )
        },
        f"{root}/usage": {
            "get": operation(
                f"getCosts{of}",
                "What the key has spent; today, if no days are named.",
                json_answer(ref("Costs")),
                (*KEYED, 503),
                parameters=_DAYS,
            )
        },
    }


ACCOUNTING: Final = Family(
    name="Usage",
    about="What was spent.",
    paths={
        "/v1/usage": {
            "get": operation(
                "getUsage",
                "What was spent by day, model, key and account, and how the limits stand.",
                json_answer(ref("Usage")),
                (*KEYED, 503),
                about="A key sees its own usage. The administrator's token or machine sees that of all.",
                parameters=_DAYS,
                security=({}, *KEY),
            )
        },
        **_billing("/dashboard/billing", ""),
        **_billing("/v1/dashboard/billing", "OfV1"),
    },
    schemas={"Usage": _USAGE, "Subscription": _SUBSCRIPTION, "Costs": _COSTS},
)
