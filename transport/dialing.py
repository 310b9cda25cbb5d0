"""Connecting to whichever address of a host answers first (RFC 8305)."""

import asyncio
import socket
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Final

from transport.resolver import Address

ATTEMPT_SECONDS: Final = 0.25
"""Lead of an attempt before the next address is tried beside it (RFC 8305, section 5)."""


async def dial(addresses: Sequence[Address], attempt_seconds: float = ATTEMPT_SECONDS) -> socket.socket:
    """A connected socket that does not block. Raises OSError, the first one, if no address can be reached."""
    if len(addresses) == 1:
        return await _connect(addresses[0])
    left = _interleaved(addresses)
    attempts: set[asyncio.Task[socket.socket]] = set()
    failures: list[OSError] = []
    try:
        while left or attempts:
            if left:
                attempts.add(asyncio.create_task(_connect(left.pop(0))))
            done, _ = await asyncio.wait(
                attempts,
                timeout=attempt_seconds if left else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                attempts.discard(attempt)
                try:
                    return attempt.result()
                except OSError as error:
                    failures.append(error)
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_discard)
    raise failures[0] if failures else OSError("the host has no address")


def _interleaved(addresses: Sequence[Address]) -> list[Address]:
    """By turns of each family, beginning with the first."""
    first = addresses[0][0] if addresses else socket.AF_UNSPEC
    ours = [address for address in addresses if address[0] == first]
    others = [address for address in addresses if address[0] != first]
    return [address for address in chain(*zip_longest(ours, others)) if address is not None]


async def _connect(address: Address) -> socket.socket:
    family, where = address
    connecting = socket.socket(family, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, where)
    except BaseException:
        connecting.close()
        raise
    return connecting


def _discard(attempt: "asyncio.Task[socket.socket]") -> None:
    """Close a connection that came too late."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
