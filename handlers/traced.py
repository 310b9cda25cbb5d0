"""How a request ended, as its trace has it: the values of its log line, under OpenTelemetry's names."""

from collections.abc import Mapping
from typing import Final

from metrics import CONVERSATION_ROUTES, Outcome
from tracing import RequestEnd
from translate.values import ApiError
from turns import TurnOutcome

OPERATIONS: Final[Mapping[str, str]] = {
    "chat": "chat",
    "messages": "chat",
    "responses": "chat",
    "images": "generate_content",
    "audio": "generate_content",
}
"""What each route that asks a model asks it for, by `gen_ai.operation.name`."""
OUTPUTS: Final[Mapping[str, str]] = {"images": "image", "audio": "speech"}
"""What a route makes that makes no text, by `gen_ai.output.type`."""


def request_end(
    route: str,
    status: int,
    outcome: Outcome,
    failure: ApiError | None,
    *,
    key: str,
    model: str,
    ttft: float | None,
    turn: TurnOutcome | None,
) -> RequestEnd:
    """What the trace is told of a request; see `RequestEnd`.

    It has failed with a status of 5xx, and with a good one that an error of the stream belied. That the
    client left is no failure, nor is what the client did wrong (OpenTelemetry's rule for spans of servers).
    """
    belied = status < 400 and outcome not in (Outcome.OK, Outcome.CLIENT_GONE)
    end = turn.end if turn is not None else None
    usage = turn.usage if turn is not None else None
    return RequestEnd(
        status=status,
        outcome=outcome.value,
        failed=status >= 500 or belied,
        error=(failure.code or failure.type) if failure is not None else "",
        ttft=ttft,
        key=key,
        account=turn.account if turn is not None else "",
        operation=OPERATIONS.get(route, "") if model else "",
        output=OUTPUTS.get(route, ""),
        model=model,
        answered_by=turn.answered_by if turn is not None else "",
        finish_reason=end.reason if end is not None and outcome is Outcome.OK else "",
        prompt_tokens=usage.prompt_tokens if usage is not None else 0,
        completion_tokens=usage.completion_tokens if usage is not None else 0,
        units=turn.units if turn is not None and route in CONVERSATION_ROUTES else None,
    )
