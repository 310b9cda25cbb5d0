"""Connections to servers: name, address, proxy, TLS."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from transport.channel import Channel, SocketChannel
from transport.dialing import dial
from transport.origin import Origin
from transport.proxy import Proxy, socks_channel, tunnel
from transport.resolver import Address, Resolver
from transport.tls import Sessions, TlsChannel, client_context


@dataclass(slots=True)
class Connection:
    """An open connection to a server, or to a proxy that passes on requests with whole URLs."""

    channel: Channel
    origin: Origin
    relay: Proxy | None = None
    """The proxy that wants whole URLs."""
    stood_idle: bool = False
    """It was kept, or opened early: the server may have closed it by now."""


class Connector:
    """Opens connections, through `proxy` if there is one.

    `vet` looks at the addresses of each server before one is connected to, and may raise. A proxy is then
    told the address that was looked at, and not the name, which it might find elsewhere. `tls` is how servers
    are checked.
    """

    def __init__(
        self,
        *,
        proxy: Proxy | None = None,
        vet: Callable[[Sequence[Address]], None] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._proxy = proxy
        self._vet = vet
        self._sessions = Sessions(tls) if tls is not None else None
        self._resolver = Resolver()

    def through(self, proxy: Proxy) -> "Connector":
        """One that goes through this proxy, and looks at addresses and checks servers as this one does.

        What servers know us by is its own, so that none can tell that both are one client.
        """
        self._sessions = self._sessions or Sessions(client_context())
        return Connector(proxy=proxy, vet=self._vet, tls=self._sessions.context)

    async def open(self, origin: Origin, *, raw: bool = False) -> Connection:
        """Connect; TCP and TLS stand then.

        With `raw` the bytes go to the server itself in any case, for what is not a plain request.

        Raises:
            OSError: it can't be reached, or is not trusted.
        """
        proxy = self._proxy
        if proxy is None:
            channel: Channel = SocketChannel(await dial(await self._vetted(origin)))
            return Connection(await self._secured(channel, origin), origin)
        told = origin if self._vet is None else _at(origin, await self._vetted(origin))
        joined = await dial(await self._resolver.resolve(proxy.host, proxy.port))
        if proxy.is_socks:
            channel = await socks_channel(joined, proxy, told)
        else:
            channel = await self._secured(SocketChannel(joined), proxy.origin)
            if not origin.tls and not raw and self._vet is None:
                return Connection(channel, origin, proxy)
            try:
                await tunnel(channel, proxy, told)
            except BaseException:
                channel.close()
                raise
        return Connection(await self._secured(channel, origin), origin)

    async def _vetted(self, origin: Origin) -> Sequence[Address]:
        addresses = await self._resolver.resolve(origin.host, origin.port)
        if self._vet is not None:
            self._vet(addresses)
        return addresses

    async def _secured(self, channel: Channel, origin: Origin) -> Channel:
        if not origin.tls:
            return channel
        try:
            self._sessions = self._sessions or Sessions(client_context())
            return await TlsChannel.open(channel, self._sessions, origin)
        except BaseException:
            channel.close()
            raise


def _at(origin: Origin, addresses: Sequence[Address]) -> Origin:
    """The server at the first of its addresses, in place of its name."""
    return replace(origin, host=addresses[0][1][0])
