"""The backend of this service, and all that is known about talking to it.

`HttpClient` makes HTTP exchanges: the parts for files, GPTs, history and the licence need it. A
`ConversationClient`, made of it and of the `AccountSockets`, holds conversations: turns need it. An
`Exchange` watches and aborts one exchange; the errors are in a tree of their own. Nothing outside this room
knows the backend's address or Tornado's HTTP client.
"""

from upstream.conversations import ConversationClient
from upstream.elsewhere import FollowLimits, Paces
from upstream.history import Found, History
from upstream.http import (
    Aborted,
    ConnectFailed,
    ConnectionLost,
    Exchange,
    FirstByteTimeout,
    HttpClient,
    IdleTimeout,
    ProgressTimeout,
    ResponseRefused,
    Timeouts,
    TotalTimeout,
    UnusableAnswer,
    UpstreamError,
)
from upstream.preflight import NO_PREFLIGHT, Preflight
from upstream.socket import AccountSockets, SocketLimits

__all__ = [
    "NO_PREFLIGHT",
    "Aborted",
    "AccountSockets",
    "ConnectFailed",
    "ConnectionLost",
    "ConversationClient",
    "Exchange",
    "FirstByteTimeout",
    "FollowLimits",
    "Found",
    "History",
    "HttpClient",
    "IdleTimeout",
    "Paces",
    "Preflight",
    "ProgressTimeout",
    "ResponseRefused",
    "SocketLimits",
    "Timeouts",
    "TotalTimeout",
    "UnusableAnswer",
    "UpstreamError",
]
