"""What the backend says when it fails, and the error that our caller gets (protocol notes, section 14).

The backend answers `{"detail": "..."}`, `{"detail": {"message", "code", ...}}`, `{"detail": [{"loc", "msg",
"type"}]}` or, rarely, `{"error": ...}`. So does Pandora-Next, which stands before it; Cloudflare, which may
stand before both, answers HTML. The code in a body decides what it means, else a well-known text, else the
status.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

from translate.text import PRIVATE
from translate.values import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    JsonObject,
    KeyExpired,
    ModelCapped,
    NotFound,
    Overloaded,
    PlanLimitReached,
    RateLimited,
    Unauthorized,
    UpstreamFailed,
    json_object,
    text_at,
    wait_in,
)

BUSY_RETRY_SECONDS = 5.0
"""How long a caller should wait while its account is busy, where the backend does not say."""
PAUSE_SECONDS = 300.0
"""The same where the backend has limited an account that asked too often."""
HOUR = 3600.0

MAX_QUOTED = 300
"""Characters of the backend's own text that are passed on."""
MAX_NAMES = 5
"""Fields of a refused request that are named."""
NAME = re.compile(r"[A-Za-z_][\w-]{0,40}", re.ASCII)
SECRET = re.compile(r"\b(?:[fps]k-|eyJ|Bearer )[\w.~+/=-]{6,}")
"""What looks like a key in the backend's text; it is masked before the text is passed on."""


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What an error says: its text, its code, the seconds until it clears; `html` for a web page; the `names`
    of the fields that were refused.

    The text is fit to be shown: on one line, not too long, without keys and markup. It and the code are
    empty where the error has none.
    """

    message: str
    code: str
    clears_in: float | None
    html: bool = False
    names: Sequence[str] = ()


MakeError = Callable[[ErrorDetail, float | None], ApiError]
"""The error for a detail and for the seconds that the header `Retry-After` announces."""


def _wait(detail: ErrorDetail, retry_after: float | None) -> float | None:
    return detail.clears_in if detail.clears_in is not None else retry_after


def _bad_key(detail: ErrorDetail, _: float | None) -> ApiError:
    return Unauthorized(
        "The backend refused the API key: " + (detail.message or "it is invalid or has expired."),
        code="invalid_api_key",
    )


def _expired_key(detail: ErrorDetail, _: float | None) -> ApiError:
    return KeyExpired(
        "The backend refused the API key: " + (detail.message or "it has expired."), code="invalid_api_key"
    )


def _deactivated(detail: ErrorDetail, _: float | None) -> ApiError:
    return Forbidden("The account behind this API key is deactivated.", code=detail.code or None)


def _challenge(_detail: ErrorDetail, _: float | None) -> ApiError:
    return Overloaded(
        "The backend asks for a challenge (Arkose or Cloudflare) that this service cannot pass. "
        "Check the backend's own Arkose settings and network address.",
        code="upstream_challenge",
        should_retry=False,
    )


def _conversation_gone(_detail: ErrorDetail, _: float | None) -> ApiError:
    return NotFound("The backend no longer knows this conversation.", code="conversation_not_found")


def _too_long(_detail: ErrorDetail, _: float | None) -> ApiError:
    # Bots find an overflow by the words "maximum context length" in the message.
    return BadRequest(
        "The conversation is longer than the model's maximum context length. Shorten the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def _message_cap(detail: ErrorDetail, retry_after: float | None) -> ApiError:
    return ModelCapped(
        "The message cap of this model is reached on the backend"
        + (f"; it clears in {int(wait)} seconds." if (wait := _wait(detail, retry_after)) else "."),
        retry_after=wait,
        should_retry=False,
    )


def _busy(detail: ErrorDetail, retry_after: float | None) -> ApiError:
    return AccountBusy(
        "The account is busy: the backend answers one message at a time. Try again in a moment.",
        retry_after=_wait(detail, retry_after) or BUSY_RETRY_SECONDS,
    )


def _plan_limit(detail: ErrorDetail, retry_after: float | None) -> ApiError:
    return PlanLimitReached(
        "The account has used up what its plan allows on the backend: "
        + (detail.message or "no more is known."),
        retry_after=_wait(detail, retry_after),
        should_retry=False,
    )


def _hourly_limit(detail: ErrorDetail, retry_after: float | None) -> ApiError:
    return RateLimited(
        "The backend's limit of messages per hour is reached.",
        retry_after=_wait(detail, retry_after) or HOUR,
        should_retry=False,
    )


def _paused(detail: ErrorDetail, retry_after: float | None) -> ApiError:
    return RateLimited(
        "The backend has limited this account for some minutes, since it was asked too often.",
        retry_after=_wait(detail, retry_after) or PAUSE_SECONDS,
        should_retry=False,
    )


def _too_many(detail: ErrorDetail, retry_after: float | None) -> ApiError:
    wait = _wait(detail, retry_after)
    return RateLimited(
        "The backend limits the rate: " + (detail.message or "too many requests."),
        retry_after=wait,
        should_retry=False if wait is None or wait > 60 else None,
    )


def _content_policy(detail: ErrorDetail, _: float | None) -> ApiError:
    return BadRequest(
        "The backend refused the request under its content policy.", code="content_policy_violation"
    )


def _unknown_model(detail: ErrorDetail, _: float | None) -> ApiError:
    return NotFound(
        "The backend does not offer this model to this account.", param="model", code="model_not_found"
    )


BY_CODE: dict[str, MakeError] = {
    "token_expired": _expired_key,
    "token_invalidated": _bad_key,
    "token_revoked": _bad_key,
    "invalid_jwt": _bad_key,
    "expired_session_key": _expired_key,
    "invalid_api_key": _bad_key,
    "account_deactivated": _deactivated,
    "deactivated_workspace": _deactivated,
    "challenge_required": _challenge,
    "conversation_not_found": _conversation_gone,
    "conversation_deleted": _conversation_gone,
    "conversation_inaccessible": _conversation_gone,
    "history_disabled_conversation_not_found": _conversation_gone,
    "history_disabled_conversation_expired": _conversation_gone,
    "message_length_exceeds_limit": _too_long,
    "conversation_too_large": _too_long,
    "model_cap_exceeded": _message_cap,
    "rate_limit_exceeded": _too_many,
    "work_usage_limit_exceeded": _plan_limit,
    "content_policy": _content_policy,
    "model_not_found": _unknown_model,
}

STILL_AT_WORK = frozenset(("interruption_server_error", "missing_last_completion"))
"""Codes of errors that came after the backend had begun to answer."""

CHALLENGE_MARKS = (b"cf_chl_opt", b"just a moment", b"cf-please-wait", b"challenge-platform")
"""What a page of Cloudflare's holds that lets nothing pass (protocol notes, section 14.1)."""

