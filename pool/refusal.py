"""What a caller is told where none of the accounts of its key can take the turn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pool.candidate import Obstacle
from pool.choice import Refusal
from translate.values import ApiError, NotAdmitted, NotFound, Overloaded, QuotaExceeded, Unauthorized


@dataclass(frozen=True, slots=True)
class _Told:
    """The error for an obstacle."""

    kind: type[ApiError]
    text: str
    code: str | None = None


BUSY: Final = _Told(NotAdmitted, "The accounts of this key are busy: each answers one message at a time.")
NO_ACCOUNT: Final = "no_account_available"
TOLD: Final[Mapping[Obstacle, _Told]] = {
    Obstacle.NONE: BUSY,
    Obstacle.NO_ACCOUNT: _Told(Overloaded, "There is no account that this key may use.", NO_ACCOUNT),
    Obstacle.DISABLED: _Told(Overloaded, "The accounts of this key are switched off.", NO_ACCOUNT),
    Obstacle.NO_CREDENTIAL: _Told(Overloaded, "The accounts of this key have no credential now.", NO_ACCOUNT),
    Obstacle.UNABLE: _Told(
        NotFound, "None of the accounts of this key has this model or feature.", "model_not_found"
    ),
    Obstacle.REFUSED: _Told(
        Overloaded,
        "The backend refuses the accounts that this key may use; the operator must look.",
        NO_ACCOUNT,
    ),
    Obstacle.COOLING: _Told(
        Overloaded, "The accounts of this key have failed lately, and rest for a while.", NO_ACCOUNT
    ),
    Obstacle.QUOTA: _Told(QuotaExceeded, "The accounts of this key have spent their quota of today."),
    Obstacle.WINDOW: _Told(
        NotAdmitted,
        "The accounts of this key have sent as many GPT-4 messages as they may for now.",
    ),
    Obstacle.CAPPED: _Told(NotAdmitted, "The backend has capped this model for the accounts of this key."),
    Obstacle.FEATURE: _Told(
        NotAdmitted, "The accounts of this key have no uses of this feature left for now."
    ),
}
REJECTIONS: Final[Mapping[Obstacle, str]] = {
    Obstacle.NONE: "queue",
    Obstacle.NO_ACCOUNT: "no_account",
    Obstacle.DISABLED: "no_account",
    Obstacle.NO_CREDENTIAL: "no_account",
    Obstacle.UNABLE: "no_account",
    Obstacle.REFUSED: "no_account",
    Obstacle.COOLING: "no_account",
    Obstacle.QUOTA: "quota",
    Obstacle.WINDOW: "gpt4_window",
    Obstacle.CAPPED: "model_cap",
    Obstacle.FEATURE: "feature_limit",
}
"""Under which reason such refusals are counted."""


def refusal_error(refusal: Refusal) -> ApiError:
    """The error, with the wait after which an account is able again as far as that is known."""
    told = TOLD[Obstacle.NONE if refusal.only_busy else refusal.obstacle]
    return told.kind(
        f"{told.text} Nothing was spent.",
        code=told.code,
        retry_after=refusal.retry_after,
        should_retry=None if refusal.retry_after is not None else False,
    )


def revoked() -> Unauthorized:
    """The error for a key that was taken back while its request waited."""
    return Unauthorized("This API key was revoked.", code="invalid_api_key", should_retry=False)
