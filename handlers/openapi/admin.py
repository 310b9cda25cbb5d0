"""What the administrator sees and does."""

from typing import Final

from handlers.openapi.operations import MAYBE_TOKEN, Family, in_path, json_answer, operation
from handlers.openapi.schemas import (
    Schema,
    array,
    boolean,
    integer,
    nullable,
    number,
    one_of,
    ref,
    text,
    whole,
)
from metrics import AccountState
from oversight import KeyState

_LIMIT: Final = nullable(integer("Null for none.", minimum=0))
_TIME: Final = nullable(integer("Unix seconds, null for none."))
_SPENT: Final[dict[str, Schema]] = {
    "units_today": integer("Units of quota spent today.", minimum=0),
    "units_limit": _LIMIT,
    "window_messages": integer("GPT-4 messages in the window.", minimum=0),
    "window_limit": _LIMIT,
}
_NAMES: Final = array(text())
_RESTING: Final = array(whole({"name": text(), "until": _TIME}))
_ACCOUNT: Final = whole(
    {
        "object": {"const": "account"},
        "alias": text(),
        "state": one_of("", *AccountState),
        "reason": nullable(text("Why it failed last; null if it is well.")),
        "problem": text("Why there is no credential, if there is none."),
        "since": _TIME,
        "until": _TIME,
        "failures": integer("Failures in a row.", minimum=0),
        "enabled": boolean("The administrator has not switched it off."),
        "in_use": integer("Messages that are under way, from this instance.", minimum=0),
        **_SPENT,
        "resting_models": _RESTING,
        "resting_features": _RESTING,
        "models": array(text(), "Those that it is for; none for all."),
        "groups": _NAMES,
        "weight": number(),
        "plan": text(),
        "note": text(),
    },
    "An account of the operator's, without its credential.",
)
_KEY: Final = whole(
    {
        "object": {"const": "key"},
        "alias": text(),
        "state": one_of("", *KeyState),
        "accounts": _NAMES,
        "models": array(text(), "Those that it may use; none for all."),
        **_SPENT,
        "expires_at": _TIME,
        "style": nullable(text()),
    },
    "A key of this service, without the key itself.",
)
_RELOADED: Final = whole(
    {"object": {"const": "reload"}, "accounts": _NAMES, "keys": _NAMES, "gpts": _NAMES},
    "The names of all that there is now.",
)
_ALIAS: Final = in_path("alias", "The alias of the account.", examples=["anna"])

ADMIN: Final = Family(
    name="Administration",
    about="For the administrator: by the admin token, or from the same machine where none is set.",
    paths={
        "/admin/accounts": {
            "get": operation(
                "listAccounts",
                "All accounts and keys, and how they stand.",
                json_answer(
                    whole(
                        {
                            "object": {"const": "list"},
                            "data": array(ref("Account")),
                            "keys": array(ref("ServiceKey")),
                        }
                    )
                ),
                (401,),
                security=MAYBE_TOKEN,
            )
        },
        "/admin/accounts/{alias}/enable": {
            "post": operation(
                "enableAccount",
                "Switch an account on.",
                json_answer(ref("Account"), "The account as it is now."),
                (401, 404),
                parameters=(_ALIAS,),
                security=MAYBE_TOKEN,
            )
        },
        "/admin/accounts/{alias}/disable": {
            "post": operation(
                "disableAccount",
                "Switch an account off, until it is switched on again.",
                json_answer(ref("Account"), "The account as it is now."),
                (401, 404),
                about="What is under way on it goes on. A restart does not switch it on.",
                parameters=(_ALIAS,),
                security=MAYBE_TOKEN,
            )
        },
        "/admin/reload": {
            "post": operation(
                "reload",
                "Read the files of accounts, keys and GPTs again.",
                json_answer(_RELOADED),
                (400, 401),
                about="What a file named stays where it cannot be used; the error says what is wrong.",
                security=MAYBE_TOKEN,
            )
        },
    },
    schemas={"Account": _ACCOUNT, "ServiceKey": _KEY},
    prefixed=False,
)
