"""The backend of this service, and all that is known about talking to it.

`UpstreamClient` makes exchanges; an `Exchange` watches and aborts one; the errors are in a tree of
their own. Nothing outside this package knows the backend's address or Tornado's HTTP client.
"""

from upstream.gpts.descriptions import GizmoBook, GizmoUnavailable
from upstream.gpts.store import GizmoStore
from upstream.http.client import JsonAnswer, UpstreamClient
from upstream.http.errors import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    ResponseRefused,
    TotalTimeout,
    UpstreamError,
)
from upstream.http.exchange import Exchange
from upstream.http.timeouts import Timeouts

__all__ = [
    "Aborted",
    "ConnectFailed",
    "ConnectionLost",
    "Exchange",
    "FirstByteTimeout",
    "GizmoBook",
    "GizmoStore",
    "GizmoUnavailable",
    "IdleTimeout",
    "JsonAnswer",
    "ResponseRefused",
    "Timeouts",
    "TotalTimeout",
    "UpstreamClient",
    "UpstreamError",
]
