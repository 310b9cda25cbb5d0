"""What the backend says when it fails, row by row, and what our callers then read."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate.wire import Json
from translate.backend.errors import Said, error_from_record, error_from_response, said_by
from translate.openai.errors import envelope
from translate.values.errors import (
    AccountBusy,
    ApiError,
    KeyExpired,
    ModelCapped,
    RateLimited,
    Unauthorized,
)

UNUSUAL = "Our systems have detected unusual activity from your system. Please try again later."
BUSY = (
    "Only one message at a time. Please allow any other responses to complete before sending another "
    "message, or wait one minute."
)
CAP = {
    "message": "You have sent too many messages to the model. Please try again later.",
    "code": "model_cap_exceeded",
    "clears_in": 5400,
}
PAGE = b'<!DOCTYPE html><html lang="en-US"><title>Just a moment...</title><script>cf_chl_opt</script>'


def detail(value: object) -> bytes:
    return json.dumps({"detail": value}).encode()


def coded(code: str, message: str = "Words of the backend.") -> bytes:
    return detail({"message": message, "code": code, "param": None, "type": "invalid_request_error"})


@dataclass(frozen=True)
class Row:
    """An answer of the backend and what becomes of it; `says` must be in the message."""

    status: int
    body: bytes
    becomes: int
    code: str | None
    says: str
    type: str = "invalid_request_error"
    should_retry: bool | None = None
    retry_after: str | None = None
    param: str | None = None


def overloaded(status: int, body: bytes) -> Row:
    return Row(status, body, 503, "upstream_challenge", "challenge", "service_unavailable_error", False)


def limited(body: bytes, says: str, retry: bool | None, after: str | None) -> Row:
    return Row(429, body, 429, "rate_limit_exceeded", says, "rate_limit_error", retry, after)


def broken(status: int, body: bytes, says: str, should_retry: bool | None = None) -> Row:
    return Row(status, body, 502, "upstream_error", says, "server_error", should_retry)


def bad_key(body: bytes, status: int = 401) -> Row:
    return Row(status, body, 401, "invalid_api_key", "API key", should_retry=False)


def unaccepted(body: bytes, says: str) -> Row:
    return Row(422, body, 400, "invalid_value", says)


def plan_limit(body: bytes, after: str | None) -> Row:
    return Row(429, body, 429, "insufficient_quota", "plan allows", "insufficient_quota", False, after)


def too_long(status: int, body: bytes) -> Row:
    return Row(status, body, 400, "context_length_exceeded", "maximum context length", param="messages")


def gone(body: bytes) -> Row:
    return Row(404, body, 404, "conversation_not_found", "conversation")


ROWS = {
    "expired token": bad_key(coded("token_expired", "Your authentication token has expired.")),
    "invalid jwt": bad_key(coded("invalid_jwt")),
    "invalidated token": bad_key(coded("token_invalidated")),
    "revoked token": bad_key(coded("token_revoked"), status=403),
    "expired session": bad_key(coded("expired_session_key")),
    "invalid key": bad_key(coded("invalid_api_key")),
    "expired token as 403": bad_key(coded("token_expired"), status=403),
    "unauthorized": bad_key(detail("Unauthorized")),
    "unauthorized, empty": bad_key(b""),
    "dead account": Row(
        403, coded("account_deactivated"), 403, "account_deactivated", "deactivated", "request_forbidden"
    ),
    "dead workspace": Row(
        401, coded("deactivated_workspace"), 403, "deactivated_workspace", "deactivated", "request_forbidden"
    ),
    "forbidden": Row(403, detail("Nope."), 403, None, "Nope.", "request_forbidden"),
    "Cloudflare": overloaded(403, PAGE),
    "Cloudflare, polite": overloaded(503, b"\n  " + PAGE),
    "Cloudflare, in a good answer": overloaded(200, PAGE),
    "Cloudflare, limiting": overloaded(429, PAGE),
    "unusual activity": overloaded(403, detail(UNUSUAL)),
    "unusual activity, in a good answer": overloaded(200, detail(UNUSUAL)),
    "challenge required": overloaded(403, coded("challenge_required")),
    "unknown conversation": gone(coded("conversation_not_found", "Conversation not found")),
    "temporary conversation": gone(coded("history_disabled_conversation_not_found")),
    "expired temporary conversation": gone(coded("history_disabled_conversation_expired")),
    "deleted conversation": gone(coded("conversation_deleted")),
    "inaccessible conversation": gone(coded("conversation_inaccessible")),
    "conversation not loaded": gone(detail("Can't load conversation 94e2b7")),
    "wrong prefix": broken(404, detail("Not Found"), "PROXY_API_PREFIX", False),
    "wrong prefix, page": broken(404, PAGE, "web page"),
    "message too long": too_long(
        413, coded("message_length_exceeds_limit", "The message you submitted was too long.")
    ),
    "message too long, uncoded": too_long(
        413, detail("The message you submitted was too long, please reload the conversation.")
    ),
    "message too long, empty": too_long(413, b""),
    "conversation too large": too_long(400, coded("conversation_too_large")),
    "refused request": unaccepted(detail([{"loc": ["body"], "msg": "m", "type": "t"}]), "(422): body."),
    "refused fields": unaccepted(
        detail(
            [{"loc": ["body", "thinking_effort"], "msg": "m"}, {"loc": ["body", "messages", 0, "<b>"]}, 5]
            + [{"loc": ["body", f"field_{number}"]} for number in (1, 1, 2, 3, 4, 5)]
            + [{"loc": []}, {}]
        ),
        "(422): thinking_effort, field_1, field_2, field_3, field_4.",
    ),
    "refused body": unaccepted(detail("Invalid conversation body"), "(422)."),
    "message cap": limited(detail(CAP), "message cap", False, "5400"),
    "message cap, code beside it": limited(
        b'{"error": "x", "error_code": "model_cap_exceeded"}', "message cap", False, None
    ),
    "message cap, uncoded": limited(detail(CAP["message"]), "message cap", False, None),
    "plan limit by its code": plan_limit(coded("work_usage_limit_exceeded", "Used up."), None),
    "plan limit": plan_limit(
        detail("You've hit the Plus plan limit for GPT-5. Your limit resets after 3:45 PM."), None
    ),
    "plan limit that clears": plan_limit(
        detail("You've hit the Free plan limit for GPT-5. The limit resets in 40 minutes."), "2400"
    ),
    "limit by its code": limited(
        coded("rate_limit_exceeded", "Wait about 2 minutes."), "2 min", False, "120"
    ),
    "asked too often": limited(
        detail("Too many requests. We have temporarily limited access to your conversations."),
        "some minutes", False, "300",
    ),
    "messages per hour": limited(
        detail("You've reached our limit of messages per hour."), "hour", False, "3600"
    ),
    "too many at once": limited(detail("Too many concurrent requests"), "one message at a time", None, "5"),
    "one at a time": limited(detail(BUSY), "one message at a time", None, "5"),
    "hourly limit": limited(
        detail("Too many requests in 1 hour. Try again later."), "Too many requests", False, None
    ),
    "reload": limited(
        detail("Something went wrong, please try reloading the conversation."), "went wrong", False, None
    ),
    "limit, empty": limited(b"", "too many requests", False, None),
    "content policy": Row(
        400, coded("content_policy"), 400, "content_policy_violation", "content policy"
    ),
    "model": Row(404, coded("model_not_found"), 404, "model_not_found", "model", param="model"),
    "server error": broken(500, detail("Internal error"), "Internal error"),
    "bad gateway": broken(502, b"", "502"),
    "time-out": broken(504, detail("The server took too long to respond."), "too long to respond"),
    "Cloudflare 520": broken(520, b"error code: 520", "520"),
    "Cloudflare 522, page": broken(522, PAGE, "web page"),
    "Cloudflare 524": broken(524, b"", "524"),
    "maintenance": Row(
        503, detail("Down"), 503, "server_is_overloaded", "Down", "service_unavailable_error"
    ),
    "unheard of": broken(418, detail("I'm a teapot"), "418", False),
    "cut JSON": broken(500, b'{"detail": {"mess', "500"),
    "JSON of another kind": broken(500, b"[1]", "500"),
    "error object": broken(500, b'{"error": {"message": "Boom", "type": "x"}}', "Boom"),
    "error string": broken(500, b'{"error": "Boom"}', "Boom"),
    "interrupted": broken(500, coded("interruption_server_error", "Interrupted."), "Interrupted."),
    "nothing to go on with": broken(400, coded("missing_last_completion", "No last."), "No last.", False),
    "notice of the proxy": limited(detail("It is recommended to upgrade"), "upgrade", False, None),
    "refused request, empty": unaccepted(b"", "(422)."),
    "policy in a good answer": Row(
        200, coded("content_policy"), 400, "content_policy_violation", "content policy"
    ),
    "cap in a good answer": Row(
        200, detail(CAP), 429, "rate_limit_exceeded", "message cap", "rate_limit_error", False, "5400"
    ),
    "good answer, empty": broken(200, b"", "event stream", False),
    "good answer, cut": broken(200, b'{"wss_url": "wss://h/c', "event stream", False),
    "Cloudflare 521, empty": broken(521, b"", "521"),
    "Cloudflare 523, page": broken(523, PAGE, "web page"),
    "half a WebSocket answer": broken(200, b'{"wss_url": "wss://x", "conversation_id": "c1"}', "200", False),
    "good answer without a stream": broken(200, b'{"success": true}', "event stream", False),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_answer_that_is_no_stream_becomes_the_right_error(row: Row) -> None:
    error = error_from_response(row.status, row.body)
    headers = error.headers()
    assert (error.status, error.type, error.code, error.param) == (
        row.becomes,
        row.type,
        row.code,
        row.param,
    )
    assert row.says in error.message
    assert error.should_retry == row.should_retry
    assert headers.get("Retry-After") == row.retry_after
    assert headers.get("x-should-retry") == {None: None, True: "true", False: "false"}[row.should_retry]
    assert readable(error)


def readable(error: ApiError) -> bool:
    """Fit for a chat window: short, one line, no markup; the envelope holds just its four keys."""
    body = json.loads(envelope(error))
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["message"] == error.message
    assert envelope(error).isascii()
    assert "\n" not in error.message
    assert 10 < len(error.message) < 600
    assert "<" not in error.message
    return True


STREAMED = {
    "unusual activity": (UNUSUAL, 503, "upstream_challenge", "challenge"),
    "as an object": ({"message": UNUSUAL}, 503, "upstream_challenge", "challenge"),
    "error in generating": ("There was an error generating a response", 502, "upstream_error", "generating"),
    "internal string": ("Internal: ModelError(…)", 502, "upstream_error", "ModelError"),
    "with a code": ({"message": "x", "code": "token_expired"}, 401, "invalid_api_key", "API key"),
    "busy": (BUSY, 429, "rate_limit_exceeded", "one message at a time"),
    "without words": (True, 502, "upstream_error", "no reason"),
    "of another type": ([1], 502, "upstream_error", "no reason"),
    "page": (PAGE.decode(), 502, "upstream_error", "no reason"),
    "cap": (CAP, 429, "rate_limit_exceeded", "message cap"),
    "hourly limit": ("Too many requests in 1 hour. Try again later.", 429, "rate_limit_exceeded", "limits"),
    "too long": ({"code": "message_length_exceeds_limit"}, 400, "context_length_exceeded", "context length"),
    "policy": ({"code": "content_policy"}, 400, "content_policy_violation", "content policy"),
    "gone": ("Can't load conversation 94e2b7", 404, "conversation_not_found", "conversation"),
    "dead account": ({"code": "account_deactivated"}, 403, "account_deactivated", "deactivated"),
    "interrupted": ({"code": "interruption_server_error"}, 502, "upstream_error", "no reason"),
}


@pytest.mark.parametrize(("error", "status", "code", "says"), STREAMED.values(), ids=STREAMED)
def test_error_record_inside_a_stream_becomes_the_right_error(
    error: object, status: int, code: str, says: str
) -> None:
    failure = error_from_record({"error": error})
    assert (failure.status, failure.code) == (status, code)
    assert says in failure.message
    assert readable(failure)
    if status == 502:
        assert failure.should_retry is False  # it has begun to generate, and costs quota


CODED: dict[str, tuple[Json, int, str, bool | None]] = {
    "limit": ({"error": "Wait.", "error_code": "rate_limit_exceeded"}, 429, "rate_limit_exceeded", False),
    "too large": (
        {"error": "x", "error_code": "conversation_too_large"}, 400, "context_length_exceeded", None
    ),
    "not to be tried again": (
        {"error": BUSY, "error_code": None, "can_retry": False}, 429, "rate_limit_exceeded", False
    ),
    "to be tried again": ({"error": BUSY, "can_retry": True}, 429, "rate_limit_exceeded", None),
    "unknown": ({"error": "x", "error_code": "new", "can_retry": True}, 502, "upstream_error", False),
    "code of its own first": (
        {"error": {"code": "content_policy"}, "error_code": "token_revoked"}, 401, "invalid_api_key", False
    ),
    "typed": ({"type": "error", "message": "Too many concurrent requests"}, 429, "rate_limit_exceeded", None),
    "reason": ({"error_code": "new", "error_reason": "unusual activity"}, 503, "upstream_challenge", False),
}  # fmt: skip


@pytest.mark.parametrize(("record", "status", "code", "retry"), CODED.values(), ids=CODED)
def test_code_of_an_error_record_counts_first(
    record: Json, status: int, code: str, retry: bool | None
) -> None:
    failure = error_from_record(record)
    assert (failure.status, failure.code, failure.should_retry) == (status, code, retry)
    assert readable(failure)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"code": "token_expired"}, KeyExpired),
        ({"code": "expired_session_key"}, KeyExpired),
        ({"code": "token_revoked"}, Unauthorized),
        (CAP, ModelCapped),
        ("You have sent too many messages to the model.", ModelCapped),
        (BUSY, AccountBusy),
        ("Too many requests in 1 hour. Try again later.", RateLimited),
    ],
)
def test_class_of_an_error_tells_what_the_status_does_not(said: object, kind: type[ApiError]) -> None:
    assert type(error_from_response(429, detail(said))) is kind
    assert type(error_from_record({"error": said})) is kind


def test_announced_wait_is_passed_on_and_long_ones_are_not_retried() -> None:
    limit = detail("Too many requests")
    assert error_from_response(429, limit, 20.0).headers() == {"Retry-After": "20"}
    assert error_from_response(429, limit, 0.2).headers() == {"Retry-After": "1"}
    assert error_from_response(429, limit, 3600).headers() == {
        "Retry-After": "3600",
        "x-should-retry": "false",
    }
    assert error_from_response(503, b"", 7).headers() == {"Retry-After": "7"}
    assert error_from_response(429, detail(BUSY), 30).headers() == {"Retry-After": "30"}


def test_clears_in_counts_before_the_header_and_nonsense_counts_for_nothing() -> None:
    assert error_from_response(429, detail(CAP), 7).retry_after == 5400
    nonsenses: list[object] = [-1, 0, "90", None, 1e300, [5], {}]
    for nonsense in nonsenses:
        error = error_from_response(429, detail(CAP | {"clears_in": nonsense}))
        assert error.retry_after is None
        assert "seconds" not in error.message


def test_type_text_html_is_a_page_whatever_it_begins_with() -> None:
    error = error_from_response(403, b"Just a moment...", content_type="text/html; charset=UTF-8")
    assert (error.status, error.code) == (503, "upstream_challenge")


SECRETS = [
    "fk-QmFzZTY0LXNoYXJlLXRva2Vu_1-2",
    "pk-this-is-a-pool-token-0123456789",
    "sk-proj-abcdefghijklmnop",
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl-_x",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 503])
def test_keys_in_the_text_of_the_backend_are_masked(secret: str, status: int) -> None:
    for said in (f"Bad token {secret}.", f"Authorization: Bearer {secret}", f"{secret}"):
        for error in (
            error_from_response(status, detail(said)),
            error_from_response(status, coded("x", said)),
        ):
            assert secret not in error.message
            assert secret[8:16] not in error.message
        assert secret not in error_from_record({"error": said}).message


def test_secrets_of_the_exchange_are_masked_before_the_text_is_cut() -> None:
    secret = "prefix-0001"
    for length in range(280, 310):
        said = "x" * length + secret
        for error in (
            error_from_response(500, detail(said), secrets=[secret]),
            error_from_record({"error": said}, [secret]),
        ):
            assert "prefix" not in error.message
    assert error_from_record({"error": f"no {secret}"}, [secret]).message.endswith(": no ***")


SAYS: dict[str, tuple[bytes, Said]] = {
    "nothing": (b"", Said.NOTHING),
    "no JSON": (b"\xff\x00", Said.NOTHING),
    "cut": (b'{"detail": "Inter', Said.NOTHING),
    "empty object": (b"{}", Said.NOTHING),
    "list": (b"[]", Said.NOTHING),
    "page": (b"<html>502 Bad Gateway</html>", Said.NOTHING),
    "words": (b"Just a moment", Said.NOTHING),
    "challenge": (PAGE, Said.REFUSED),
    "busy": (detail(BUSY), Said.REFUSED),
    "cap": (detail(CAP), Said.REFUSED),
    "code beside the error": (b'{"error": "x", "error_code": "model_cap_exceeded"}', Said.REFUSED),
    "plan": (coded("work_usage_limit_exceeded"), Said.REFUSED),
    "plan in words": (detail("You've hit the Free plan limit for GPT-5."), Said.REFUSED),
    "asked too often": (detail("We temporarily limited access to your conversations."), Said.REFUSED),
    "unknown code": (b'{"error": "x", "error_code": "new"}', Said.ERROR),
    "error": (detail("Internal Server Error"), Said.ERROR),
    "list of errors": (detail([{"loc": ["body", "conversation_id"], "msg": "x"}]), Said.ERROR),
    "conversation": (b'{"conversation_id": "c1"}', Said.BEGUN),
    "conversation and busy": (b'{"conversation_id": "c1", "detail": "too many messages"}', Said.BEGUN),
    "conversation in the error": (b'{"error": {"conversation_id": "c1"}}', Said.BEGUN),
    "no conversation": (b'{"conversation_id": null, "detail": "x"}', Said.ERROR),
    "half a conversation": (b'{"conversation_id": "c', Said.BEGUN),
    "interrupted": (coded("interruption_server_error"), Said.BEGUN),
}


@pytest.mark.parametrize(("body", "said"), SAYS.values(), ids=SAYS)
def test_what_an_answer_says_about_the_message_that_was_posted(body: bytes, said: Said) -> None:
    assert said_by(body) is said


def test_the_backends_own_words_are_cut_short_and_put_on_one_line() -> None:
    message = error_from_response(500, detail("line one\nline  two\t" + "x" * 5000)).message
    assert "line one line two x" in message
    assert len(message) < 400


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["detail", "error", "message", "code", "clears_in"]), inner, max_size=3
        )
    ),
)


@given(
    status=st.integers(200, 599),
    body=st.binary(max_size=50) | ANYTHING.map(lambda value: json.dumps(value).encode()),
    retry_after=st.none() | st.floats(0, 1e6),
)
def test_any_answer_becomes_a_proper_error(status: int, body: bytes, retry_after: float | None) -> None:
    error = error_from_response(status, body, retry_after)
    assert error.status in (400, 401, 403, 404, 429, 502, 503)
    assert json.loads(envelope(error))["error"]["message"]
    after = error.headers().get("Retry-After")
    assert after is None or int(after) >= 1


@given(ANYTHING)
def test_any_error_record_becomes_a_proper_error(error: object) -> None:
    failure = error_from_record({"error": error})
    assert json.loads(envelope(failure))["error"]["message"]


@given(st.binary(max_size=50) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_answer_says_something(body: bytes) -> None:
    assert said_by(body) in Said
