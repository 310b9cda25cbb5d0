"""Refusals: the errors of the backend that are a whole answer, by name (protocol notes, section 14.1).

Bodies have the style of FastAPI: `{"detail": <string>}`, `{"detail": {"message", "code", ...}}`,
`{"detail": [{"loc", "msg", "type"}]}` for a request that failed validation, rarely
`{"error": {...}}`; a page of HTML comes from the proxy in front of the backend. Status codes are
those seen with the body, or the usual ones where only the body is known.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

JSON_TYPE = "application/json"
HTML_TYPE = "text/html; charset=UTF-8"

CLOUDFLARE_PAGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body>'
    '<div class="cf-please-wait">Checking your browser</div>'
    '<script>window._cf_chl_opt = {cvId: "2", cType: "managed"};</script></body></html>'
)
GATEWAY_PAGE = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
UNUSUAL_ACTIVITY = "Our systems have detected unusual activity from your system. Please try again later."


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that refuses: status, body and the body's type."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE

    @classmethod
    def of(cls, status: int, content: Mapping[str, Any]) -> "Refusal":
        """A refusal with a JSON object as its body."""
        return cls(status, json.dumps(content).encode())

    @classmethod
    def detail(cls, status: int, detail: str | Mapping[str, Any] | list[dict[str, Any]]) -> "Refusal":
        """A refusal of the usual shape, with everything under `detail`."""
        return cls.of(status, {"detail": detail})

    @classmethod
    def coded(cls, status: int, code: str, message: str, **more: object) -> "Refusal":
        """A refusal whose `detail` is an object with `message`, `code` and `more`."""
        return cls.detail(status, {"message": message, "code": code, **more})

    def with_body(self, form: str) -> "Refusal":
        """The same status with the body that the knob `body` asks for: own, html, empty, cut or error."""
        if form == "html":
            return replace(self, body=GATEWAY_PAGE.encode(), content_type=HTML_TYPE)
        if form == "empty":
            return replace(self, body=b"")
        if form == "cut":
            return replace(self, body=self.body[: max(1, len(self.body) * 2 // 3)])
        if form == "error":
            message = "The server had an error while processing your request."
            return Refusal.of(self.status, {"error": {"message": message, "type": "server_error"}})
        return self


class Refused(Exception):
    """Raised to answer a request with a refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


def _bad_token(status: int, code: str, message: str) -> Refusal:
    return Refusal.coded(status, code, message, param=None, type="invalid_request_error")


NOT_FOUND = Refusal.detail(404, "Not Found")
UNAUTHORIZED = Refusal.detail(401, "Unauthorized")
ONLY_ONE_MESSAGE = Refusal.detail(
    429,
    "Only one message at a time. Please allow any other responses to complete before sending another "
    "message, or wait one minute.",
)
CONVERSATION_NOT_FOUND = Refusal.coded(404, "conversation_not_found", "Conversation not found")
CONVERSATION_INACCESSIBLE = Refusal.coded(
    404, "conversation_inaccessible", "You do not have access to this conversation."
)
HISTORY_DISABLED = Refusal.coded(
    404, "history_disabled_conversation_not_found", "Conversation not found: history is disabled"
)


def model_cap_exceeded(clears_in: int) -> Refusal:
    """429: the message cap of a model is used up for another `clears_in` seconds."""
    message = "You have sent too many messages to the model. Please try again later."
    return Refusal.coded(429, "model_cap_exceeded", message, clears_in=clears_in)


def unlisted_model(slug: str) -> Refusal:
    """404: the account has no model of that slug."""
    return Refusal.coded(404, "model_not_found", f"The model {slug[:60]} is not available.")


def invalid(problems: list[tuple[list[str | int], str, str]]) -> Refusal:
    """422 for `(loc, msg, type)` triples, as FastAPI reports them."""
    return Refusal.detail(
        422, [{"loc": ["body", *loc], "msg": msg, "type": kind} for loc, msg, kind in problems]
    )


def server_error(status: int) -> Refusal:
    """Any other status, for a failure of the backend itself."""
    return Refusal.detail(status, "Internal Server Error" if status == 500 else f"Upstream error ({status})")


