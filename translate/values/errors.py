"""What can go wrong for a caller, whatever API format it speaks.

The tree; every leaf has its HTTP status, type and code:

    ApiError
    ├── the caller's fault   BadRequest 400, Unauthorized 401 (KeyExpired), Forbidden 403, NotFound 404,
    │                        MethodNotAllowed 405, TooLarge 413, UnsupportedMediaType 415
    ├── limits               RateLimited 429 (AccountBusy, ModelCapped, PlanLimitReached,
    │                        NotAdmitted), QuotaExceeded 429, Overloaded 503 (HomeUnavailable)
    └── the backend or us    UpstreamFailed 502, UpstreamTimeout 504, InternalError 500

How an error is written in a response body is up to the API format (see `translate.openai`).

Messages are read by people in chat windows and kept in chat histories: they say what to do next
and never hold a key, a prompt or the backend's HTML.
"""

import math
from collections.abc import Sequence
from typing import Final

from translate.values.unicode import well_formed


class ApiError(Exception):
    """An error for the caller.

    `message` is a sentence for people; surrogates in it are made well-formed. `param` names the field of
    the request that is at fault, `code` says more exactly than the type what is wrong. `retry_after` is in
    seconds. `should_retry` overrides what clients make of the status: the official SDKs retry 408, 409, 429
    and every 5xx, and here each retry can cost quota.
    """

    status = 500
    """The HTTP status."""
    type = "server_error"
    """The class of the error, in OpenAI's words."""
    code: str | None = None
    should_retry: bool | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        message = well_formed(message)  # it may quote the request, or the backend
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code
        self.retry_after = retry_after
        if should_retry is not None:
            self.should_retry = should_retry

    def headers(self) -> dict[str, str]:
        """The HTTP headers that clients act on, where they apply: `Retry-After` and `x-should-retry`.

        `Retry-After` is in whole seconds, at least 1: clients ignore a 0 or retry at once on it.
        """
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.should_retry is not None:
            headers["x-should-retry"] = "true" if self.should_retry else "false"
        return headers


class BadRequest(ApiError):
    """The request cannot be served as it is; `param` names the field at fault."""

    status = 400
    type = "invalid_request_error"


class UnusableAttachment(BadRequest):
    """A picture or a file of the request cannot be used. The backend gets no message."""


class Unauthorized(ApiError):
    """There is no key (code None), or the backend refuses the key (code `invalid_api_key`).

    Claude Code asks ten times more, for minutes, where it is not told that this is in vain.
    """

    status = 401
    type = "invalid_request_error"
    should_retry = False


class KeyExpired(Unauthorized):
    """The backend refuses the key, since its time is over: another one is to be had."""


class Forbidden(ApiError):
    """The backend refuses the request, or the account is not allowed to make it."""

    status = 403
    type = "request_forbidden"


class NotFound(ApiError):
    """The path, the model, the GPT, the conversation or the file does not exist."""

    status = 404
    type = "invalid_request_error"


class MethodNotAllowed(ApiError):
    """The path exists, but not for this HTTP method."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_supported"


class TooLarge(ApiError):
    """The body of the request exceeds the limit."""

    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class UnsupportedMediaType(ApiError):
    """The body of the request is in a format that this path does not read."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_media_type"


class RateLimited(ApiError):
    """Too many requests: the backend refuses more of them for a while."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class AccountBusy(RateLimited):
    """The backend still answers another message of this account; nothing was spent."""


class ModelCapped(RateLimited):
    """The account has sent as many messages to the model as the backend lets it; other models are free."""


class PlanLimitReached(RateLimited):
    """The account has used up what its plan allows on the backend; soon to try again is in vain."""

    type = "insufficient_quota"
    code = "insufficient_quota"


class NotAdmitted(RateLimited):
    """A limit of this service refused the request; nothing was sent to the backend."""


class QuotaExceeded(ApiError):
    """The quota of the key, or of all keys together, is used up."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class Overloaded(ApiError):
    """The service or the backend cannot serve anybody at the moment."""

    status = 503
    type = "service_unavailable_error"
    code = "server_is_overloaded"


class HomeUnavailable(Overloaded):
    """The account that has the conversation cannot take a message now, and nothing was sent: what was said
    can be said again in a new conversation, on another account.
    """

    code = "account_unavailable"


class UpstreamFailed(ApiError):
    """The backend failed, or answered something that cannot be used."""

    status = 502
    code = "upstream_error"


class UpstreamTimeout(ApiError):
    """The backend did not answer in time."""

    status = 504
    code = "upstream_timeout"


class InternalError(ApiError):
    """A bug of this service. The log has the details under the request id."""


SHOWN_MODELS: Final = 8
"""So many names of models are in an error at most, each of up to 50 characters."""


def model_not_found(name: str, offered: Sequence[str] = ()) -> NotFound:
    """The error for a model name that means nothing here, worded as by the official service.

    It goes on with the first names of `offered`, if there are any, and with what makes other names known.
    """
    text = f"The model `{name[:100]}` does not exist or you do not have access to it."
    if offered:
        shown = ", ".join(known[:50] for known in offered[:SHOWN_MODELS])
        more = len(offered) - SHOWN_MODELS
        text += (
            f" There are: {shown}"
            + (f" and {more} more, which GET /v1/models lists" if more > 0 else "")
            + ". The operator can give them further names with MODEL_ALIASES."
        )
    return NotFound(text, param="model", code="model_not_found")
