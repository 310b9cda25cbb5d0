"""The backend's error bodies and in-stream errors, mapped to ours.

The backend (FastAPI style) answers ``{"detail": "..."}``, ``{"detail": {"message", "code", ...}}``,
``{"detail": [{"loc", "msg", "type"}]}`` or, rarely, ``{"error": ...}``; before it may stand Cloudflare
(HTML) or Pandora-Next (same shape). Codes decide first, then well-known texts, then the status.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from translate.values import (
    AccountBusy,
    ApiError,
    BadRequest,
    Forbidden,
    NotFound,
    Overloaded,
    RateLimited,
    Unauthorized,
    UpstreamFailed,
    json_object,
)

BUSY_RETRY_SECONDS = 5.0
"""How long a caller should wait for the one running message of its account, when nothing is said."""

MAX_QUOTED = 300
"""Characters of the backend's own words that we pass on."""

SECRET = re.compile(r"\b(?:[fps]k-|eyJ|Bearer )[\w.~+/=-]{6,}")
"""What looks like a key in the backend's words; it is blotted out before they are passed on."""


@dataclass(frozen=True, slots=True)
class Detail:
    """What an error body says: its text, its machine-readable code and the wait it announces."""

    message: str
    code: str
    clears_in: float | None
    html: bool = False


Maker = Callable[[Detail, float | None], ApiError]


def _wait(detail: Detail, retry_after: float | None) -> float | None:
    return detail.clears_in if detail.clears_in is not None else retry_after


def _bad_key(detail: Detail, _: float | None) -> ApiError:
    return Unauthorized(
        "The backend refused the API key: " + (detail.message or "it is invalid or has expired."),
        code="invalid_api_key",
    )


def _dead_account(detail: Detail, _: float | None) -> ApiError:
    return Forbidden("The account behind this API key is deactivated.", code=detail.code or None)


def _challenge(_detail: Detail, _: float | None) -> ApiError:
    return Overloaded(
        "The backend asks for a challenge (Arkose or Cloudflare) that this service cannot pass. "
        "Check the backend's own Arkose settings and network address.",
        code="upstream_challenge",
        should_retry=False,
    )


def _gone(_detail: Detail, _: float | None) -> ApiError:
    return NotFound("The backend no longer knows this conversation.", code="conversation_not_found")


