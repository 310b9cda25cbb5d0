"""Fetching what a user's message points to on the web, without being sent where users must not get.

The service stands inside somebody's network, and an address in a message is a stranger's wish. So each
host is resolved by a resolver of our own, which looks at every address at the moment of connecting, on
every hop, however it is spelled: there is no gap between the check and the use. http is allowed beside https,
since pictures are often only there, and nothing secret is sent: no cookies, no keys, no referrer. Proxies of
the environment are not used, as they would do the connecting out of our sight.
"""

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from tornado.httpclient import HTTPError, HTTPRequest
from tornado.httputil import HTTPInputError
from tornado.iostream import UnsatisfiableReadError
from tornado.netutil import DefaultLoopResolver
from tornado.simple_httpclient import HTTPTimeoutError, SimpleAsyncHTTPClient

from media.addresses import IPAddress, is_public
from media.errors import FetchFailed, TooBig, UrlRefused, WrongType
from media.sniff import DOCUMENTS, PICTURES, sniff

PORTS: Final = frozenset({80, 443, 8080, 8443})
"""Where web servers listen; others are more likely to be something that understands a GET by accident."""
MAX_REDIRECTS: Final = 3
MAX_URL: Final = 4096
MAX_HEADER_BYTES: Final = 16 * 1024
CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 20.0
MAX_FETCHES: Final = 20
"""At once; further ones wait, within their time."""

_HEADERS: Final = {
    "Accept": "image/png,image/jpeg,image/webp,image/gif,*/*;q=0.1",
    "Accept-Encoding": "identity",
}
_REDIRECTS: Final = (301, 302, 303, 307, 308)


class Fetched(NamedTuple):
    """What was there; the type is told from the bytes."""

    data: bytes
    media_type: str


class Fetcher:
    """Fetches pictures, PDF and text from public addresses.

    Limits: ``max_bytes`` of one answer; ``total_seconds`` for everything, redirects included.
    ``is_allowed`` and ``ports`` are where the tests let their own servers in.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        total_seconds: float = TOTAL_SECONDS,
        is_allowed: Callable[[IPAddress], bool] = is_public,
        ports: frozenset[int] = PORTS,
    ) -> None:
        self._max_bytes = max_bytes
        self._total_seconds = total_seconds
        self._ports = ports
        self._resolver = _GuardedResolver(is_allowed=is_allowed)
        self._client = SimpleAsyncHTTPClient(
            force_instance=True,
            max_clients=MAX_FETCHES,
            resolver=self._resolver,
            max_header_size=MAX_HEADER_BYTES,
            max_body_size=1 << 60,  # `_Transfer` has the limit, and knows that it was the reason
        )

    def close(self) -> None:
        """No more fetches."""
        self._client.close()
        self._resolver.close()

    async def fetch(self, url: str) -> Fetched:
        """Fetch ``url``, following up to `MAX_REDIRECTS`.

        Raises:
            UrlRefused: the address, or one that it redirects to, is not fetched.
            FetchFailed: unreachable, too slow, an error status, or too many redirects.
            TooBig: more than ``max_bytes``.
            WrongType: neither a picture that the backend takes nor PDF nor text.
        """
        try:
            async with asyncio.timeout(self._total_seconds):
                data = await self._follow(url)
        except TimeoutError:
            raise FetchFailed("The address did not deliver in time.") from None
        media_type = sniff(data)
        if media_type not in PICTURES | DOCUMENTS:
            raise WrongType(f"The address delivers {media_type}, no picture, PDF or text.")
        return Fetched(data, media_type)

    async def _follow(self, url: str) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            url = _checked(url, self._ports)
            transfer = _Transfer(self._max_bytes)
            await self._transfer(url, transfer)
            if transfer.status == 200:
                return b"".join(transfer.chunks)
            location = transfer.location
            if transfer.status not in _REDIRECTS or not location:
                raise FetchFailed(f"The address answered with status {transfer.status}.")
            url = _joined(url, location)
        raise FetchFailed("The address redirects too often.")

    async def _transfer(self, url: str, transfer: "_Transfer") -> None:
        request = HTTPRequest(
            url,
            headers=dict(_HEADERS),
            user_agent="pandora-to-v1",
            connect_timeout=CONNECT_SECONDS,
            request_timeout=self._total_seconds,
            follow_redirects=False,
            decompress_response=False,
            header_callback=transfer.header_received,
            streaming_callback=transfer.chunk_received,
        )
        try:
            await self._client.fetch(request, raise_error=False)
        except HTTPTimeoutError:
            raise FetchFailed("The address did not deliver in time.") from None
        except (HTTPError, OSError, UnsatisfiableReadError, ValueError):
            if transfer.too_big:
                raise TooBig(
                    f"The address delivers more than the limit of {self._max_bytes} bytes."
                ) from None
            if not transfer.stopped:
                raise FetchFailed("The address could not be reached, or broke off.") from None
        finally:
            transfer.stopped = True  # if we were cancelled, its next bytes end it


class _Transfer:
    """One answer as it comes in."""

    def __init__(self, max_bytes: int) -> None:
        self.status = 0
        self.location = ""
        self.chunks: list[bytes] = []
        self.too_big = False
        self.stopped = False
        self._left = max_bytes

    def header_received(self, line: str) -> None:
        """One line of the answer's head: the status line first, an empty one last."""
        if line.startswith("HTTP/"):
            self.status, self.location = int(line.split(" ")[1]), ""
            return
        name, _, value = line.partition(":")
        if name.lower() == "location":
            self.location = value.strip()
        elif name.lower() == "content-length" and self.status == 200:
            self.too_big = not value.strip().isdigit() or int(value) > self._left
        elif not line.strip():
            self.stopped |= self.status > 200  # only a body that is wanted is worth its bytes
            self._go_on()

    def chunk_received(self, chunk: bytes) -> None:
        """Some of the body."""
        self._left -= len(chunk)
        self.too_big |= self._left < 0
        self._go_on()
        self.chunks.append(chunk)

    def _go_on(self) -> None:
        if self.stopped or self.too_big:
            raise HTTPInputError("the rest is not wanted")  # on which Tornado closes the connection


