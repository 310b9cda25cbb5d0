"""What a user's message refers to, as bytes: a `data:` URL, bare base64, or an address on the web."""

import re
from dataclasses import dataclass
from typing import Final

from media.data_url import is_data_url, read_data_url
from media.errors import UrlRefused
from media.fetch import Fetcher
from media.sniff import Picture, measure, sniff
from media.threads import in_thread

_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes and their type, told from the bytes; ``picture`` if they were read as one."""

    data: bytes
    media_type: str
    picture: Picture | None = None


class MediaReader:
    """Reads within ``max_bytes`` and ``max_pixels``. Without a ``fetcher``, addresses are refused."""

    def __init__(self, fetcher: Fetcher | None, *, max_bytes: int, max_pixels: int) -> None:
        self._fetcher = fetcher
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels

    async def picture(self, reference: str) -> Content:
        """A picture that the backend takes, with its size. Raises Unusable."""
        return await self.picture_in(await self._read(reference))

    async def picture_in(self, data: bytes) -> Content:
        """The picture that ``data`` is. Raises Unusable."""
        picture = await in_thread(measure, data, self._max_pixels)
        return Content(data, picture.media_type, picture)

    async def file(self, reference: str) -> Content:
        """A file of any type; from an address only a picture, PDF or text. Raises Unusable."""
        data = await self._read(reference)
        return Content(data, sniff(data))

    async def _read(self, reference: str) -> bytes:
        scheme = _SCHEME.match(reference[:64])
        if scheme is None or is_data_url(reference):
            return (await read_data_url(reference, max_bytes=self._max_bytes)).data
        if scheme[1].lower() not in ("http", "https"):
            raise UrlRefused("Only data:, https: and http: addresses are read.")
        if self._fetcher is None:
            raise UrlRefused("Addresses are not fetched here; send the content itself as a data: URL.")
        return (await self._fetcher.fetch(reference)).data
