"""The closed sets of label values, and the buckets with their reasons."""

from enum import StrEnum

OTHER = "other"
"""What strangers send, before it becomes a label."""


class Outcome(StrEnum):
    """How a request ended; exactly one for each."""

    OK = "ok"
    INVALID = "invalid"
    """The caller's fault: 4xx of ours."""
    REJECTED = "rejected"
    """Not admitted: too many in flight, a limit reached, or draining."""
    UPSTREAM_REFUSED = "upstream_refused"
    """The backend refused the key, the rate or the request."""
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    CLIENT_GONE = "client_gone"
    ERROR = "error"
    """Our bug."""


class Attempt(StrEnum):
    """How one conversation posted upstream ended."""

    OK = "ok"
    FAILED = "failed"
    """Accepted, then it broke: it costs all the same."""
    STOPPED = "stopped"
    """Accepted, then ended from our side: the client left, or we are stopping."""
    REFUSED = "refused"
    """The backend answered, but with an error: it costs nothing."""
    UNSENT = "unsent"
    """It never reached the backend: it costs nothing."""
    UNKNOWN = "unknown"
    """It was sent and nothing came back, or the service died meanwhile: counted as spent."""


CONVERSING = ("chat", "images")
"""Routes that name a model; all others have the model ``other``."""

REJECTIONS = ("overloaded", "draining", "quota", "key_quota", "gpt4_window", "model_cap", "queue", OTHER)
RETRIES = ("connect", "reset", "server_error", "busy", OTHER)
PHASES = ("waiting", "streaming", "whole")
"""Where a client left: before a stream's headers, within the stream, or before an answer that comes whole."""
IMAGES = ("served", "failed")
DIRECTIONS = ("prompt", "completion")

DURATION_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
TTFT_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)
PER_TOKEN_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5)
WAIT_BUCKETS = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
UNKNOWN_KINDS = ("json", "record", "message", "delta", OTHER)
"""Of things in the backend's streams that we do not understand."""
