"""Errors as Anthropic writes them: the envelope in a response body or in an event of a stream."""

from dataclasses import dataclass
from typing import Final

from translate.values import ApiError, JsonObject, json_bytes

OVERLOADED: Final = 529
"""Anthropic's status for a service that cannot serve anybody at the moment."""
TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}
"""The class of an error, by its status; all others are the caller's fault below 500, else the service's."""
TOO_LONG: Final = "context_length_exceeded"
NO_THREAD: Final = "thread_not_found"
"""After this one, Anthropic's SDKs send the whole conversation."""


def error_status(error: ApiError) -> int:
    """The HTTP status of an error: 529 in place of a 503 that a retry may mend.

    Clients try again after any 529, whatever `x-should-retry` says; a 503 that lasts stays one.
    """
    return OVERLOADED if error.status == 503 and error.should_retry is not False else error.status


@dataclass(frozen=True, slots=True)
class Envelope:
    """How the errors of one request are written. `tokens` are those of its prompt, about, and `most` is how
    many the model reads; 0 if they are not known.
    """

    request_id: str
    tokens: int = 0
    most: int = 0

    def write(self, error: ApiError) -> bytes:
        """`{"type": "error", "error": {"type", "message"}, "request_id"}` as JSON in ASCII."""
        status = error_status(error)
        kind = TYPES.get(status) or ("invalid_request_error" if status < 500 else "api_error")
        fields: JsonObject = {"type": kind, "message": self._message(error)}
        if error.code == NO_THREAD:
            fields["details"] = {"error_code": NO_THREAD}
        body = {"type": "error", "error": fields, "request_id": self.request_id}
        return json_bytes(body)

    def _message(self, error: ApiError) -> str:
        """What the error says. There is no field for the parameter at fault, so the text names it."""
        if error.code == TOO_LONG:
            # Claude Code finds an overflow by these words, and by the numbers how much is to be left out.
            known = self.tokens > self.most > 0
            how = f"{self.tokens} tokens > {self.most} maximum" if known else error.message
            return f"prompt is too long: {how}"
        if error.param and error.param not in error.message:
            return f"{error.param}: {error.message}"
        return error.message
