"""Ways through a proxy: HTTP (RFC 9110, section 9.3.6) and SOCKS5."""

import base64
import socket
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy as SocksClient
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError
from tornado.simple_httpclient import HTTPStreamClosedError

from transport.channel import Channel, SocketChannel
from transport.origin import Origin
from transport.receive import receive_head
from transport.response import HeadReader

DEFAULT_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class ProxyRefused(OSError):
    """The proxy does not connect us. The text holds no address and no password."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy is, and who we are there. It looks up the names of servers itself."""

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `scheme://[user:password@]host[:port]`. Raises ValueError, whose text does not show it."""
        try:
            parts = urlsplit(url.strip())
            port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        except ValueError:
            raise ValueError("not the address of a proxy") from None
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("a proxy looks like http://host:port, https://host:port or socks5://host:port")
        name, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.scheme, parts.hostname, port, name, password)

    @property
    def is_socks(self) -> bool:
        """It speaks SOCKS5; otherwise HTTP."""
        return self.scheme.startswith("socks")

    @property
    def origin(self) -> Origin:
        """The proxy itself, as a server."""
        return Origin(self.scheme == "https", self.host, self.port)

    @property
    def authorization(self) -> str:
        """Value of the header Proxy-Authorization; "" if we have no name there."""
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


async def tunnel(channel: Channel, proxy: Proxy, origin: Origin) -> None:
    """Have an HTTP proxy connect this channel to a server. Raises OSError."""
    lines = [f"CONNECT {origin.authority} HTTP/1.1", f"Host: {origin.authority}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    channel.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    reader = HeadReader()
    try:
        head = await receive_head(channel, reader)
    except (HTTPStreamClosedError, HTTPInputError, UnsatisfiableReadError):
        raise ProxyRefused("the proxy closed the connection, or does not speak HTTP") from None
    if not 200 <= head.line.code < 300:
        raise ProxyRefused(f"the proxy refused with status {head.line.code}")
    if reader.rest:
        raise ProxyRefused("the proxy sent something of its own")


class _Dialled(SocksClient):
    """Stands before a SOCKS client as a proxy that is passed already: gives the socket to talk to it on."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected

    async def connect(self, *_: Any, **__: Any) -> socket.socket:
        """The socket, which is connected."""
        return self._connected


async def socks_channel(connected: socket.socket, proxy: Proxy, origin: Origin) -> SocketChannel:
    """A channel to a server through the SOCKS5 proxy that this socket leads to. Raises OSError."""
    client = SocksClient(
        ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        proxy.username or None,
        proxy.password or None,
        rdns=True,
        forward=_Dialled(connected),
    )
    try:
        await client.connect(origin.host, origin.port)
    except ProxyError:
        raise ProxyRefused("the proxy refused") from None
    except UnicodeError:
        raise ProxyRefused("the name of the server is too long for the proxy") from None
    return SocketChannel(connected)
