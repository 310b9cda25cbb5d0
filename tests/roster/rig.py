"""Files of accounts and keys, as operators write them."""

import json
from collections.abc import Mapping
from typing import Any

from roster.accounts_file import read_roster
from roster.references import Reference, Unreadable
from roster.roster import Roster, key_digest

SECRETS: Mapping[str, str] = {
    "ANNA": "fk-canary-of-anna",
    "BEN": "fk-canary-of-ben",
    "POOL": "pk-canary-of-all",
    "LAPTOP": "a-canary-of-a-laptop",
}
"""What stands in the variables of the environment."""
KEY = "sk-pandora-canary-of-a-key"


def read_secret(reference: Reference) -> str:
    """One of `SECRETS`."""
    if (secret := SECRETS.get(reference.name)) is None:
        raise Unreadable("it is not there")
    return secret


def account(alias: str = "anna", **fields: Any) -> dict[str, Any]:
    """An account whose credential is in the variable of its name."""
    return {"alias": alias, "credential": {"env": alias.upper()}, **fields}


def key(alias: str = "laptop", own: str = KEY, **fields: Any) -> dict[str, Any]:
    """A key of which the file has the hash."""
    return {"alias": alias, "hash": f"sha256:{key_digest(own).hex()}", **fields}


def content(**parts: list[Any]) -> bytes:
    """The file with these lists."""
    return json.dumps(parts).encode()


def roster(**parts: list[Any]) -> Roster:
    """What is made of a file with these lists. Raises RosterError."""
    return read_roster(content(**parts), read_secret)
