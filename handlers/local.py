"""Whether a request comes from this machine, where no token is asked for."""

import ipaddress
import re
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via")
"""Where one of these is, the request came through a proxy, whoever is at the other end."""
OWN_PAGES = ("", "same-origin", "none")
"""Values of ``Sec-Fetch-Site`` by which no foreign page has sent the request."""


def is_local(request: HTTPServerRequest) -> bool:
    """Whether a program on this machine asks on its own behalf.

    A browser here also carries the requests of foreign pages. They show in ``Origin`` or
    ``Sec-Fetch-Site``, or, where a foreign name was made to point to this machine, in ``Host``.
    """
    headers = request.headers
    if any(name in headers for name in FORWARDED) or headers.get("Sec-Fetch-Site", "") not in OWN_PAGES:
        return False
    origin = headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return False
    return _is_loopback(request.remote_ip or "") and _names_loopback(request.host)


def _names_loopback(host: str) -> bool:
    name = re.sub(r":[0-9]*$", "", host.lower())
    return name == "localhost" or _is_loopback(name.strip("[]"))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