def _too_long(_detail: Detail, _: float | None) -> ApiError:
    # Bots find an overflow by the words "maximum context length" in the message.
    return BadRequest(
        "The conversation is longer than the model's maximum context length. Shorten the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def _cap(detail: Detail, retry_after: float | None) -> ApiError:
    return RateLimited(
        "The message cap of this model is reached on the backend"
        + (f"; it clears in {int(wait)} seconds." if (wait := _wait(detail, retry_after)) else "."),
        retry_after=wait,
        should_retry=False,
    )


def _busy(detail: Detail, retry_after: float | None) -> ApiError:
    return AccountBusy(
        "The account is busy: the backend answers one message at a time. Try again in a moment.",
        retry_after=_wait(detail, retry_after) or BUSY_RETRY_SECONDS,
    )


def _too_many(detail: Detail, retry_after: float | None) -> ApiError:
    wait = _wait(detail, retry_after)
    return RateLimited(
        "The backend limits the rate: " + (detail.message or "too many requests."),
        retry_after=wait,
        should_retry=False if wait is None or wait > 60 else None,
    )


def _policy(detail: Detail, _: float | None) -> ApiError:
    return BadRequest(
        "The backend refused the request under its content policy.", code="content_policy_violation"
    )


def _model(detail: Detail, _: float | None) -> ApiError:
    return NotFound(
        "The backend does not offer this model to this account.", param="model", code="model_not_found"
    )


BY_CODE: dict[str, Maker] = {
    "token_expired": _bad_key,
    "invalid_jwt": _bad_key,
    "expired_session_key": _bad_key,
    "invalid_api_key": _bad_key,
    "account_deactivated": _dead_account,
    "deactivated_workspace": _dead_account,
    "challenge_required": _challenge,
    "conversation_not_found": _gone,
    "conversation_deleted": _gone,
    "conversation_inaccessible": _gone,
    "history_disabled_conversation_not_found": _gone,
    "message_length_exceeds_limit": _too_long,
    "conversation_too_large": _too_long,
    "model_cap_exceeded": _cap,
    "content_policy": _policy,
    "model_not_found": _model,
}

BY_TEXT: tuple[tuple[str, Maker], ...] = (
    ("unusual activity", _challenge),
    ("only one message at a time", _busy),
    ("too many messages", _cap),
    ("too many requests", _too_many),
    ("can't load conversation", _gone),
    ("message you submitted was too long", _too_long),
)
"""Lower-case fragments of texts that come without a code."""


def _wrong_path(_detail: Detail, _: float | None) -> ApiError:
    return UpstreamFailed(
        "The backend does not know the path. Check BASE_URL and PROXY_API_PREFIX.", should_retry=False
    )


def _refused_request(_detail: Detail, _: float | None) -> ApiError:
    return UpstreamFailed("The backend did not accept the request we built (422).", should_retry=False)


BY_STATUS: dict[int, Maker] = {
    401: _bad_key,
    404: _wrong_path,
    413: _too_long,
    422: _refused_request,
    429: _too_many,
}


def read_detail(body: bytes) -> Detail:
    """What ``body`` says; empty, cut or HTML bodies say nothing."""
    start = body.lstrip()[:64].lower()
    if start.startswith(b"<"):
        return Detail("", "", None, html=True)
    data = json_object(body) or {}
    return detail_of(data.get("error") or data.get("detail"))


def detail_of(value: object) -> Detail:
    """The backend's own client reads ``error ?? detail`` and of that ``.message ?? itself``."""
    code, clears_in = "", None
    if isinstance(value, dict):
        raw_code, raw_clears = value.get("code"), value.get("clears_in")
        code = raw_code if isinstance(raw_code, str) else ""
        if isinstance(raw_clears, int | float) and 0 < raw_clears < 10_000_000:
            clears_in = float(raw_clears)
        value = value.get("message")
    text = value if isinstance(value, str) else ""
    if "<" in text and ">" in text:
        text = ""  # markup in a JSON string: a relayed page
    text = SECRET.sub("***", " ".join(text.split()))
    return Detail(text[:MAX_QUOTED], code, clears_in)


def from_response(
    status: int, body: bytes, retry_after: float | None = None, content_type: str = ""
) -> ApiError:
    """The error for an answer that is no event stream.

    ``status`` may be 200: the backend then sent JSON or HTML in place of a stream. ``retry_after``
    is the answer's own header in seconds.
    """
    detail = read_detail(body)
    if detail.html or content_type.startswith("text/html"):
        if status in (200, 403, 429, 503):
            return _challenge(detail, retry_after)
        return UpstreamFailed(f"The backend answered with a web page (status {status}).")
    return _by_detail(detail, retry_after) or _by_status(status, detail, retry_after)


def from_stream(error: object) -> ApiError:
    """The error for a record ``{"message": null, "error": ...}`` inside a 200 stream."""
    detail = detail_of(error)
    return _by_detail(detail, None) or UpstreamFailed(
        "The backend reported an error: " + (detail.message or "no reason given."), should_retry=False
    )


def _by_detail(detail: Detail, retry_after: float | None) -> ApiError | None:
    maker = BY_CODE.get(detail.code)
    if maker is None:
        lowered = detail.message.lower()
        maker = next((make for fragment, make in BY_TEXT if fragment in lowered), None)
    return maker(detail, retry_after) if maker else None


def _by_status(status: int, detail: Detail, retry_after: float | None) -> ApiError:
    said = f": {detail.message}" if detail.message else "."
    if maker := BY_STATUS.get(status):
        return maker(detail, retry_after)
    if status == 403:
        return Forbidden("The backend refuses this request" + said)
    if status == 503:
        return Overloaded("The backend is not available" + said, retry_after=retry_after)
    if 400 <= status < 500:
        return UpstreamFailed(f"The backend refused the request (status {status}){said}", should_retry=False)
    if status >= 500:
        return UpstreamFailed(f"The backend failed (status {status}){said}", retry_after=retry_after)
    return UpstreamFailed(f"The backend answered {status} without an event stream{said}", should_retry=False)
