"""Connections to servers: sockets, TLS, proxies, HTTP/1.1 and WebSockets, as a client has them.

`StreamingClient` is Tornado's `AsyncHTTPClient` on sockets of its own; a `FetchHandle` stops one of its
fetches. `new_serving_loop` makes the loop on which streams are cheapest. Nothing here knows the backend, and
nothing but public names of Tornado is used.
"""

from transport.client import StreamingClient
from transport.connector import Connector
from transport.origin import Origin
from transport.poller import new_serving_loop
from transport.pool import KeepRules, Pool
from transport.proxy import Proxy, ProxyRefused
from transport.request import FetchHandle, HandledRequest
from transport.resolver import Address
from transport.websocket import NotUpgraded, WebSocketClient

__all__ = [
    "Address",
    "Connector",
    "FetchHandle",
    "HandledRequest",
    "KeepRules",
    "NotUpgraded",
    "Origin",
    "Pool",
    "Proxy",
    "ProxyRefused",
    "StreamingClient",
    "WebSocketClient",
    "new_serving_loop",
]
