"""Which IP addresses belong to the public internet.

The check decides which servers users can make this service connect to, so it lists what is allowed rather
than what is forbidden.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

IPAddress = IPv4Address | IPv6Address

_REFUSED_V4: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments; one is a cloud's metadata server
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv4Network("168.63.129.16/32"),  # Azure's host, with metadata, at an otherwise public address
)
_UNICAST_V6: Final = IPv6Network("2000::/3")
"""All public unicast addresses. Loopback, link-local, local, multicast and metadata addresses lie outside, as
do those that embed an IPv4 address: mapped, compatible, translated, NAT64."""
_REFUSED_V6: Final = (
    IPv6Network("2001::/23"),  # protocol assignments, Teredo among them, which embeds IPv4
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, which embeds IPv4
    IPv6Network("3fff::/20"),  # documentation
)


def is_public(address: IPAddress) -> bool:
    """Whether `address` can be reached from anywhere on the internet.

    Private, shared (CGNAT), loopback, link-local, multicast, reserved and documentation addresses are
    not public, nor are IPv6 addresses that embed an IPv4 address, even a public one.
    """
    if isinstance(address, IPv4Address):
        refused = any(address in network for network in _REFUSED_V4)
        return address.is_global and not address.is_multicast and not refused
    return address in _UNICAST_V6 and not any(address in network for network in _REFUSED_V6)
