"""Type and size of image files, read from their beginning."""

import pytest

from simulator.pictures import read_image_header

JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xc0\x00\x0b\x08\x00\x20\x00\x10\x03\x01\x22\x00"
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x0f\0\0" + b"\x1f\0\0"


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (b"GIF89a\x10\x00\x20\x00", ("image/gif", 16, 32)),
        (JPEG, ("image/jpeg", 16, 32)),
        (WEBP, ("image/webp", 16, 32)),
        (b"GIF89a\x10", None),
        (b"%PDF-1.4", None),
        (b"", None),
    ],
)
def test_image_facts_are_read_from_the_file(content: bytes, facts: tuple[str, int, int] | None) -> None:
    assert read_image_header(content) == facts
