"""What can be wrong with a request before any handler sees it, and what the client is told."""

from typing import Final

from metrics import ProtocolFault
from translate.openai import envelope
from translate.values import ApiError, BadRequest, Overloaded

REPLIES: Final = {
    ProtocolFault.LINE_END: "400 Bad Request",
    ProtocolFault.REQUEST_LINE: "400 Bad Request",
    ProtocolFault.HEADER: "400 Bad Request",
    ProtocolFault.HEAD_TOO_LARGE: "431 Request Header Fields Too Large",
    ProtocolFault.HOST: "400 Bad Request",
    ProtocolFault.EXPECTATION: "417 Expectation Failed",
    ProtocolFault.LENGTH: "400 Bad Request",
    ProtocolFault.BODY: "400 Bad Request",
    ProtocolFault.HEAD_TIMEOUT: "408 Request Timeout",
    ProtocolFault.BODY_TIMEOUT: "408 Request Timeout",
    ProtocolFault.STOPPING: "503 Service Unavailable",
    ProtocolFault.OTHER: "400 Bad Request",
}
"""Status and phrase. Nobody is there to read one for INCOMPLETE."""

MESSAGES: Final = {
    ProtocolFault.LINE_END: "A line of the request does not end with CR LF.",
    ProtocolFault.REQUEST_LINE: "The first line is no request line of HTTP/1.1 or HTTP/1.0.",
    ProtocolFault.HEADER: "A header of the request is malformed.",
    ProtocolFault.HEAD_TOO_LARGE: "The headers of the request are too large.",
    ProtocolFault.HOST: "The request must have exactly one valid Host header.",
    ProtocolFault.EXPECTATION: "The only expectation that can be met is 100-continue.",
    ProtocolFault.LENGTH: "Content-Length and Transfer-Encoding do not say clearly where the body ends.",
    ProtocolFault.BODY: "The body of the request is not sent as its headers say.",
    ProtocolFault.HEAD_TIMEOUT: "The headers of the request took too long.",
    ProtocolFault.BODY_TIMEOUT: "The body of the request took too long.",
    ProtocolFault.STOPPING: "The service is restarting.",
    ProtocolFault.OTHER: "The request is not valid HTTP.",
}

RETRY_SECONDS: Final = 5
"""After so long another instance, or the next process, may be there."""


def status_of(fault: ProtocolFault) -> int | None:
    """The status that the client gets, or None if there is nothing to send."""
    return int(REPLIES[fault][:3]) if fault in REPLIES else None


def refusal(fault: ProtocolFault, request_id: str) -> bytes:
    """The whole response, after which the connection is closed."""
    error = _error(fault)
    body = envelope(error)
    lines = (
        f"HTTP/1.1 {REPLIES[fault]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        f"x-request-id: {request_id}",
        *(f"{name}: {value}" for name, value in error.headers().items()),
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _error(fault: ProtocolFault) -> ApiError:
    if fault is ProtocolFault.STOPPING:
        return Overloaded(MESSAGES[fault], retry_after=RETRY_SECONDS)
    return BadRequest(MESSAGES[fault])
