"""How long to wait, as words say it: "resets in 5 hours and 20 minutes"."""

import re
from typing import Final

_WAIT: Final = re.compile(
    r"\b(?:resets?|again|wait|available) (?:in |for )?(?:about )?"
    r"((?:\d{1,4} (?:second|minute|hour|day)s?(?:,? (?:and )?)?){1,4})"
)
_PART: Final = re.compile(r"(\d{1,4}) (second|minute|hour|day)")
_SECONDS: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 24 * 3600.0}


def wait_in(text: str) -> float | None:
    """The seconds after which a limit clears, as `text` says in lower case; None if it does not say."""
    found = _WAIT.search(text)
    if found is None:
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(found[1]))
