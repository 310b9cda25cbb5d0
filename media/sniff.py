"""The media type of bytes, found from the bytes themselves: names and declared types are only claims.

Pictures, sound, film and archives are known by the signatures of the WHATWG MIME Sniffing standard; text is
what has none of the control characters that the standard calls binary. Sizes of pictures come from their
headers: nothing is ever decoded, so a small file that unpacks to a huge picture costs nothing here.
"""

import io
import re
from dataclasses import dataclass
from typing import Final

import imagesize  # type: ignore[import-untyped]

from media.errors import Malformed, TooBig, WrongType

HEAD_BYTES: Final = 4096
"""How much of a file's beginning is read for its type."""
UNKNOWN: Final = "application/octet-stream"
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The types that the backend takes as pictures."""
DOCUMENTS: Final = frozenset({"application/pdf", "text/plain"})
"""The other types that are fetched from the web."""

_SIGNATURES: Final = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBPVP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"OggS\x00", "application/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
)
_NEEDS_RIFF: Final = {"image/webp", "audio/wav"}
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_MARKUP: Final = re.compile(
    rb"\s*(?:<\?xml|<!--|<(?:!doctype|html|head|body|script|svg|iframe|style|title|table|div|h1|p|a|br|b)[\s>/])",
    re.IGNORECASE,
)
_SVG: Final = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_MAX_HEADER_READS: Final = 20_000
"""More than any real header needs; a hostile one could ask for millions of reads."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the header of a picture says; sizes in pixels as stored, before any EXIF rotation."""

    media_type: str
    width: int
    height: int


def sniff(data: bytes) -> str:
    """The media type of `data`, without parameters; `application/octet-stream` if it is not known.

    Markup is `image/svg+xml` or `text/html`, XML included, and never `text/plain`, since browsers run it.
    """
    head = data[:HEAD_BYTES]
    for at, signature, media_type in _SIGNATURES:
        if head.startswith(signature, at) and (media_type not in _NEEDS_RIFF or head.startswith(b"RIFF")):
            return media_type
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "image/bmp"  # two letters alone could begin any text
    return _sniff_text(head)


def inspect_picture(data: bytes, max_pixels: int) -> Picture:
    """The type and size of a picture that the backend takes. Needs milliseconds at worst.

    Raises:
        WrongType: it is no PNG, JPEG, GIF or WebP.
        Malformed: its header gives no size.
        TooBig: it has more than `max_pixels` pixels.
    """
    media_type = sniff(data)
    if media_type not in PICTURES:
        known = media_type.startswith("image/")
        what = f"The picture is {media_type}" if known else "What was sent is no picture"
        raise WrongType(f"{what}; send PNG, JPEG, GIF or WebP.")
    width, height = _size(data)
    if width * height > max_pixels:
        raise TooBig(f"The picture has {width} x {height} pixels; the limit is {max_pixels} pixels.")
    return Picture(media_type, width, height)


def _sniff_text(head: bytes) -> str:
    if head.startswith(_BYTE_ORDER_MARKS[1:]):
        return "text/plain"  # UTF-16, where zero bytes are usual; browsers do not run it without its charset
    if not head or _BINARY.search(head):
        return UNKNOWN
    if _MARKUP.match(head.removeprefix(_BYTE_ORDER_MARKS[0])):
        return "image/svg+xml" if _SVG.search(head) else "text/html"
    return "text/plain"


def _size(data: bytes) -> tuple[int, int]:
    width, height = imagesize.get(_BoundedReader(data), exif_rotation=False)
    if width <= 0 or height <= 0:  # GIF sizes above 32767 come out negative
        raise Malformed("The picture is damaged: its size cannot be read.")
    return width, height


class _BoundedReader(io.BytesIO):
    """Fails after too many reads: a hostile JPEG header can hold millions of empty segments."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MAX_HEADER_READS:
            raise ValueError("too many reads for a header")
        return super().read(size)
