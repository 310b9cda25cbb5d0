"""Headers of the backend's own that more than one room needs (protocol notes, section 20)."""

import re
from typing import Final

CONDUIT: Final = "X-Conduit-Token"
"""Goes along with what belongs to a turn that the backend gave a token for; the token is a secret."""

_TOKEN: Final = re.compile(r"[!-~]{1,8192}")


def conduit_token(text: str) -> str:
    """`text`, if it can be a token and travel in a header, else ""."""
    return text if _TOKEN.fullmatch(text) else ""
