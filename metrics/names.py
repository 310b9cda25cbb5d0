"""The closed sets of label values, and the buckets of the histograms."""

from enum import StrEnum
from typing import Final

OTHER: Final = "other"
"""The label of every value that is not in a closed set: names sent by strangers add no series."""


class Outcome(StrEnum):
    """How a request ended; exactly one for each."""

    OK = "ok"
    INVALID = "invalid"
    """The fault of whoever called us: a 4xx of ours."""
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
    """The backend answered, and provably accepted nothing: it costs nothing."""
    UNSENT = "unsent"
    """It never reached the backend: it costs nothing."""
    UNKNOWN = "unknown"
    """It was sent and nothing proves what became of it, or the service died meanwhile: it counts as spent."""


class AccountState(StrEnum):
    """How an account of the operator's is."""

    OK = "ok"
    COOLING = "cooling"
    """It has failed, and rests."""
    NEEDS_PERSON = "needs_person"
    """It has failed, and does not get well by itself."""
    DISABLED = "disabled"
    """The administrator has switched it off."""
    NO_CREDENTIAL = "no_credential"
    """There is no credential for it."""


class ToolCalls(StrEnum):
    """What became of calls of clients' tools, and of answers in a form."""

    MADE = "made"
    """A call that the client got."""
    ASKED_AGAIN = "asked_again"
    """An answer that did not keep to it and was asked for once more: another conversation."""
    FAILED = "failed"
    """An answer that never did, so that the client got an error."""


class ProtocolFault(StrEnum):
    """Why what a client sent was no HTTP request that could be answered."""

    LINE_END = "line_end"
    """A line that ends without CR LF."""
    REQUEST_LINE = "request_line"
    HEADER = "header"
    """A header line that is none: folded, a space before the colon, control characters."""
    HEAD_TOO_LARGE = "head_too_large"
    HOST = "host"
    """No `Host`, several, or none that could be one; or the target of the request names none."""
    EXPECTATION = "expectation"
    """The client expects something else than leave to send the body."""
    LENGTH = "length"
    """It is not said, or said twice, where the body ends."""
    BODY = "body"
    """The body does not come in the form that the headers announced."""
    HEAD_TIMEOUT = "head_timeout"
    BODY_TIMEOUT = "body_timeout"
    STOPPING = "stopping"
    """The service stopped before all of it had come."""
    INCOMPLETE = "incomplete"
    """The connection ended within the request."""
    OTHER = "other"


class ClosedConnection(StrEnum):
    """Why a connection without a whole request was closed."""

    SILENT = "silent"
    """No request came on it."""
    IDLE = "idle"
    """No further request came on it."""
    CROWDED = "crowded"
    """Another client needed its place."""


class AcceptPause(StrEnum):
    """Why new connections have to wait."""

    LIMIT = "limit"
    """There are as many as there may be, and all of them are in use."""
    RESOURCES = "resources"
    """The process or the machine has no descriptors or memory left."""


CONVERSATION_ROUTES: Final = ("audio", "chat", "images", "messages", "responses")
"""Routes whose requests name a model; all others have the model `other`."""

REJECTIONS: Final = (
    "overloaded", "draining", "quota", "key_quota", "gpt4_window", "model_cap", "queue", "refused_key",
    "unknown_keys", "incorrect_key", "expired_key", "bodies", "feature_limit", "no_account", OTHER
)  # fmt: skip
"""Why we turned a request away."""
ACCOUNT_FAULTS: Final = (
    "refused", "expired", "deactivated", "capped", "no_model", "feature", "busy", "challenge", "rate",
    "unreachable", "failing", OTHER
)  # fmt: skip
"""Why a message failed by the fault of its account."""
ACCOUNT_MOVES: Final = ("quota", "window", *ACCOUNT_FAULTS)
"""Why a turn went on to another account: what its own one may spend is spent, or it has failed."""
FEATURES: Final = (
    "deep_research", "image_gen", "file_upload", "paste_text_to_file", "odyssey", "reason"
)  # fmt: skip
"""Features of the backend of which the uses that are left are shown; it may count others."""
SIDE_CLIENTS: Final = (
    "nextchat", "open-webui", "lobechat", "librechat", "opencode", "qwen-code", "claude-code", "codex"
)  # fmt: skip
"""Clients whose side requests are known."""
SIDE_TASKS: Final = ("title", "tags", "follow_ups", "summary", "memory", "completion", "queries")
"""What side requests are for."""
MAX_LISTED_MODELS: Final = 30
"""Models that only the backend's list names and that have series of their own: the first ones used. Each has
some 200 series."""
FINISH_REASONS: Final = ("stop", "length", "tool_calls", "content_filter", OTHER)
"""Why a whole answer ends, in OpenAI's words."""
GONE: Final = "gone"
"""In place of a status: the client left before its answer was whole."""
STATUSES: Final = (
    "200", "204", "206", "304", "400", "401", "403", "404", "405", "413", "415", "416", "429", "500", "502",
    "503", "504", "529", GONE, OTHER
)  # fmt: skip
"""Of HTTP. A stream that fails after its headers has a 200."""
RETRIES: Final = ("connect", "reset", "server_error", "busy", OTHER)
"""Why a conversation was posted once more."""
PHASES: Final = ("waiting", "streaming", "whole")
"""When a client left: before the headers of a stream, in the stream, or before an answer that comes whole."""
IMAGES: Final = ("served", "failed")
"""What became of a picture of an answer."""
DIRECTIONS: Final = ("prompt", "completion")
"""Of tokens."""
UNKNOWN_KINDS: Final = ("json", "record", "message", "delta", OTHER)
"""What in the backend's streams was not understood."""

# In seconds, but for those of tokens, which are OpenTelemetry's.
DURATION_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
TTFT_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)
PER_TOKEN_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5)
OVERHEAD_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
TOKEN_BUCKETS: Final = tuple(float(4**power) for power in range(11))
WAIT_BUCKETS: Final = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)
LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