class _GuardedResolver(DefaultLoopResolver):
    """Refuses a host if any of its addresses is not allowed."""

    def initialize(self, is_allowed: Callable[[IPAddress], bool]) -> None:
        self._is_allowed = is_allowed

    async def resolve(self, host: str, port: int, family: Any = 0) -> list[tuple[int, Any]]:
        addresses = await super().resolve(host, port, family)
        if not all(self._is_allowed(ip_address(address[0])) for _, address in addresses):
            raise UrlRefused("The address does not lead to a public server.")
        return addresses


def _checked(url: str, ports: frozenset[int]) -> str:
    """The URL as it is to be sent: ASCII, without fragment. Raises UrlRefused."""
    if len(url) > MAX_URL:
        raise UrlRefused(f"The address is longer than {MAX_URL} characters.")
    try:
        parts = urlsplit(url.strip())
        port = parts.port if parts.port is not None else 443 if parts.scheme == "https" else 80
        host = _ascii_host(parts)
        tail = _quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else "")
    except ValueError:
        raise UrlRefused("The address cannot be understood.") from None
    if parts.scheme not in ("http", "https"):
        raise UrlRefused("Only http and https addresses are fetched.")
    if "@" in parts.netloc:
        raise UrlRefused("An address with a user name or password is not fetched.")
    if port not in ports:
        raise UrlRefused(f"The port {port} is not one of a web server's.")
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{tail}"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise UrlRefused("The address redirects to something that cannot be understood.") from None


def _ascii_host(parts: SplitResult) -> str:
    """The host in ASCII, an IPv6 address in its brackets. Raises ValueError."""
    host = parts.hostname or ""
    if ":" in host:
        if "%" in host:
            raise ValueError("an interface of this machine")
        return f"[{IPv6Address(host)}]"
    ascii_host = host.encode("idna").decode()
    if not ascii_host or not all(c.isalnum() or c in ".-_" for c in ascii_host):
        raise ValueError("no host")
    return ascii_host


def _quoted(text: str) -> str:
    return quote(text, safe="/%:@!$&'()*+,;=?~")
