"""What can go wrong, in OpenAI's error shape.

The tree; every leaf knows its status, type and code::

    ApiError
    ├── the caller's fault   BadRequest 400, Unauthorized 401, Forbidden 403, NotFound 404,
    │                        MethodNotAllowed 405, TooLarge 413, UnsupportedMediaType 415
    ├── limits               RateLimited 429 (AccountBusy, NotAdmitted), QuotaExceeded 429, Overloaded 503
    └── the upstream or us   UpstreamFailed 502, UpstreamTimeout 504, InternalError 500

Messages are read by people in chat windows and kept in chat histories: they say what to do next
and never hold a key, a prompt or the upstream's HTML.
"""

import math

import ujson

from translate.text.escape import whole

JsonObject = dict[str, object]


class ApiError(Exception):
    """An answer in OpenAI's error envelope.

    ``retry_after`` is in seconds; it is sent as a whole number of at least 1, since clients ignore
    a 0 or retry at once on it. ``should_retry`` becomes ``x-should-retry``, which overrides what
    the SDKs do with the status: they retry 408, 409, 429 and every 5xx, and here each retry can
    cost quota.
    """

    status = 500
    type = "server_error"
    code: str | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        should_retry: bool | None = None,
    ) -> None:
        message = whole(message)  # it may quote what is no Unicode
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code
        self.retry_after = retry_after
        self.should_retry = should_retry

    def envelope(self) -> JsonObject:
        """``{"error": {"message", "type", "param", "code"}}``, all four keys always there."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def body(self) -> bytes:
        """The envelope as ASCII-only JSON, ready for a response body or an SSE data line."""
        return ujson.dumps(self.envelope(), ensure_ascii=True, escape_forward_slashes=False).encode()

    def headers(self) -> dict[str, str]:
        """``Retry-After`` and ``x-should-retry``, where they apply."""
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.should_retry is not None:
            headers["x-should-retry"] = "true" if self.should_retry else "false"
        return headers


class BadRequest(ApiError):
    status = 400
    type = "invalid_request_error"


class Unauthorized(ApiError):
    """No key (code null) or one that the upstream refuses (``invalid_api_key``)."""

    status = 401
    type = "invalid_request_error"


class Forbidden(ApiError):
    status = 403
    type = "request_forbidden"


class NotFound(ApiError):
    status = 404
    type = "invalid_request_error"


class MethodNotAllowed(ApiError):
    status = 405
    type = "invalid_request_error"
    code = "method_not_supported"


class TooLarge(ApiError):
    status = 413
    type = "invalid_request_error"
    code = "request_too_large"


class UnsupportedMediaType(ApiError):
    status = 415
    type = "invalid_request_error"
    code = "unsupported_media_type"


class RateLimited(ApiError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"


class AccountBusy(RateLimited):
    """The backend is still at work on another message of this account; nothing was spent."""


class NotAdmitted(RateLimited):
    """A limit of this service: nothing was sent to the backend."""


class QuotaExceeded(ApiError):
    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class Overloaded(ApiError):
    status = 503
    type = "service_unavailable_error"
    code = "server_is_overloaded"


class UpstreamFailed(ApiError):
    status = 502
    code = "upstream_error"


class UpstreamTimeout(ApiError):
    status = 504
    code = "upstream_timeout"


class InternalError(ApiError):
    """Our bug. The details are in the log, under the request id."""


def model_not_found(name: str) -> NotFound:
    """404 as the official service words it."""
    return NotFound(
        f"The model `{name[:100]}` does not exist or you do not have access to it.",
        param="model",
        code="model_not_found",
    )
