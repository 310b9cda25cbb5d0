"""When an access token runs out, which it says itself: the `exp` of a JSON Web Token (RFC 7519)."""

import base64
import binascii
import re
from typing import Final

from translate.values import json_object

_TOKEN: Final = re.compile(r"[\w-]{1,8192}\.([\w-]{1,16384})\.[\w-]{0,8192}", re.ASCII)
NEVER: Final = float("inf")


def expires_at(secret: str) -> float:
    """The end of the token in Unix seconds, infinite if it says none. Its signature is not checked."""
    found = _TOKEN.fullmatch(secret)
    if found is None:
        return NEVER
    payload = found[1]
    try:
        claims = json_object(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return NEVER
    end = (claims or {}).get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float) or not 0 < end < 1e11:
        return NEVER
    return float(end)
