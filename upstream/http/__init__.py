"""HTTP to the backend.

`HttpClient` makes exchanges: a POST whose answer is streamed, a small JSON call, or the bytes of a file. An
`Exchange` watches and aborts one. The errors are in a tree of their own. Nothing but `upstream` knows the
backend's address or Tornado's HTTP client.
"""

from upstream.http.answers import JsonAnswer
from upstream.http.client import CallLimits, HttpClient
from upstream.http.errors import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    TotalTimeout,
    UnusableAnswer,
    UpstreamError,
)
from upstream.http.exchange import Exchange, TransportSide
from upstream.http.headers import CONDUIT, conduit_token
from upstream.http.paths import API, conversation_path, deletion_path, file_path
from upstream.http.receiver import OnData
from upstream.http.route_memory import ABSENT_SECONDS, MAX_ACCOUNTS, AccountRoutes, RouteMemory
from upstream.http.timeouts import Phase, Timeouts, Watchdog

__all__ = [
    "ABSENT_SECONDS",
    "API",
    "CONDUIT",
    "MAX_ACCOUNTS",
    "Aborted",
    "AccountRoutes",
    "CallLimits",
    "ConnectFailed",
    "ConnectionLost",
    "Exchange",
    "FirstByteTimeout",
    "HttpClient",
    "IdleTimeout",
    "JsonAnswer",
    "OnData",
    "Phase",
    "ProgressTimeout",
    "ResponseRefused",
    "RouteMemory",
    "Timeouts",
    "TotalTimeout",
    "TransportSide",
    "UnusableAnswer",
    "UpstreamError",
    "Watchdog",
    "conduit_token",
    "conversation_path",
    "deletion_path",
    "file_path",
]
