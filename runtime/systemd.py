"""Words to systemd, for a unit with `Type=notify`: that the service is ready, and that it stops.

See sd_notify(3): a datagram to the socket that `NOTIFY_SOCKET` names.
"""

import socket
from collections.abc import Mapping
from typing import Final

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
SEND_SECONDS: Final = 0.1


def tell_systemd(state: str, environ: Mapping[str, str]) -> None:
    """Tell `state` to systemd, if it has started this process and wants to know.

    Raises:
        OSError: it cannot be told.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.settimeout(SEND_SECONDS)
        channel.connect("\0" + address[1:] if address.startswith("@") else address)
        channel.sendall(state.encode())