_REFUSALS_2023: dict[str, Refusal] = {
    "unauthorized": UNAUTHORIZED,
    "token_expired": _bad_token(
        401, "token_expired", "Your authentication token has expired. Please try signing in again."
    ),
    "invalid_jwt": _bad_token(
        401, "invalid_jwt", "Could not parse your authentication token. Please try signing in again."
    ),
    "expired_session_key": _bad_token(401, "expired_session_key", "Your session has expired."),
    "invalid_api_key": _bad_token(401, "invalid_api_key", "Incorrect API key provided."),
    "account_deactivated": Refusal.coded(
        401, "account_deactivated", "Your account has been deactivated. Contact support for help."
    ),
    "deactivated_workspace": Refusal.coded(
        403, "deactivated_workspace", "This workspace has been deactivated."
    ),
    "cloudflare": Refusal(403, CLOUDFLARE_PAGE.encode(), HTML_TYPE),
    "unusual_activity": Refusal.detail(403, UNUSUAL_ACTIVITY),
    "challenge_required": Refusal.coded(403, "challenge_required", "A challenge is required."),
    "conversation_not_found": CONVERSATION_NOT_FOUND,
    "history_disabled_conversation_not_found": HISTORY_DISABLED,
    "cannot_load": Refusal.detail(404, "Can't load conversation 00000000-0000-0000-0000-000000000000"),
    "not_found": NOT_FOUND,
    "model_not_found": Refusal.coded(404, "model_not_found", "The requested model was not found."),
    "message_length_exceeds_limit": Refusal.coded(
        413,
        "message_length_exceeds_limit",
        "The message you submitted was too long, please reload the conversation and submit something "
        "shorter.",
    ),
    "validation": invalid([(["messages", 0, "content"], "field required", "value_error.missing")]),
    "content_policy": Refusal.coded(400, "content_policy", "This content may violate our usage policies."),
    "model_cap_exceeded": model_cap_exceeded(5400),
    "one_message": ONLY_ONE_MESSAGE,
    "too_many_requests": Refusal.detail(429, "Too many requests in 1 hour. Try again later."),
    "something_went_wrong": Refusal.detail(
        429, "Something went wrong, please try reloading the conversation."
    ),
    "interruption_server_error": Refusal.coded(
        500, "interruption_server_error", "The server was interrupted while answering."
    ),
}
REFUSALS: dict[str, Refusal] = {
    **_REFUSALS_2023,
    "token_invalidated": _bad_token(401, "token_invalidated", "Your session has ended. Please log in again."),
    "token_revoked": _bad_token(401, "token_revoked", "Your authentication token was revoked."),
    "conversation_inaccessible": CONVERSATION_INACCESSIBLE,
    "conversation_deleted": Refusal.coded(404, "conversation_deleted", "This conversation was deleted."),
    "history_disabled_conversation_expired": Refusal.coded(
        404, "history_disabled_conversation_expired", "This temporary chat has expired."
    ),
    "tokenless_resume_unavailable": Refusal.coded(
        404, "tokenless_resume_unavailable", "A network error occurred. Please check your connection."
    ),
    "conduit_miss": Refusal.coded(404, "conduit_miss", "A network error occurred."),
    "persisted_final_available": Refusal.coded(410, "persisted_final_available", "The answer is stored."),
    "message_too_long": Refusal.coded(
        400, "message_length_exceeds_limit", "The message you submitted was too long."
    ),
    "invalid_body": invalid([(["model"], "Invalid conversation body", "value_error")]),
    "work_usage_limit_exceeded": Refusal.coded(
        429, "work_usage_limit_exceeded", "You've reached your usage limit."
    ),
    "plan_limit": Refusal.detail(
        429, "You've hit the Plus plan limit for GPT-5. Your limit resets after 3:45 PM."
    ),
    "temporarily_limited": Refusal.detail(
        429,
        "Too many requests. You're making requests too quickly, so we've temporarily limited access to your "
        "conversations. Please wait a few minutes.",
    ),
    "hourly_limit": Refusal.detail(429, "You've reached our limit of messages per hour. Try again later."),
    "concurrent": Refusal.detail(429, "Too many concurrent requests"),
}
"""By value of the knob `fault`, those since 2025 last; `status_NNN` is any other status."""


def named_refusal(name: str) -> Refusal | None:
    """The refusal of that name or `status_NNN`; None for any other name."""
    if name.startswith("status_") and name[7:].isdigit() and 400 <= int(name[7:]) <= 599:
        return server_error(int(name[7:]))
    return REFUSALS.get(name)
