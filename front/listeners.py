"""The listening sockets: opened here, or handed over by systemd.

Three ways to restart without refusing anybody:

- systemd keeps the socket (`LISTEN_FDS`): who comes meanwhile waits in its queue.
- `REUSE_PORT`: the next process listens on the same port before this one stops. The kernel gives each
  connection to one of them, so what is in the queue of this one is accepted before it is closed.
- A proxy in front that tries another instance.
"""

import array
import os
import socket
import struct
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from tornado.netutil import bind_sockets

BACKLOG: Final = 1024
"""Connections that may wait to be accepted; the system may allow fewer."""
SEND_BUFFER_BYTES: Final = 128 * 1024
"""Send buffer of each client in the kernel, which doubles it. By default it grows to 4 MiB for a client that
does not read, and the backend goes on for so much longer."""
FIRST_SYSTEMD_DESCRIPTOR: Final = 3
SO_ATTACH_FILTER: Final = 26
"""Linux; Python has no name for it."""
SYN_FILTER: Final = (
    (0x30, 0, 0, 13),  # load the flags of the TCP header
    (0x45, 0, 1, 0x02),  # SYN set?
    (0x06, 0, 0, 0),  # then drop it: it is sent again after a second
    (0x06, 0, 0, 0xFFFFFFFF),  # else take it whole
)
"""A classic BPF program, one instruction a line: code, jump if true, jump if false, operand."""


class NotListening(Exception):
    """The service cannot listen; the text says why and what to change."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Listening sockets. `handed_over` are those of systemd, `shared` those of a port with others on it."""

    sockets: list[socket.socket]
    handed_over: bool = False
    shared: bool = False

    @classmethod
    def open(
        cls,
        host: str,
        port: int,
        *,
        reuse_port: bool,
        environ: MutableMapping[str, str],
        named: str = "HOST or PORT",
    ) -> "Listeners":
        """The sockets that systemd has handed over in `environ`, or new ones.

        Raises:
            NotListening: the address, by the settings that are `named`, is taken, or is none.
        """
        found = _from_systemd(environ)
        listeners = (
            cls(found, handed_over=True)
            if found
            else cls(_bind(host, port, reuse_port, named), shared=reuse_port)
        )
        for listener in listeners.sockets:  # its connections inherit this
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        return listeners

    @property
    def port(self) -> int:
        """The port of the first one; 0 for a socket without ports."""
        name = self.sockets[0].getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    @property
    def address(self) -> str:
        """Where the first one listens, for people."""
        name = self.sockets[0].getsockname()
        if not isinstance(name, tuple):
            return f"unix:{os.fsdecode(name)}"
        return f"http://[{name[0]}]:{name[1]}" if ":" in name[0] else f"http://{name[0]}:{name[1]}"

    def turn_away(self) -> None:
        """Let new connections to a shared port go to the other process, from now on.

        Who comes within the last moments is not told anything, asks again after a second, and gets through
        to the other one. Where this cannot be done, some may be refused in the moment of closing.
        """
        if not self.shared or sys.platform != "linux":
            return
        program = array.array("B", b"".join(struct.pack("HBBI", *line) for line in SYN_FILTER))
        filter = struct.pack("HP", len(SYN_FILTER), program.buffer_info()[0])
        for listener in self.sockets:
            with suppress(OSError):
                listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter)

    def close(self) -> None:
        """Close them; who waits in their queues is refused, unless systemd keeps them."""
        for listener in self.sockets:
            listener.close()


def _from_systemd(environ: MutableMapping[str, str]) -> list[socket.socket]:
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isascii() or not count.isdigit():
        return []
    found = []
    for descriptor in range(FIRST_SYSTEMD_DESCRIPTOR, FIRST_SYSTEMD_DESCRIPTOR + int(count)):
        try:
            os.set_inheritable(descriptor, False)
            listener = socket.socket(fileno=descriptor)
            listens = listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError as error:
            raise NotListening(f"cannot listen on LISTEN_FDS: {error.strerror}.") from None
        if not listens:
            raise NotListening("cannot listen on LISTEN_FDS: it is no listening stream socket.")
        found.append(listener)
    return found


def _bind(host: str, port: int, reuse_port: bool, named: str) -> list[socket.socket]:
    try:
        return bind_sockets(port, host, backlog=BACKLOG, reuse_port=reuse_port)
    except (OSError, ValueError) as error:  # UnicodeError, a ValueError: HOST is no valid name
        reason = error.strerror if isinstance(error, OSError) else "not possible here"
        if isinstance(error, UnicodeError):
            reason = "not an address"
        raise NotListening(f"cannot listen on {host} port {port}: {reason}. Change {named}.") from None
