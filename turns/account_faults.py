"""Whose fault a failure is: the account's (or that of the way to it), or nobody's whom another could replace.

What a request is at fault for would fail on every account, and a conversation that is gone is no fault of the
account that had it.
"""

from collections.abc import Callable
from typing import Final

from pool import AccountFault, Fault
from translate.backend import Said, said_by
from translate.values import (
    AccountBusy,
    ApiError,
    Forbidden,
    KeyExpired,
    ModelCapped,
    NotAdmitted,
    NotFound,
    Overloaded,
    PlanLimitReached,
    RateLimited,
    Unauthorized,
)
from turns.exchange_result import ExchangeResult
from turns.failures import announced_wait
from turns.retry import FREE
from turns.verdict import Verdict
from upstream import ResponseRefused

DEACTIVATED: Final = ("account_deactivated", "deactivated_workspace")


def _is(kind: type[ApiError], *codes: str) -> Callable[[ApiError], bool]:
    return lambda error: isinstance(error, kind) and (not codes or error.code in codes)


FAULTS: Final[tuple[tuple[Callable[[ApiError], bool], AccountFault | None], ...]] = (
    (_is(NotAdmitted), None),  # a limit of this service
    (_is(KeyExpired), AccountFault.EXPIRED),
    (_is(Unauthorized, "invalid_api_key"), AccountFault.REFUSED),
    (_is(Forbidden, *DEACTIVATED), AccountFault.DEACTIVATED),
    (_is(ModelCapped), AccountFault.CAPPED),
    (_is(PlanLimitReached), AccountFault.CAPPED),
    (_is(NotFound, "model_not_found"), AccountFault.NO_MODEL),
    (_is(AccountBusy), AccountFault.BUSY),
    (_is(RateLimited), AccountFault.RATE),
    (_is(Overloaded, "upstream_challenge"), AccountFault.CHALLENGE),
    (_is(Overloaded, "upstream_unreachable"), AccountFault.UNREACHABLE),
)
"""Errors of the backend's, and what each says of the account; the first row that fits counts."""
OF_A_FEATURE: Final = (AccountFault.CAPPED, AccountFault.RATE)
"""What is only about the feature, where nothing but a feature was asked for."""
OWN_WAITS: Final = (AccountFault.UNREACHABLE,)
"""Whose errors have a wait that the backend did not announce."""


def account_fault(result: ExchangeResult) -> Fault | None:
    """The fault of the account that an exchange has shown, None if there is none.

    For `CAPPED` and `NO_MODEL` it is about the model that was asked for.
    """
    if result.error is None:
        return None
    if result.unreachable:
        return Fault(AccountFault.UNREACHABLE)
    if result.failure is not None and _is_failing(result):
        return Fault(AccountFault.FAILING, announced_wait(result.failure))
    return fault_of_error(result.error)


def fault_of_error(error: ApiError, feature: str = "") -> Fault | None:
    """The fault of the account that an error shows, None if there is none or it is not certain.

    With `feature` that was what was asked for, such as `file_upload` where a file was refused: a limit is one
    of that feature then. An error that may be one of this service, such as too little memory, shows none.
    """
    kind = next((kind for fits, kind in FAULTS if fits(error)), None)
    if kind is None:
        return None
    wait = None if kind in OWN_WAITS else error.retry_after
    if feature and kind in OF_A_FEATURE:
        return Fault(AccountFault.FEATURE, wait, feature)
    return Fault(kind, wait)


def moves_on(result: ExchangeResult) -> bool:
    """Whether another account may answer what failed here, and nothing was spent on it.

    Also where the account has no access to something, such as a GPT: no fault, but others may have it.
    """
    if result.verdict not in FREE or result.error is None:
        return False
    return account_fault(result) is not None or isinstance(result.error, Forbidden)


def _is_failing(result: ExchangeResult) -> bool:
    """The backend failed: it refused with a 5xx and no well-known word, and had accepted nothing."""
    failure = result.failure
    if not isinstance(failure, ResponseRefused) or failure.status < 500:
        return False
    return result.verdict is not Verdict.ACCEPTED and said_by(failure.body) is not Said.REFUSED
