"""What one exchange with the backend came to: the one value from which ledger, metrics and error follow."""

from dataclasses import dataclass

from metrics import Attempt
from translate.values import ApiError, RateLimited, UpstreamFailed
from turns.failures import as_api_error
from upstream import ConnectFailed, Exchange, ProgressTimeout, ResponseRefused, UpstreamError


@dataclass(frozen=True, slots=True)
class ExchangeResult:
    """How an exchange ended.

    `attempt` is what the ledger and the metrics record. `failure` is what the transport reported, and
    `error` is what the caller gets instead of a whole answer; both are None for a whole answer.
    `unreachable`: the backend could not be reached, or did not answer at all. `abandoned`: this side ended
    it, so that the backend may still be at work. `capped_for` is for how many seconds the backend has
    capped the model, if it said so.
    """

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
    abandoned = exchange.aborted or isinstance(failure, ProgressTimeout)
    attempt = _attempt(exchange, failure, done=done, error=error, abandoned=abandoned)
    if done:
        failure = None  # nothing is missing, however the connection ended
    else:
        lost = UpstreamFailed("The upstream connection was lost.", should_retry=False)
        error = lost if failure is None else as_api_error(failure)
    unreachable = attempt is Attempt.UNKNOWN or isinstance(failure, ConnectFailed)
    return ExchangeResult(attempt, failure, error, unreachable, abandoned, _capped_for(error))


def _attempt(
    exchange: Exchange, failure: UpstreamError | None, *, done: bool, error: ApiError | None, abandoned: bool
) -> Attempt:
    """A refusal proves that the backend accepted nothing, and the headers of an answer that it did."""
    if not exchange.reached_backend:
        return Attempt.UNSENT
    if exchange.status is None:
        return Attempt.UNKNOWN
    page = exchange.content_type == "text/html"
    if isinstance(failure, ResponseRefused) or not 200 <= exchange.status < 300 or page:
        return Attempt.REFUSED
    if done and error is None:
        return Attempt.OK
    return Attempt.STOPPED if abandoned and error is None else Attempt.FAILED


def _capped_for(error: ApiError | None) -> float | None:
    """For how many seconds the backend's refusal says that the model is capped.

    See protocol notes, section 14.1.
    """
    if isinstance(error, RateLimited) and error.should_retry is False and error.retry_after:
        return error.retry_after
    return None
