"""Whether a request comes from a program on this machine, which needs no token."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

PROXY_HEADERS: Final = frozenset({
    "client-ip", "forwarded", "forwarded-for", "front-end-https", "max-forwards", "proxy-authorization",
    "proxy-client-ip", "proxy-connection", "remote-addr", "remote-user", "true-client-ip", "via",
    "wl-proxy-client-ip", "x-client-ip", "x-coming-from", "x-host", "x-proxy-id", "x-request-start",
    "x-rewrite-url", "x-scheme", "x-url-scheme", "x-varnish",
})  # fmt: skip
"""Headers that proxies add, in lower case."""
PROXY_FAMILIES: Final = (
    "akamai-", "ali-", "cdn-", "cf-", "eo-", "fastly-", "fly-", "incap-", "ssl-client", "tailscale-",
    "x-akamai", "x-amz-cf-", "x-amzn-", "x-appengine-", "x-arr-", "x-auth-request-", "x-azure-", "x-cluster-",
    "x-edge-", "x-envoy-", "x-forward", "x-haproxy-", "x-nf-", "x-nginx-", "x-original-", "x-proxyuser-",
    "x-real-", "x-remote-", "x-ssl-", "x-sucuri-", "x-vercel-",
)  # fmt: skip
"""How the names of others begin."""
OWN_PAGES: Final = ("", "same-origin", "none")
"""Values of `Sec-Fetch-Site` for requests that no other site's page has sent."""


def is_local(peer: str, version: str, headers: Mapping[str, str]) -> bool:
    """Whether a program on this machine asks on its own behalf.

    `peer` is the address at the other end of the connection, `version` that of HTTP as the request names it.

    A proxy on this machine also connects from here, for anybody: HTTP/1.0 and the headers that proxies add
    give it away. A browser here also asks for pages of other sites: `Origin` or `Sec-Fetch-Site` shows them
    or, if such a site has made its name point to this machine, `Host`.
    """
    host = headers.get("Host", "")
    return (
        _is_loopback(peer)
        and version == "HTTP/1.1"
        and not any(_is_of_proxy(name.lower()) for name in headers)
        and headers.get("Sec-Fetch-Site", "") in OWN_PAGES
        and _is_own_page(headers.get("Origin"), host)
        and _names_loopback(host)
    )


def _is_of_proxy(name: str) -> bool:
    return name in PROXY_HEADERS or name.startswith(PROXY_FAMILIES)


def _is_own_page(origin: str | None, host: str) -> bool:
    try:
        return origin is None or urlsplit(origin).netloc == host
    except ValueError:  # an address that is none
        return False


def _names_loopback(host: str) -> bool:
    name = re.sub(r":[0-9]*$", "", host.lower())
    return name == "localhost" or _is_loopback(name.removeprefix("[").removesuffix("]"))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
