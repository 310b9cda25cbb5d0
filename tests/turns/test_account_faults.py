"""Whose fault a failed exchange is, for every refusal that is known, and whether another account may help."""

import pytest

from pool import AccountFault, Fault
from simulator.refusals import CLOUDFLARE_PAGE, GATEWAY_PAGE, REFUSALS, Refusal, server_error
from translate.values import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    InternalError,
    NotAdmitted,
    NotFound,
    Overloaded,
    PlanLimitReached,
    QuotaExceeded,
    RateLimited,
    Unauthorized,
    UpstreamFailed,
    UpstreamTimeout,
)
from turns.account_faults import account_fault, fault_of_error, moves_on
from turns.exchange_result import ExchangeResult, exchange_result
from upstream import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    TotalTimeout,
    UpstreamError,
)


def ended(status: int | None = 200, *, streaming: bool = False) -> Exchange:
    exchange = Exchange()
    facts = exchange.begin()
    facts.connected, facts.status, facts.streaming = True, status, streaming
    facts.content_type = "text/event-stream" if streaming else "application/json"
    return exchange


def refused(refusal: Refusal, **headers: str) -> ExchangeResult:
    failure = ResponseRefused(
        refusal.status, refusal.content_type.partition(";")[0].lower(), headers, refusal.body
    )
    return exchange_result(ended(refusal.status), failure, done=False, error=None)


def page(status: int, text: str = GATEWAY_PAGE) -> Refusal:
    return Refusal(status, text.encode(), "text/html")


