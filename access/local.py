"""Whether a request comes from a program on this machine, which needs no token."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

PLAIN_HEADERS: Final = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "access-control-request-headers",
    "access-control-request-method", "access-control-request-private-network", "cache-control", "connection",
    "content-length", "content-type", "cookie", "dnt", "expect", "host", "if-modified-since", "if-none-match",
    "keep-alive", "origin", "pragma", "priority", "range", "referer", "save-data", "te", "transfer-encoding",
    "upgrade-insecure-requests", "user-agent", "x-requested-with",
})  # fmt: skip
"""What browsers and plain programs send, in lower case. Nobody can name all that proxies add."""
PLAIN_FAMILIES: Final = ("sec-",)
"""How the names of others begin."""
MAX_PORT: Final = 65535
OWN_PAGES: Final = ("", "same-origin", "none")
"""Values of `Sec-Fetch-Site` for requests that no other site's page has sent."""

_HOST = re.compile(r"(?P<name>[^\[\]:]+|\[(?P<six>[^\[\]]+)\])(?::(?P<port>[0-9]{0,5}))?")


def is_local(peer: str, version: str, headers: Mapping[str, str]) -> bool:
    """Whether a program on this machine asks on its own behalf.

    `peer` is the address at the other end of the connection, `version` that of HTTP as the request names it.

    A proxy on this machine also connects from here, for anybody: HTTP/1.0 and any header that plain programs
    do not send give it away. A browser here also asks for pages of other sites: `Origin` or `Sec-Fetch-Site`
    shows them or, if such a site has made its name point to this machine, `Host`.
    """
    host = headers.get("Host", "")
    return (
        _is_loopback(peer)
        and version == "HTTP/1.1"
        and all(_is_plain(name.lower()) for name in headers)
        and headers.get("Sec-Fetch-Site", "") in OWN_PAGES
        and _is_own_page(headers.get("Origin"), host)
        and _names_loopback(host)
    )


def _is_plain(name: str) -> bool:
    return name in PLAIN_HEADERS or name.startswith(PLAIN_FAMILIES)


def _is_own_page(origin: str | None, host: str) -> bool:
    try:
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:  # an address that is none
        return False


def _names_loopback(host: str) -> bool:
    parts = _HOST.fullmatch(host.lower())
    if parts is None or int(parts["port"] or 0) > MAX_PORT:
        return False
    return parts["name"] == "localhost" or _is_loopback(parts["six"] or parts["name"])


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
