"""The backend of this service, and all that is known about talking to it.

`UpstreamClient` makes exchanges; an `Exchange` watches and aborts one; the errors are in a tree of
their own. Nothing outside this package knows the backend's address or Tornado's HTTP client.
"""

from upstream.client import JsonAnswer, UpstreamClient
from upstream.errors import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    FirstByteTimeout,
    IdleTimeout,
    ResponseRefused,
    TotalTimeout,
    UpstreamError,
)
from upstream.exchange import Exchange
from upstream.gizmo_store import GizmoStore
from upstream.gizmos import GizmoBook, GizmoUnavailable
from upstream.timeouts import Timeouts

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
