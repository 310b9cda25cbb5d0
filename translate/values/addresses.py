"""Addresses that operators write: of servers, of proxies."""

from urllib.parse import SplitResult, urlsplit


def split_address(text: str, *schemes: str) -> SplitResult | None:
    """The parts of a URL, or None if it has no host or none of the `schemes`."""
    try:
        parts = urlsplit(text)
        # Reading `port` raises ValueError for a port that is not a number up to 65535.
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def proxy_address(text: str) -> str:
    """The URL of a proxy, with user and password perhaps. Raises ValueError: what it must be."""
    parts = split_address(text, "http", "https", "socks5", "socks5h")
    if parts is None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("an address such as http://proxy:3128 or socks5://proxy:1080")
    return text
