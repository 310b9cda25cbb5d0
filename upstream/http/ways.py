"""The ways to the backend: directly or through the proxy of all, and through those of single accounts."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from accounts import Credential
from transport import Connector, Pool, Proxy

MOST_WAYS: Final = 64
"""Proxies of accounts whose connections are kept, those used last."""


@dataclass(frozen=True, slots=True)
class Way:
    """How backend and hosts of its files are reached: what opens connections, and what keeps them."""

    connector: Connector
    pool: Pool


class Ways:
    """One way for each proxy, and one for all who have none of their own: through `proxy`, if there is one.

    Neither a connection nor what servers know a client by is shared between two of them. Make it while the
    event loop runs.
    """

    def __init__(self, proxy: Proxy | None = None) -> None:
        self.usual = _way(Connector(proxy=proxy))
        """That of all who have no proxy of their own."""
        self._own: OrderedDict[str, Way] = OrderedDict()  # by the address of the proxy; used last comes last

    def of(self, credential: Credential | None) -> Way:
        """The way of what is asked with this credential, or with none.

        Raises:
            ValueError: its proxy has no usable address; the text does not show it.
        """
        address = credential.proxy if credential is not None else ""
        if not address:
            return self.usual
        way = self._own.get(address)
        if way is None:
            way = self._own[address] = _way(self.usual.connector.through(Proxy.parse(address)))
            if len(self._own) > MOST_WAYS:
                # What is under way on it ends as it would, and its connections are not kept then.
                self._own.popitem(last=False)[1].pool.close()
        else:
            self._own.move_to_end(address)
        return way

    def close(self) -> None:
        """Close all connections that are kept, and keep none from now on."""
        for way in (self.usual, *self._own.values()):
            way.pool.close()


def _way(connector: Connector) -> Way:
    return Way(connector, Pool(connector))
