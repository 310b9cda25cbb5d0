"""Fetching what a user's message points to on the web, without giving users access to our own network.

The service stands inside a private network, and addresses in messages come from strangers. So all addresses
of each host are checked at the moment of connecting, on every hop, however they are spelled: there is no gap
between the check and the use. Besides https, http is allowed,
since pictures are often only there, and nothing secret is sent: no cookies, no keys, no referrer. Proxies of
the environment are not used, nor those of the backend. A proxy that is meant for this is told an address that
was checked, and not a name, which it would look up itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from tornado.httpclient import HTTPError
from tornado.httputil import HTTPHeaders, HTTPInputError, ResponseStartLine
from tornado.iostream import UnsatisfiableReadError
from tornado.simple_httpclient import HTTPTimeoutError

from media.addresses import IPAddress, is_public
from media.errors import FetchFailed, TooBig, UrlRefused, WrongType
from media.sniff import DOCUMENTS, PICTURES, sniff
from runtime import HeldBytes, NoRoom
from transport import Address, Connector, FetchHandle, HandledRequest, Pool, Proxy, StreamingClient

PORTS: Final = frozenset({80, 443, 8080, 8443})
"""Where web servers listen; others are more likely to be something that understands a GET by accident."""
MAX_REDIRECTS: Final = 3
MAX_URL: Final = 4096
"""Longest address, in characters."""
MAX_HEADER_BYTES: Final = 16 * 1024
CONNECT_SECONDS: Final = 5.0
TOTAL_SECONDS: Final = 20.0
"""Longest fetch, redirects included."""
MAX_FETCHES: Final = 20
"""Fetches at once; further ones wait, and their waiting counts towards their time."""

_HEADERS: Final = {
    "Accept": "image/png,image/jpeg,image/webp,image/gif,*/*;q=0.1",
    "Accept-Encoding": "identity",
}
_INSTEAD: Final = "send the content itself as a data: URL."
_REDIRECTS: Final = (301, 302, 303, 307, 308)


class Fetcher:
    """Fetches pictures, PDF and text from public addresses. Keeps no connection open between two fetches.

    One answer may have `max_bytes`; one fetch may take `total_seconds`, redirects included. `is_allowed`
    tells which IP addresses may be connected to, `ports` which ports. Everything goes through `proxy`, if
    there is one.
    """

    def __init__(
        self,
        *,
        max_bytes: int,
        total_seconds: float = TOTAL_SECONDS,
        is_allowed: Callable[[IPAddress], bool] = is_public,
        ports: frozenset[int] = PORTS,
        proxy: Proxy | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._total_seconds = total_seconds
        self._ports = ports
        self._client = StreamingClient(
            force_instance=True,
            max_clients=MAX_FETCHES,
            pool=Pool(Connector(proxy=proxy, vet=partial(_check, is_allowed))),
            max_header_size=MAX_HEADER_BYTES,
        )

    async def fetch(self, url: str, held: HeldBytes) -> bytes:
        """The bytes at `url`, an http(s) address; up to `MAX_REDIRECTS` redirects are followed.

        `held` has each byte from the moment when it came, and all of them afterwards. While there is no room,
        nothing is read.

        Raises:
            NoRoom: there was none in time.
            UrlRefused: the address, or one that it redirects to, is not fetched.
            FetchFailed: unreachable, too slow, an error status, or too many redirects.
            TooBig: more than `max_bytes`.
            WrongType: neither a picture that the backend takes nor PDF nor text, as the bytes tell.
        """
        try:
            async with asyncio.timeout(self._total_seconds):
                data = await self._follow(url, held)
        except TimeoutError:
            if held.waits:
                raise NoRoom from None
            raise FetchFailed("The address did not deliver in time.") from None
        media_type = sniff(data)
        if media_type not in PICTURES | DOCUMENTS:
            raise WrongType(f"The address delivers {media_type}, no picture, PDF or text.")
        return data

    async def _follow(self, url: str, held: HeldBytes) -> bytes:
        for _ in range(MAX_REDIRECTS + 1):
            url = _normalised(url, self._ports)
            answer = _Answer(self._max_bytes, held)
            try:
                await self._get(url, answer)
                if answer.status == 200:
                    return b"".join(answer.chunks)
            finally:
                answer.chunks.clear()  # the connection may keep the answer for a moment
            if answer.status not in _REDIRECTS or not answer.location:
                raise FetchFailed(f"The address answered with status {answer.status}.")
            url = _joined(url, answer.location)
        raise FetchFailed("The address redirects too often.")

    async def _get(self, url: str, answer: "_Answer") -> None:
        """Feed `answer` until it is whole, or needs no more bytes.

        Raises FetchFailed, NoRoom, TooBig, UrlRefused.
        """
        request = HandledRequest(
            url,
            "GET",
            handle=answer.handle,
            reuse=False,
            headers=dict(_HEADERS),
            user_agent="pandora-to-v1",
            connect_timeout=CONNECT_SECONDS,
            request_timeout=self._total_seconds,
            streaming_callback=answer.chunk_received,
        )
        try:
            await self._client.fetch(request, raise_error=False)
        except HTTPTimeoutError:
            if answer.waits:
                raise NoRoom from None
            raise FetchFailed("The address did not deliver in time.") from None
        except (HTTPError, HTTPInputError, OSError, UnsatisfiableReadError, ValueError):
            raise FetchFailed("The address could not be reached, or broke off.") from None
        finally:
            answer.given_up = True  # if we were cancelled, it takes nothing more
            answer.handle.stop()
        if answer.too_big:
            raise TooBig(f"The address delivers more than the limit of {self._max_bytes} bytes.")
        if answer.no_room:
            raise NoRoom


class _Answer:
    """An answer as it comes in. It stops the connection once it needs no more bytes."""

    def __init__(self, max_bytes: int, held: HeldBytes) -> None:
        self.status = 0
        self.location = ""
        self.chunks: list[bytes] = []
        self.too_big = False
        self.no_room = False
        self.given_up = False
        self.handle = FetchHandle(on_headers=self._headers_received)
        self._left = max_bytes
        self._size = 0
        self._held = held

    @property
    def waits(self) -> bool:
        """The address could deliver, and has to wait for room."""
        return self._held.waits

    def _headers_received(self, line: ResponseStartLine, headers: HTTPHeaders) -> None:
        self.status, self.location = line.code, headers.get("Location", "")
        length = headers.get("Content-Length", "0")
        self.too_big = line.code == 200 and length.isdigit() and int(length) > self._left
        if line.code != 200 or self.too_big:  # only the body of a 200 is used
            self.handle.stop()

    def chunk_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Some of the body. Nothing more is to be read before what is returned is done."""
        self._left -= len(chunk)
        self._size += len(chunk)
        if self._left < 0:
            self.too_big = True
            self.handle.stop()
            return None
        try:
            waiting = self._held.grow_to(self._size)
        except NoRoom:  # the fetch was given up
            self._stop_without_room()
            return None
        if waiting is not None:
            return self._keep_after(waiting, chunk)
        self.chunks.append(chunk)
        return None

    async def _keep_after(self, waiting: Awaitable[None], chunk: bytes) -> None:
        try:
            await waiting
        except NoRoom:
            self._stop_without_room()
            return
        if not self.given_up:
            self.chunks.append(chunk)

    def _stop_without_room(self) -> None:
        self.no_room = True
        self.handle.stop()


def _check(is_allowed: Callable[[IPAddress], bool], addresses: Sequence[Address]) -> None:
    """Refuse a host if any of its addresses is not allowed. Raises UrlRefused."""
    if not all(is_allowed(ip_address(where[0])) for _, where in addresses):
        raise UrlRefused(f"The address does not lead to a public server; {_INSTEAD}")


def _normalised(url: str, ports: frozenset[int]) -> str:
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
        raise UrlRefused(f"An address with a user name or password is not fetched; {_INSTEAD}")
    if port not in ports:
        raise UrlRefused(f"The port {port} is not one of a web server's; {_INSTEAD}")
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
