"""What an ended exchange proves, and what the client's SDK is told."""

import pytest

from simulator.refusals import CLOUDFLARE_PAGE, GATEWAY_PAGE, ONLY_ONE_MESSAGE, REFUSALS, server_error
from translate.values import Overloaded, RateLimited
from turns.verdict import Verdict, judge, judge_answer, told
from upstream import Aborted, ConnectFailed, ConnectionLost, Exchange, FirstByteTimeout, ResponseRefused

DETAIL = b'{"detail": "Internal Server Error"}'
CONVERSATION = b'{"conversation_id": "c1", "detail": "oops"}'

REFUSED = {
    **{name: (refusal.status, refusal.body) for name, refusal in REFUSALS.items()},
    "busy with status 200": (200, ONLY_ONE_MESSAGE.body),
    "busy with status 502": (502, ONLY_ONE_MESSAGE.body),
    "challenge with status 200": (200, CLOUDFLARE_PAGE.encode()),
    "challenge with status 503": (503, CLOUDFLARE_PAGE.encode()),
    "error with status 200": (200, DETAIL),
    "503 in the backend's own form": (503, DETAIL),
    "503": (503, b'{"error": {"message": "The server had an error while processing your request."}}'),
    "403 page": (403, GATEWAY_PAGE.encode()),
    "404 without a body": (404, b""),
    "422 about the conversation": (
        422, b'{"detail": [{"loc": ["body", "conversation_id"], "msg": "x", "type": "y"}]}'
    ),
    "429 without a body": (429, b""),
    "521": (521, GATEWAY_PAGE.encode()),
    "moved": (308, b""),
}  # fmt: skip
del REFUSED["interruption_server_error"]
MAYBE = {
    "200 without a body": (200, b""),
    "200 with other JSON": (200, b'{"status": "ok"}'),
    "200 with a page": (200, GATEWAY_PAGE.encode()),
    "200 that cannot be read": (200, b"\x1f\x8b\x08\x00\x00"),
    "202": (202, DETAIL),
    "204": (204, b""),
    "302": (302, b""),
    "408": (408, DETAIL),
    "499": (499, b""),
    "500": (500, DETAIL),
    "502": (502, server_error(502).body),
    "500 page": (500, GATEWAY_PAGE.encode()),
    "500 without an error": (500, b"{}"),
    "502 page": (502, GATEWAY_PAGE.encode()),
    "502 cut": (502, DETAIL[:-3]),
    "503 without a body": (503, b""),
    "504": (504, DETAIL),
    "504 of a challenge": (504, CLOUDFLARE_PAGE.encode()),
    "520": (520, DETAIL),
    "524": (524, GATEWAY_PAGE.encode()),
}
ACCEPTED = {
    "200 with a conversation": (200, b'{"conversation_id": "c1"}'),
    "500 with a conversation": (500, CONVERSATION),
    "500 with a conversation in the error": (500, b'{"error": {"message": "x", "conversation_id": "c1"}}'),
    "502 with half a conversation": (502, CONVERSATION[:-3]),
    "broken off": (500, REFUSALS["interruption_server_error"].body),
}


@pytest.mark.parametrize(("status", "body"), REFUSED.values(), ids=REFUSED)
def test_answer_that_proves_a_refusal(status: int, body: bytes) -> None:
    assert judge_answer(status, body) is Verdict.REFUSED


@pytest.mark.parametrize(("status", "body"), MAYBE.values(), ids=MAYBE)
def test_answer_that_proves_nothing_counts_as_spent(status: int, body: bytes) -> None:
    assert judge_answer(status, body) is Verdict.MAYBE
    assert Verdict.MAYBE.spent


@pytest.mark.parametrize(("status", "body"), ACCEPTED.values(), ids=ACCEPTED)
def test_answer_that_shows_a_conversation(status: int, body: bytes) -> None:
    assert judge_answer(status, body) is Verdict.ACCEPTED


def test_503_that_asks_to_come_back_is_a_refusal() -> None:
    assert judge_answer(503, b"", asks_to_return=True) is Verdict.REFUSED
    assert judge_answer(502, b"", asks_to_return=True) is Verdict.MAYBE
    assert judge_answer(503, CONVERSATION, asks_to_return=True) is Verdict.ACCEPTED


def test_exchange_is_judged_by_how_far_it_came() -> None:
    exchange = Exchange()
    facts = exchange.begin()
    assert judge(exchange, ConnectFailed("refused")) is Verdict.UNSENT
    facts.connected = True
    assert judge(exchange, ConnectionLost("before_headers", "reset")) is Verdict.MAYBE
    assert judge(exchange, FirstByteTimeout(1)) is Verdict.MAYBE
    facts.status = 403
    assert judge(exchange, Aborted()) is Verdict.REFUSED, "whatever its body would have said"
    facts.status = 200
    assert judge(exchange, Aborted()) is Verdict.MAYBE
    asked_back = ResponseRefused(503, "", {"retry-after": "3"}, b"")
    facts.status = 503
    assert judge(exchange, asked_back) is Verdict.REFUSED
    facts.status, facts.handed_over = 200, True
    assert judge(exchange, ResponseRefused(401, "", {}, b"")) is Verdict.ACCEPTED, "that was another call"


@pytest.mark.parametrize(
    ("wait", "spent", "repeated", "should_retry"),
    [
        (None, False, False, None),
        (2.0, False, False, None),
        (61.0, False, False, False),
        (2.0, True, False, False),
        (2.0, False, True, False),
        (None, True, True, False),
    ],
)
def test_sdk_may_try_again_only_what_was_free_and_not_repeated_here(
    wait: float | None, spent: bool, repeated: bool, should_retry: bool | None
) -> None:
    error = Overloaded("Come back.", code="upstream_unreachable", retry_after=wait)
    shown = told(error, spent=spent, repeated=repeated)
    assert (type(shown), shown.message, shown.code) == (Overloaded, error.message, error.code)
    assert (shown.should_retry, shown.retry_after) == (should_retry, wait)
    assert error.should_retry is None, "the error may be told elsewhere too"


def test_what_would_fail_again_stays_so() -> None:
    assert told(RateLimited("x", should_retry=False), spent=False, repeated=False).should_retry is False
