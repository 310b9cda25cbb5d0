"""What a trace says of a request that has ended."""

import pytest

from handlers.traced import OPERATIONS, request_end
from metrics import CONVERSATION_ROUTES, Outcome
from tracing import RequestEnd
from translate.values import ApiError, NotAdmitted, UpstreamFailed, Usage
from turns import TurnOutcome

TURN = TurnOutcome(Outcome.OK, None, None, None, 14, Usage(3, 5), 0, "gpt-4-turbo", account="anna")


def end(
    route: str = "chat",
    status: int = 200,
    outcome: Outcome = Outcome.OK,
    failure: ApiError | None = None,
    model: str = "gpt-4-s",
    turn: TurnOutcome | None = TURN,
) -> RequestEnd:
    return request_end(route, status, outcome, failure, key="laptop", model=model, ttft=None, turn=turn)


def test_it_has_what_the_log_line_has() -> None:
    told = end()
    assert (told.outcome, told.key, told.account, told.units) == ("ok", "laptop", "anna", 14)
    assert (told.model, told.answered_by) == ("gpt-4-s", "gpt-4-turbo")
    assert (told.prompt_tokens, told.completion_tokens) == (3, 5)


@pytest.mark.parametrize(
    ("status", "outcome", "failed"),
    [
        (200, Outcome.OK, False),
        (200, Outcome.CLIENT_GONE, False),
        (200, Outcome.UPSTREAM_ERROR, True),
        (200, Outcome.UPSTREAM_TIMEOUT, True),
        (400, Outcome.INVALID, False),
        (429, Outcome.REJECTED, False),
        (401, Outcome.UPSTREAM_REFUSED, False),
        (503, Outcome.REJECTED, True),
        (502, Outcome.UPSTREAM_ERROR, True),
        (500, Outcome.ERROR, True),
    ],
)
def test_it_has_failed_where_nobody_outside_is_at_fault(status: int, outcome: Outcome, failed: bool) -> None:
    assert end(status=status, outcome=outcome).failed == failed


def test_error_is_told_by_its_code_or_its_type_and_never_by_its_words() -> None:
    coded = end(failure=NotAdmitted("words of somebody", code="account_quota"))
    plain = end(failure=UpstreamFailed("words of somebody"))
    assert (coded.error, plain.error) == ("account_quota", "upstream_error")


def test_every_route_that_asks_a_model_says_for_what() -> None:
    assert set(OPERATIONS) == set(CONVERSATION_ROUTES)
    assert (end("images").operation, end("images").output) == ("generate_content", "image")
    assert end("usage").operation == ""


def test_model_that_does_not_exist_was_not_asked() -> None:
    told = end(model="", turn=None)
    assert (told.operation, told.account, told.units) == ("", "", None)