BY_TEXT: tuple[tuple[str, MakeError], ...] = (
    ("unusual activity", _challenge),
    ("only one message at a time", _busy),
    ("too many concurrent requests", _busy),
    ("limited access to your conversations", _paused),
    ("limit of messages per hour", _hourly_limit),
    ("too many messages", _message_cap),
    ("too many requests", _too_many),
    ("can't load conversation", _conversation_gone),
    ("message you submitted was too long", _too_long),
    (" plan limit for ", _plan_limit),
)
"""By a fragment of the text in lower case: these come without a code. The first one counts."""


def _wrong_path(_detail: ErrorDetail, _: float | None) -> ApiError:
    return UpstreamFailed(
        "The backend does not know the path. Check BASE_URL and PROXY_API_PREFIX.", should_retry=False
    )


def _refused_request(detail: ErrorDetail, _: float | None) -> ApiError:
    named = ": " + ", ".join(detail.names) if detail.names else ""
    return BadRequest(
        f"The backend does not accept a field or a value of this request (422){named}.", code="invalid_value"
    )


BY_STATUS: dict[int, MakeError] = {
    401: _bad_key,
    404: _wrong_path,
    413: _too_long,
    422: _refused_request,
    429: _too_many,
}


def read_detail(body: bytes, secrets: Sequence[str] = ()) -> ErrorDetail:
    """What the error `body` says: nothing if it is empty, cut or no JSON object, only `html` for a page."""
    start = body.lstrip()[:64].lower()
    if start.startswith(b"<"):
        return ErrorDetail("", "", None, html=True)
    data = json_object(body) or {}
    return _detail_in(data, data.get("error") or data.get("detail"), secrets)


def _detail_in(data: JsonObject, said: object, secrets: Sequence[str] = ()) -> ErrorDetail:
    """What an object says whose error is `said`; a code that stands beside it counts first."""
    detail = _detail_of(said, secrets)
    return replace(detail, code=text_at(data, "error_code") or detail.code)


def _detail_of(value: object, secrets: Sequence[str] = ()) -> ErrorDetail:
    """What the value of `detail` or `error` says: it is the text, an object with `message` and `code`, or a
    list of what is wrong with the request, of which only the fields are named.

    The text shows `***` in place of each of `secrets`, and of what looks like a key.
    """
    code, clears_in = "", None
    if isinstance(value, list):
        return ErrorDetail("", "", None, names=_names_in(value))
    if isinstance(value, dict):
        raw_code, raw_clears = value.get("code"), value.get("clears_in")
        code = raw_code if isinstance(raw_code, str) else ""
        if isinstance(raw_clears, int | float) and 0 < raw_clears < 10_000_000:
            clears_in = float(raw_clears)
        value = value.get("message")
    text = PRIVATE.sub("", value) if isinstance(value, str) else ""
    if "<" in text and ">" in text:
        text = ""  # markup in a JSON string: a relayed page
    for secret in secrets:
        text = text.replace(secret, "***")
    text = SECRET.sub("***", " ".join(text.split()))[:MAX_QUOTED]
    if clears_in is None:
        clears_in = wait_in(text.lower())
    return ErrorDetail(text, code, clears_in)


