"""Names to addresses."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
"""The family of a socket, and what it connects to."""


class Resolver:
    """Asks the system's name service, in a thread for each name that is being looked up.

    So a name that takes long holds up nobody but those who asked for it, who share one answer.
    """

    def __init__(self) -> None:
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[Address]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """All addresses of a host, in the system's order. Raises socket.gaierror."""
        if (literal := _literal(host, port)) is not None:
            return [literal]
        key = host, port
        asked = self._under_way.get(key)
        if asked is None:
            asked = self._under_way[key] = asyncio.get_running_loop().create_future()
            asked.add_done_callback(lambda done: done.exception())  # those who asked may have left
            asked.add_done_callback(lambda _: self._under_way.pop(key))
            threading.Thread(target=_look_up, args=(asked, host, port), daemon=True).start()
        return await asyncio.shield(asked)


def _literal(host: str, port: int) -> Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if address.version == 4:
        return socket.AF_INET, (host, port)
    return None if address.scope_id else (socket.AF_INET6, (host, port, 0, 0))


def _look_up(asked: "asyncio.Future[Sequence[Address]]", host: str, port: int) -> None:
    addresses: list[Address] = []
    failure: Exception | None = None
    try:
        found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
        addresses = [(family, address) for family, _, _, _, address in found]
    except Exception as error:
        failure = error
    with suppress(RuntimeError):  # the loop has ended meanwhile
        asked.get_loop().call_soon_threadsafe(_settle, asked, addresses, failure)


def _settle(
    asked: "asyncio.Future[Sequence[Address]]", addresses: Sequence[Address], failure: Exception | None
) -> None:
    if failure is not None:
        asked.set_exception(failure)
    else:
        asked.set_result(addresses)
