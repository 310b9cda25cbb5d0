"""What a user's message refers to, as bytes: a `data:` URL, bare base64, or an address on the web.

An address that leads to a file of the store is read from there, whatever its host: the name in it cannot be
guessed, so who has it may have the file.
"""

import re
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from media.data_url import is_data_url, read_data_url
from media.errors import NotStored, TooBig, UrlRefused
from media.fetch import Fetcher
from media.names import name_in
from media.sniff import Picture, inspect_picture, sniff
from media.store import MediaStore
from media.threads import in_thread
from runtime import HeldBytes

_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):")


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes and their media type, found from the bytes; `picture` is set if they were read as one."""

    data: bytes
    media_type: str
    picture: Picture | None = None


class MediaReader:
    """Reads at most `max_bytes`, and pictures of at most `max_pixels`.

    Without a `fetcher`, addresses on the web are refused, but for those of files in the `store`.
    """

    def __init__(
        self, fetcher: Fetcher | None, *, max_bytes: int, max_pixels: int, store: MediaStore | None = None
    ) -> None:
        self._fetcher = fetcher
        self._store = store
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels

    async def picture(self, reference: str, held: HeldBytes) -> Content:
        """The picture that `reference` leads to: a `data:` URL, bare base64 or an http(s) address.

        `held` has its bytes, before and after they are there.

        Raises:
            NoRoom: there was none for them in time.
            Unusable: it cannot be read, is above a limit, or is no picture that the backend takes.
        """
        return await self.picture_in(await self._read(reference, held))

    async def picture_in(self, data: bytes) -> Content:
        """The picture that `data` is, as `picture` gives it.

        Raises:
            Unusable: it has too many pixels, or is no picture that the backend takes.
        """
        picture = await in_thread(inspect_picture, data, self._max_pixels)
        return Content(data, picture.media_type, picture)

    async def file(self, reference: str, held: HeldBytes) -> Content:
        """The file that `reference` leads to, of any type; from an address only a picture, PDF or text.

        `held` has its bytes, before and after they are there.

        Raises:
            NoRoom: there was none for them in time.
            Unusable: it cannot be read, or is above a limit.
        """
        return self.file_in(await self._read(reference, held))

    def file_in(self, data: bytes) -> Content:
        """The file that `data` is, as `file` gives it."""
        return Content(data, sniff(data))

    async def _read(self, reference: str, held: HeldBytes) -> bytes:
        scheme = _SCHEME.match(reference[:64])
        if scheme is None or is_data_url(reference):
            return await read_data_url(reference, held, max_bytes=self._max_bytes)
        if scheme[1].lower() not in ("http", "https"):
            raise UrlRefused("Only data:, https: and http: addresses are read.")
        if self._store is not None and (name := name_in(reference)):
            with suppress(NotStored):
                return await self._stored(self._store, name, held)
        if self._fetcher is None:
            raise UrlRefused("Addresses are not fetched here; send the content itself as a data: URL.")
        return await self._fetcher.fetch(reference, held)

    async def _stored(self, store: MediaStore, name: str, held: HeldBytes) -> bytes:
        """The bytes of a file of ours. Raises NotStored, TooBig, or NoRoom."""
        with closing(await store.open(name)) as file:
            if file.size > self._max_bytes:
                raise TooBig(f"The file has {file.size} bytes; the limit is {self._max_bytes} bytes.")
            if (waiting := held.grow_to(held.size + file.size)) is not None:
                await waiting
            try:
                return await file.read(0, file.size)
            except OSError:
                raise NotStored("The file cannot be read.") from None
