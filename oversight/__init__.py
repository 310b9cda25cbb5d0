"""What the operator sees of accounts and keys, and does with them."""

from oversight.oversight import Oversight
from oversight.seen import KeyState, SeenAccount, SeenKey, account_as_json, key_as_json

__all__ = ["KeyState", "Oversight", "SeenAccount", "SeenKey", "account_as_json", "key_as_json"]
