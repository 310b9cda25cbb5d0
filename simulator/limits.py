"""What each account may still do, as the backend of 2026 tells it (protocol notes, section 20.8)."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from simulator.knobs import Knobs
from simulator.messages import JsonObject
from simulator.models_2026 import DEFAULT_MODEL

DAY_SECONDS = 86_400
_UNCOUNTED = {"file_upload": 80, "paste_text_to_file": 80, "odyssey": 40}
"""Features that are listed, with what remains, but not counted here."""


class FeatureLimits:
    """How often each account has used a feature: image_gen, deep_research.

    `clock` gives Unix seconds; `is_blocked` tells whether one of an account is used up in any case.
    """

    def __init__(self, clock: Callable[[], float], is_blocked: Callable[[str, str], bool]) -> None:
        self._clock = clock
        self._is_blocked = is_blocked
        self._used: Counter[tuple[str, str]] = Counter()

    def use(self, key: str, feature: str) -> None:
        """Count one use."""
        self._used[key, feature] += 1

    def remaining(self, key: str, feature: str, knobs: Knobs) -> int:
        """Uses that are left, never less than 0."""
        if self._is_blocked(key, feature):
            return 0
        quotas = {"image_gen": knobs.image_quota, "deep_research": knobs.research_quota, **_UNCOUNTED}
        return max(0, quotas[feature] - self._used[key, feature])

    def details(self, key: str, knobs: Knobs) -> JsonObject:
        """The record `conversation_detail_metadata`, which is also the answer of conversation/init."""
        resets = datetime.fromtimestamp(self._clock() + DAY_SECONDS, UTC).isoformat()
        left = {
            name: self.remaining(key, name, knobs) for name in ("deep_research", "image_gen", *_UNCOUNTED)
        }
        blocked = [
            {
                "name": name,
                "resets_after": resets,
                "block_reason": "rate_limit",
                "description": "Limit reached",
            }
            for name, uses in left.items()
            if not uses
        ]
        capped = {
            "model_slug": DEFAULT_MODEL,
            "using_default_model_slug": knobs.answers_as,
            "resets_after": resets,
        }
        return {
            "type": "conversation_detail_metadata",
            "banner_info": None,
            "default_model_slug": DEFAULT_MODEL,
            "blocked_features": blocked,
            "model_limits": [capped] if knobs.answers_as else [],
            "limits_progress": [
                {"feature_name": name, "remaining": uses, "reset_after": resets}
                for name, uses in left.items()
            ],
        }
