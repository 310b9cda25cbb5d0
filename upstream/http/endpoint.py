"""Where the backend is: the one place that builds its URLs."""

import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from transport import Origin
from upstream.http.paths import API

_PATH: Final = re.compile(r"/[!-~]*")
_OWN_FILE: Final = re.compile(rf".*({API}/estuary/[A-Za-z0-9_-]{{1,64}})")
_URL_CHARACTERS: Final = ":/?#[]@!$&'()*+,;=%"


class Endpoint:
    """The backend's address: every path hangs under `base_url/prefix`.

    The prefix is a secret of the deployment, so neither the errors nor the repr show it, and what quotes the
    backend asks for it in order to hide it.

    Raises:
        ValueError: the address is not http(s), or has credentials, a query or a fragment, or the
            prefix is not plain path segments.
    """

    def __init__(self, base_url: str, prefix: str) -> None:
        parts = urlsplit(base_url.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the backend's address must look like http://host:port")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("the backend's address can't hold credentials, a query or a fragment")
        try:
            _ = parts.port
        except ValueError:
            raise ValueError("the backend's address has an impossible port") from None
        self.origin = Origin.of(parts)
        self.prefix = _segments(prefix).strip("/")
        """The secret part of each path, without slashes around it."""
        self._root = f"{parts.scheme}://{parts.netloc}{_segments(parts.path)}{_segments(prefix)}"

    def url(self, path: str) -> str:
        """Return the URL of an absolute path such as `/backend-api/conversation`, maybe with a query.

        Raises:
            ValueError: the path could leave the prefix or break the request line.
        """
        if not _is_plain(path):
            raise ValueError("not a path of the backend")
        return self._root + path

    def own_url(self, url: str) -> str | None:
        """The URL of a file that the backend keeps itself, under the prefix whatever host `url` names.

        None for any other file. Only the backend gives it, and only with the key of its owner.
        """
        parts = urlsplit(url)
        if (found := _OWN_FILE.fullmatch(parts.path)) is None:
            return None
        return f"{self._root}{found[1]}?{parts.query}"

    def resolve(self, address: str, base: str = "") -> str:
        """Return the absolute URL of an address that the backend gave; it may be on any host.

        One that is relative is so to `base`, or to the backend itself; a path of the backend's API then
        hangs under the prefix like every other. Characters that URLs can't hold are percent-encoded.

        Raises:
            ValueError: the address is not http(s), or has credentials or no host. As addresses are
                signed, the text does not show it.
        """
        address = quote(address.strip(), safe=_URL_CHARACTERS, errors="replace")
        given = urlsplit(address)
        if not base and address.startswith(f"{API}/"):
            address = self._root + address
        parts = urlsplit(urljoin(base or f"{self._root}/", address))
        is_http = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        if not is_http or (given.scheme and not given.hostname):
            raise ValueError("not an address to be followed")
        _ = parts.port  # raises ValueError for an impossible port; its text shows only the port
        return parts._replace(fragment="").geturl()


def _segments(text: str) -> str:
    path = "/".join(["", *(segment for segment in text.strip().split("/") if segment)])
    if path and (not _is_plain(path) or "?" in path):
        raise ValueError("the prefix must be plain path segments")
    return path


def _is_plain(path: str) -> bool:
    segments = path.partition("?")[0].split("/")
    return (
        _PATH.fullmatch(path) is not None and "#" not in path and "." not in segments and ".." not in segments
    )
