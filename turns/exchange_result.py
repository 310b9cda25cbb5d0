"""What one exchange with the backend came to: the one value from which ledger, metrics and error follow."""

from dataclasses import dataclass

from metrics import Attempt
from tracing import AttemptEnd
from translate.values import ApiError, RateLimited, UpstreamFailed
from turns.failures import TIMEOUTS, as_api_error
from turns.verdict import Verdict, judge
from upstream import (
    ConnectFailed,
    ConnectionLost,
    Exchange,
    FirstByteTimeout,
    UpstreamError,
)


@dataclass(frozen=True, slots=True)
class ExchangeResult:
    """How an exchange ended.

    `verdict` says what it proves, `attempt` is what the ledger and the metrics record. `failure` is what the
    transport reported, and `error` is what the caller gets instead of a whole answer; both are None for a
    whole answer. `unreachable`: the backend could not be reached, or did not answer at all. `abandoned`: this
    side ended it, so that the backend may still be at work. `capped_for` is for how many seconds the backend
    has capped the model, if it said so.
    """

    verdict: Verdict
    attempt: Attempt
    failure: UpstreamError | None
    error: ApiError | None
    unreachable: bool
    abandoned: bool
    capped_for: float | None


def exchange_result(
    exchange: Exchange, failure: UpstreamError | None, *, done: bool, error: ApiError | None
) -> ExchangeResult:
    """What the facts of an ended exchange mean.

    `failure` is what the transport raised. `done` says that the stream came to its end, well or not, and
    `error` is the failure that it ended with.
    """
    verdict = judge(exchange, failure)
    abandoned = exchange.aborted or isinstance(failure, TIMEOUTS)
    unreachable = isinstance(failure, ConnectFailed) or (
        verdict is Verdict.MAYBE and isinstance(failure, FirstByteTimeout | ConnectionLost)
    )
    if done:
        failure = None  # nothing is missing, however the connection ended
    else:
        error = as_api_error(failure) if failure else UpstreamFailed("The upstream connection was lost.")
    attempt = _attempt(verdict, whole=error is None, stopped=exchange.aborted and not done)
    return ExchangeResult(verdict, attempt, failure, error, unreachable, abandoned, _capped_for(error))


def attempt_end(exchange: Exchange, result: ExchangeResult, *, answered_by: str) -> AttemptEnd:
    """How the exchange ended, as its trace has it; `answered_by` is the backend's name of the model."""
    error = result.error
    return AttemptEnd(
        verdict=result.verdict.name.lower(),
        outcome=result.attempt.value,
        status=exchange.status,
        answered_by=answered_by,
        error=(error.code or error.type) if error is not None else "",
        failed=error is not None and not exchange.aborted,
    )


def _attempt(verdict: Verdict, *, whole: bool, stopped: bool) -> Attempt:
    """What the ledger and the metrics call it."""
    match verdict:
        case Verdict.UNSENT:
            return Attempt.UNSENT
        case Verdict.REFUSED:
            return Attempt.REFUSED
        case Verdict.MAYBE:
            return Attempt.UNKNOWN
        case Verdict.ACCEPTED:
            if whole:
                return Attempt.OK
            return Attempt.STOPPED if stopped else Attempt.FAILED


def _capped_for(error: ApiError | None) -> float | None:
    """For how many seconds the backend's refusal says that the model is capped.

    See protocol notes, section 14.1.
    """
    if isinstance(error, RateLimited) and error.should_retry is False and error.retry_after:
        return error.retry_after
    return None
