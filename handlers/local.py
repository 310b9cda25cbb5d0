"""Whether a request comes from this machine, where no token is asked for."""

import ipaddress
import re
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest

FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Via")
"""A request with one of these headers came through a proxy, so its sender may be anywhere."""
OWN_PAGES = ("", "same-origin", "none")
"""Values of `Sec-Fetch-Site` for requests that no other site's page has sent."""


def is_local(request: HTTPServerRequest) -> bool:
    """Whether a program on this machine asks on its own behalf.

    A browser here also sends requests for pages of other sites. `Origin` or `Sec-Fetch-Site` shows them or,
    if such a site has made its name point to this machine, `Host`.
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
