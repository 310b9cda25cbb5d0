"""Where a request comes from, also behind proxies that are trusted."""

import ipaddress
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

UNKNOWN: Final = "unknown"
"""Stands for all clients whose address cannot be told."""
_PREFIX: Final = 64
"""Bits of an IPv6 address that a client cannot choose: providers give each customer such a network."""


def client_address(peer: str, forwarded_for: str, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address that limits of a client are counted under; of IPv6 it is the network of 64 bits.

    `peer` is the other end of the connection, `forwarded_for` the whole header `X-Forwarded-For`. Each
    proxy adds to its right end who has connected to it, so it is read from there, and only as long as those
    who say so are `trusted`: what stands further left, a client may have made up.
    """
    nearest, hops = _address(peer), forwarded_for
    while hops and nearest is not None and any(nearest in network for network in trusted):
        hops, _, last = hops.rpartition(",")
        told = _address(last)
        if told is None:
            break
        nearest = told
    if nearest is None:
        return UNKNOWN
    if isinstance(nearest, IPv6Address):
        return str(ipaddress.ip_network((nearest, _PREFIX), strict=False))
    return str(nearest)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address in `text`, which may have a port behind it, or brackets around it."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
