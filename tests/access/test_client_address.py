"""The address that a client's limits are counted under."""

from ipaddress import ip_network

import pytest

from access.client_address import client_address

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "address"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # who is not trusted can say anything
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5, 198.51.100.7", "198.51.100.7"),  # what stands left is made up
        ("10.0.0.1", "203.0.113.5, 198.51.100.7, 10.1.1.1", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5,10.0.0.2,10.0.0.3", "203.0.113.5"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7"),
        ("10.0.0.1", '"198.51.100.7"', "198.51.100.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.5, ", "10.0.0.1"),
        ("10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("fd00::1", "[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        ("", "198.51.100.7", "unknown"),
        ("/run/socket", "", "unknown"),
        ("10.0.0.1", "," * 5000 + "198.51.100.7", "198.51.100.7"),
    ],
)
def test_address_is_the_nearest_that_is_not_trusted(peer: str, forwarded_for: str, address: str) -> None:
    assert client_address(peer, forwarded_for, TRUSTED) == address


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert client_address("127.0.0.1", "198.51.100.7", ()) == "127.0.0.1"
