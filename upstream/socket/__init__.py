"""The backend's WebSockets: one for each account that answers over it (protocol notes, section 12).

`SocketDelivery` stands beside the POST of one conversation, and gives its answer if it comes over the socket;
`AccountSockets` keeps the sockets of all accounts.
"""

from upstream.socket.account_socket import SocketTimes
from upstream.socket.account_sockets import AccountSockets, SocketLimits
from upstream.socket.delivery import SocketDelivery
from upstream.socket.frame_buffer import BufferBudget
from upstream.socket.stored_looks import feed_stored
from upstream.socket.stream_reader import Pauses
from upstream.socket.websocket import WebSocket

__all__ = [
    "AccountSockets",
    "BufferBudget",
    "Pauses",
    "SocketDelivery",
    "SocketLimits",
    "SocketTimes",
    "WebSocket",
    "feed_stored",
]
