"""What the service tells of requests, and who takes it. Nothing of what is said is ever told."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnd:
    """How a message that was posted to the backend ended.

    `verdict` says what that proves and `outcome` is what the ledger has; `status` is that of HTTP, None if
    none came. `answered_by` is the backend's name of the model that answered. `error` is the code of the
    error, empty for a whole answer. `failed`: there is no whole answer, and nobody here has ended it.
    """

    verdict: str
    outcome: str
    status: int | None
    answered_by: str
    error: str
    failed: bool


class AttemptTrace(Protocol):
    """The span of one message that is posted to the backend; call `end` once."""

    def answer_began(self) -> None:
        """The backend's answer begins now."""
        ...

    def end(self, end: AttemptEnd) -> None:
        """The exchange is over."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestEnd:
    """How a request ended, as its log line has it; what is not known is empty or None.

    `ttft` is in seconds from the start of the request to the first content of a stream. `operation` is
    OpenTelemetry's name of what was asked of the model, and `output` of what it makes (`image`, `speech`, and
    empty for text); both are empty where no model was asked. `finish_reason` is OpenAI's. `error` is the code
    of the error that the client got. `failed`: it is not the client's fault that there is no whole answer.
    """

    status: int
    outcome: str
    failed: bool
    error: str
    ttft: float | None
    key: str
    account: str
    operation: str
    output: str
    model: str
    answered_by: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    units: int | None


class RequestTrace(Protocol):
    """The span of one request; call `end` once. Attempts may be made until then."""

    @property
    def trace_id(self) -> str:
        """The id of the trace that it is part of: 32 hexadecimal digits."""
        ...

    def attempt(self, *, account: str, model: str) -> AttemptTrace:
        """A message is posted to the backend now. `account` is the alias of the operator's account, empty for
        the caller's own; `model` is the backend's name of the model that is asked.
        """
        ...

    def end(self, end: RequestEnd) -> None:
        """The response is over."""
        ...


class Tracer(Protocol):
    """Begins the traces of requests."""

    def begin(self, *, request_id: str, method: str, route: str, parent: str) -> RequestTrace:
        """A request begins now. `route` is its name in the metrics; `parent` is the client's `traceparent`
        (W3C Trace Context), which is gone on with if it is valid.
        """
        ...

    async def close(self) -> None:
        """Tell what is not told yet, for some seconds at most."""
        ...
