"""`/images/<name>` and `/files/<name>`: what the media store keeps, for browsers and front ends.

No key is asked for, since a browser that follows a link cannot send one; the names cannot be guessed. A
stored file was made by a model and may be hostile, so nothing is ever run: only pictures are shown in place,
everything else is a download, and the headers forbid scripts and guessing of types.
"""

import re
from typing import Final

from handlers.base import ApiHandler
from handlers.stored_file import send_stored
from media import MediaStore, NotStored, NotYetStored, StoredFile
from translate.values import ApiError, NotFound

YEAR_SECONDS: Final = 365 * 24 * 3600
"""How long clients may cache files that are never removed."""
RETRY_SECONDS: Final = 2.0

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_INERT: Final = ("image/", "audio/", "video/")
_PASSED_ON: Final = frozenset({"application/pdf", "text/plain", "application/ogg"})


class RangeNotSatisfiable(ApiError):
    """A range that begins behind the end of the file."""

    status = 416
    type = "invalid_request_error"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes; the range begins behind them.")
        self._size = size

    def headers(self) -> dict[str, str]:
        """With the size of the file."""
        return {**super().headers(), "Content-Range": f"bytes */{self._size}"}


class StoredFileHandler(ApiHandler):
    """One stored file, whole or one range of it, read from disk as fast as the client takes it."""

    route = "media"

    def initialize(self, media: MediaStore) -> None:
        """`media` keeps the files."""
        self.media = media

    def set_default_headers(self) -> None:
        """Headers that keep browsers from running what is behind a name."""
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.set_header("Cache-Control", "no-store")  # of errors: the file may be there in a moment

    async def serve(self, name: str) -> None:
        """Answer with the file of this name. Raises NotFound."""
        try:
            file = await self.media.open(name)
        except NotYetStored as error:
            raise NotFound(str(error), code="file_not_found", retry_after=RETRY_SECONDS) from None
        except NotStored as error:
            raise NotFound(str(error), code="file_not_found") from None
        try:
            await self._answer(file)
        finally:
            file.close()

    async def _answer(self, file: StoredFile) -> None:
        self._describe(file)
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
            return
        head = self.request.method == "HEAD"
        start, end = (0, file.size) if head else self._range(file)
        self.set_header("Content-Length", str(end - start))
        if head or start == end:
            self.finish()
        else:
            await send_stored(self, file, start, end)

    def _describe(self, file: StoredFile) -> None:
        shown = file.media_type.startswith("image/") and file.media_type != "image/svg+xml"
        inert = shown or file.media_type.startswith(_INERT[1:]) or file.media_type in _PASSED_ON
        self.set_header("Content-Type", file.media_type if inert else "application/octet-stream")
        self.set_header("Content-Disposition", file.disposition("inline" if shown else "attachment"))
        self.set_header("ETag", f'"{file.name[:32]}"')
        self.set_header("Accept-Ranges", "bytes")
        max_age = int(self.media.max_age_seconds) or YEAR_SECONDS
        self.set_header("Cache-Control", f"public, max-age={max_age}, immutable")

    def _range(self, file: StoredFile) -> tuple[int, int]:
        """First byte, and the one behind the last. Raises RangeNotSatisfiable.

        Several ranges at once, and what cannot be read, get the whole file, as RFC 9110 allows.
        """
        asked = _RANGE.fullmatch(self.request.headers.get("Range", "").replace(" ", ""))
        validator = self.request.headers.get("If-Range", self._headers["ETag"])
        if asked is None or validator != self._headers["ETag"] or not (asked[1] or asked[2]) or not file.size:
            return 0, file.size
        first, last = (int(number) if number else None for number in asked.groups())
        if first is None:
            start, end = max(0, file.size - (last or 0)), file.size
        else:
            start, end = first, min(file.size, file.size if last is None else last + 1)
            if last is not None and last < first:
                return 0, file.size
        if start >= file.size:
            raise RangeNotSatisfiable(file.size)
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {start}-{end - 1}/{file.size}")
        return start, end


class MediaHandler(StoredFileHandler):
    """A file by its name, for whoever has that."""

    async def get(self, name: str) -> None:
        """The file. Raises NotFound."""
        await self.serve(name)

    head = get


class ContainerFileHandler(StoredFileHandler):
    """A file that a program of the backend has made, under the address of OpenAI's containers.

    `container_file_citation` names it. Its name cannot be guessed; which container it is of does not matter.
    """

    async def get(self, _container: str, name: str) -> None:
        """The file. Raises Unauthorized, NotFound."""
        self.read_caller()
        await self.serve(name)

    head = get
