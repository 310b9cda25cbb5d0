"""A request for an answer, while it runs and once it is over: names and numbers alone."""

from dataclasses import dataclass
from typing import Protocol

from logs import Failure
from metrics import Outcome


class Progress(Protocol):
    """Knows how far an answer has come."""

    @property
    def has_text(self) -> bool:
        """Some text of the answer has been delivered."""
        ...


@dataclass(frozen=True, slots=True)
class RunningRequest:
    """A request whose answer is being made.

    `began` is when the request came (Unix seconds). `route` is its name in logs and metrics, `model` the
    name of the model, `key` the alias of the key, `side` the client and the task of a side request; each is
    empty where there is none.
    """

    request_id: str
    began: float
    route: str
    model: str
    key: str
    side: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRequest:
    """A request that is over; `request` says which, and the rest is what its line in the log says.

    `status` is that of HTTP, `duration` and `ttft` (time to the first text of a stream) are in seconds.
    `account` is the alias of the operator's account, `answered_by` the backend's name of the model,
    `finish_reason` why a good answer ends; each is empty where there is none. `units` are of quota.
    `failure` says why it failed, if it did.
    """

    request: RunningRequest
    status: int
    outcome: Outcome
    duration: float
    ttft: float | None = None
    account: str = ""
    answered_by: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    units: int = 0
    failure: Failure | None = None


def running_as_json(request: RunningRequest, answering: bool) -> dict[str, object]:
    """`{"request_id", "began", "route", "model", "key", "side", "answering"}`: the last tells whether some
    text of the answer is there.
    """
    return {**_as_json(request), "answering": answering}


def ended_as_json(ended: EndedRequest) -> dict[str, object]:
    """What `EndedRequest` has, in one object: the fields of the request, its end, and the `code` and `reason`
    of its failure. `ttft` is null if no text of a stream came.
    """
    failure = ended.failure
    return {
        **_as_json(ended.request),
        "status": ended.status,
        "outcome": ended.outcome,
        "duration": round(ended.duration, 3),
        "ttft": None if ended.ttft is None else round(ended.ttft, 3),
        "account": ended.account,
        "answered_by": ended.answered_by,
        "finish_reason": ended.finish_reason,
        "prompt_tokens": ended.prompt_tokens,
        "completion_tokens": ended.completion_tokens,
        "units": ended.units,
        "code": failure.code if failure is not None else "",
        "reason": failure.reason if failure is not None else "",
    }


def _as_json(request: RunningRequest) -> dict[str, object]:
    # `asdict` of dataclasses takes five times as long, and each look at a busy service shows many.
    return {
        "request_id": request.request_id,
        "began": request.began,
        "route": request.route,
        "model": request.model,
        "key": request.key,
        "side": request.side,
    }