def _names_in(mistakes: list[object]) -> Sequence[str]:
    """The fields that a list of mistakes is about: the last name on the way to each, once."""
    places = (mistake.get("loc") for mistake in mistakes if isinstance(mistake, dict))
    paths = ([key for key in place if isinstance(key, str)] for place in places if isinstance(place, list))
    names = dict.fromkeys(path[-1] for path in paths if path and NAME.fullmatch(path[-1]))
    return list(names)[:MAX_NAMES]


class Said(Enum):
    """What the body of an answer that is no event stream says about the message that was posted."""

    BEGUN = auto()
    """There is a conversation, or the backend was at work on the answer."""
    REFUSED = auto()
    """A well-known refusal, or the page of a challenge: nothing was accepted."""
    ERROR = auto()
    """Some other error, in the backend's own form."""
    NOTHING = auto()
    """Nothing that can be relied on: empty, cut, a page, any other JSON."""


def said_by(body: bytes) -> Said:
    """What the body of an answer that is no event stream says."""
    data = json_object(body)
    if data is None:
        lowered = body.lower()
        if b"conversation_id" in lowered:
            return Said.BEGUN
        page = lowered.lstrip().startswith(b"<")
        return Said.REFUSED if page and any(mark in lowered for mark in CHALLENGE_MARKS) else Said.NOTHING
    inner = data.get("error") or data.get("detail")
    detail = _detail_in(data, inner)
    named = data.get("conversation_id") or (isinstance(inner, dict) and inner.get("conversation_id"))
    if named or detail.code in STILL_AT_WORK:
        return Said.BEGUN
    if _by_detail(detail, None) is not None:
        return Said.REFUSED
    return Said.ERROR if inner else Said.NOTHING


def error_from_response(
    status: int,
    body: bytes,
    retry_after: float | None = None,
    content_type: str = "",
    secrets: Sequence[str] = (),
) -> ApiError:
    """The error for an answer that is no event stream.

    `status` may be 200: the backend then sent JSON or HTML in place of a stream. `retry_after` is the
    answer's header `Retry-After` in seconds. None of `secrets` is quoted.
    """
    detail = read_detail(body, secrets)
    if detail.html or content_type.startswith("text/html"):
        if status in (200, 403, 429, 503):
            return _challenge(detail, retry_after)
        return UpstreamFailed(f"The backend answered with a web page (status {status}).")
    return _by_detail(detail, retry_after) or _by_status(status, detail, retry_after)


def error_from_record(record: JsonObject, secrets: Sequence[str] = ()) -> ApiError:
    """The error for a record of a stream that says that the turn has failed (protocol notes, section 14.2).

    It has an `error`, or in a record of that type a `message`; perhaps `error_code`, `error_reason` and
    `can_retry`. An unknown one is not to be retried: the backend has begun to answer, which costs quota. None
    of `secrets` is quoted.
    """
    said = record.get("error") or record.get("message") or record.get("error_reason")
    detail = _detail_in(record, said, secrets)
    error = _by_detail(detail, None) or UpstreamFailed(
        "The backend reported an error: " + (detail.message or "no reason given."), should_retry=False
    )
    if record.get("can_retry") is False:
        error.should_retry = False
    return error


def _by_detail(detail: ErrorDetail, retry_after: float | None) -> ApiError | None:
    make_error = BY_CODE.get(detail.code)
    if make_error is None:
        lowered = detail.message.lower()
        make_error = next((make for fragment, make in BY_TEXT if fragment in lowered), None)
    return make_error(detail, retry_after) if make_error else None


def _by_status(status: int, detail: ErrorDetail, retry_after: float | None) -> ApiError:
    said = f": {detail.message}" if detail.message else "."
    if make_error := BY_STATUS.get(status):
        return make_error(detail, retry_after)
    if status == 403:
        return Forbidden("The backend refuses this request" + said)
    if status == 503:
        return Overloaded("The backend is not available" + said, retry_after=retry_after)
    if 400 <= status < 500:
        return UpstreamFailed(f"The backend refused the request (status {status}){said}", should_retry=False)
    if status >= 500:
        return UpstreamFailed(f"The backend failed (status {status}){said}", retry_after=retry_after)
    return UpstreamFailed(f"The backend answered {status} without an event stream{said}", should_retry=False)
