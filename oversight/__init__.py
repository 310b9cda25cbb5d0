"""What the operator sees of accounts and keys, and does with them."""

from oversight.caps import ModelCap, caps_as_json, model_caps
from oversight.oversight import Oversight
from oversight.seen import KeyState, SeenAccount, SeenKey, account_as_json, key_as_json

__all__ = [
    "KeyState",
    "ModelCap",
    "Oversight",
    "SeenAccount",
    "SeenKey",
    "account_as_json",
    "caps_as_json",
    "key_as_json",
    "model_caps",
]