NOBODYS = None
FAILING = Fault(AccountFault.FAILING)
KNOWN: dict[str, Fault | None] = {
    "unauthorized": Fault(AccountFault.REFUSED),
    "token_expired": Fault(AccountFault.EXPIRED),
    "invalid_jwt": Fault(AccountFault.REFUSED),
    "expired_session_key": Fault(AccountFault.EXPIRED),
    "invalid_api_key": Fault(AccountFault.REFUSED),
    "account_deactivated": Fault(AccountFault.DEACTIVATED),
    "deactivated_workspace": Fault(AccountFault.DEACTIVATED),
    "cloudflare": Fault(AccountFault.CHALLENGE),
    "unusual_activity": Fault(AccountFault.CHALLENGE),
    "challenge_required": Fault(AccountFault.CHALLENGE),
    "conversation_not_found": NOBODYS,
    "history_disabled_conversation_not_found": NOBODYS,
    "cannot_load": NOBODYS,
    "not_found": NOBODYS,
    "model_not_found": Fault(AccountFault.NO_MODEL),
    "message_length_exceeds_limit": NOBODYS,
    "validation": NOBODYS,
    "content_policy": NOBODYS,
    "model_cap_exceeded": Fault(AccountFault.CAPPED, 5400.0),
    "one_message": Fault(AccountFault.BUSY, 5.0),
    "too_many_requests": Fault(AccountFault.RATE),
    "something_went_wrong": Fault(AccountFault.RATE),
    "interruption_server_error": NOBODYS,
    "token_invalidated": Fault(AccountFault.REFUSED),
    "token_revoked": Fault(AccountFault.REFUSED),
    "conversation_inaccessible": NOBODYS,
    "conversation_deleted": NOBODYS,
    "history_disabled_conversation_expired": NOBODYS,
    "tokenless_resume_unavailable": NOBODYS,
    "conduit_miss": NOBODYS,
    "persisted_final_available": NOBODYS,
    "message_too_long": NOBODYS,
    "invalid_body": NOBODYS,
    "work_usage_limit_exceeded": Fault(AccountFault.CAPPED),
    "plan_limit": Fault(AccountFault.CAPPED),
    "temporarily_limited": Fault(AccountFault.RATE, 300.0),
    "hourly_limit": Fault(AccountFault.RATE, 3600.0),
    "concurrent": Fault(AccountFault.BUSY, 5.0),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_known_refusal_is_the_fault_of_who_it_is(name: str) -> None:
    result = refused(REFUSALS[name])
    assert account_fault(result) == KNOWN[name]
    assert moves_on(result) == (KNOWN[name] is not None)


OTHER: dict[str, tuple[Refusal, Fault | None, bool]] = {
    "401 without a body": (Refusal(401, b""), Fault(AccountFault.REFUSED), True),
    "403 without a body": (Refusal(403, b""), NOBODYS, True),
    "403 of a GPT": (Refusal.detail(403, "You do not have access to this GPT."), NOBODYS, True),
    "403 page": (page(403), Fault(AccountFault.CHALLENGE), True),
    "429 without a body": (Refusal(429, b""), Fault(AccountFault.RATE), True),
    "400": (Refusal.detail(400, "Bad"), NOBODYS, False),
    "404 without a body": (Refusal(404, b""), NOBODYS, False),
    "413": (Refusal(413, b""), NOBODYS, False),
    "418": (Refusal(418, b""), NOBODYS, False),
    "moved": (Refusal(308, b""), NOBODYS, False),
    "200 with other JSON": (Refusal.of(200, {"status": "ok"}), NOBODYS, False),
    "200 with a challenge": (page(200, CLOUDFLARE_PAGE), Fault(AccountFault.CHALLENGE), True),
    "500": (server_error(500), FAILING, False),
    "500 page": (page(500), FAILING, False),
    "502 that is busy": (
        Refusal.detail(502, "Too many concurrent requests"), Fault(AccountFault.BUSY, 5.0), True
    ),
    "503": (server_error(503), FAILING, True),
    "503 page of a gateway": (page(503), FAILING, False),
    "503 page of a challenge": (page(503, CLOUDFLARE_PAGE), Fault(AccountFault.CHALLENGE), True),
    "504": (server_error(504), FAILING, False),
    "521": (page(521), FAILING, True),
    "524": (page(524), FAILING, False),
    "500 with a conversation": (Refusal.of(500, {"conversation_id": "c", "detail": "x"}), NOBODYS, False),
}  # fmt: skip


@pytest.mark.parametrize(("refusal", "fault", "goes_on"), OTHER.values(), ids=OTHER)
def test_other_refusals(refusal: Refusal, fault: Fault | None, goes_on: bool) -> None:
    result = refused(refusal)
    assert account_fault(result) == fault
    assert moves_on(result) == goes_on


def test_wait_is_that_of_the_backend() -> None:
    wait = {"retry-after": "17"}
    assert account_fault(refused(server_error(503), **wait)) == Fault(AccountFault.FAILING, 17.0)
    assert account_fault(refused(page(503), **wait)) == Fault(AccountFault.FAILING, 17.0)
    assert account_fault(refused(Refusal(429, b""), **wait)) == Fault(AccountFault.RATE, 17.0)


def failed(exchange: Exchange, failure: UpstreamError) -> ExchangeResult:
    return exchange_result(exchange, failure, done=False, error=None)


def test_way_to_the_backend_counts_as_the_accounts() -> None:
    away = Exchange()
    away.begin()
    unreachable = Fault(AccountFault.UNREACHABLE)
    assert account_fault(failed(away, ConnectFailed("refused"))) == unreachable
    assert moves_on(failed(away, ConnectFailed("refused")))
    for failure in (FirstByteTimeout(1), ConnectionLost("before_headers", "reset")):
        result = failed(ended(None), failure)
        assert account_fault(result) == unreachable
        assert not moves_on(result), "it may have been read, and cost something"


@pytest.mark.parametrize(
    "failure",
    [IdleTimeout(1), ProgressTimeout(1), TotalTimeout(1), ConnectionLost("body", "reset"), Aborted()],
)
def test_answer_that_broke_off_is_nobodys_fault(failure: UpstreamError) -> None:
    result = failed(ended(streaming=True), failure)
    assert account_fault(result) is None
    assert not moves_on(result)


def test_request_that_was_given_up_before_it_was_sent_is_nobodys_fault() -> None:
    away = Exchange()
    away.begin()
    assert account_fault(failed(away, Aborted())) is None
    assert not moves_on(failed(away, Aborted()))


def test_whole_answer_shows_no_fault() -> None:
    result = exchange_result(ended(streaming=True), None, done=True, error=None)
    assert account_fault(result) is None
    assert not moves_on(result)


def test_fault_that_the_stream_tells_counts_but_nothing_is_sent_again() -> None:
    error = Overloaded("The backend asks for a challenge.", code="upstream_challenge", should_retry=False)
    result = exchange_result(ended(streaming=True), None, done=True, error=error)
    assert account_fault(result) == Fault(AccountFault.CHALLENGE)
    assert not moves_on(result)


NO_FAULTS: list[ApiError] = [
    BadRequest("x"),
    Forbidden("x"),
    InternalError("x"),
    NotAdmitted("x", retry_after=3),
    NotFound("x"),
    Overloaded("Too many files are held at once.", retry_after=5),
    Overloaded("x", code="gpt_unavailable"),
    QuotaExceeded("x"),
    Unauthorized("x"),
    UpstreamFailed("x"),
    UpstreamTimeout("x"),
]


@pytest.mark.parametrize("error", NO_FAULTS, ids=lambda error: type(error).__name__)
def test_error_that_may_be_the_requests_or_ours_shows_no_fault(error: ApiError) -> None:
    assert fault_of_error(error) is None
    assert fault_of_error(error, "file_upload") is None


def test_limit_on_a_feature_leaves_the_account_alone() -> None:
    for limit in (RateLimited("x", retry_after=9.0), PlanLimitReached("x", retry_after=9.0)):
        assert fault_of_error(limit, "file_upload") == Fault(AccountFault.FEATURE, 9.0, "file_upload")
    busy = AccountBusy("x", retry_after=5.0)
    assert fault_of_error(busy, "file_upload") == Fault(AccountFault.BUSY, 5.0)
    bad_key = Unauthorized("x", code="invalid_api_key")
    assert fault_of_error(bad_key, "file_upload") == Fault(AccountFault.REFUSED)


def test_wait_that_we_thought_of_ourselves_is_no_announcement() -> None:
    error = Overloaded("x", code="upstream_unreachable", retry_after=2)
    assert fault_of_error(error) == Fault(AccountFault.UNREACHABLE)
