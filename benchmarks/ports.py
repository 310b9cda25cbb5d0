"""Ports for processes that must be told one before they start."""

import random
import socket

FIRST, END = 15_000, 32_000
"""Below the ports that Linux gives to outgoing connections (from 32768 on, net.ipv4.ip_local_port_range).

One of those may be taken by any connection while the process that was told it has not begun, or has ended and
is started again.
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens now."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """That many different ones.

    Raises:
        RuntimeError: There are not as many.
    """
    found: list[int] = []
    for port in random.sample(range(FIRST, END), END - FIRST):
        if len(found) == count:
            return found
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        found.append(port)
    raise RuntimeError(f"there are no {count} free ports")
