"""Types and sizes are told from bytes, cheaply, however hostile."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import Malformed, MediaError, TooBig, WrongType
from media.sniff import PICTURES, Picture, inspect_picture, sniff
from tests.media import pictures

TYPES = [
    (pictures.png(), "image/png"),
    (pictures.jpeg(1, 1), "image/jpeg"),
    (pictures.gif(1, 1), "image/gif"),
    (pictures.webp_lossy(1, 1), "image/webp"),
    (b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0", "image/bmp"),
    (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
    (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic"),
    (b"\0\0\0\x18ftypisom\0\0\0\0", "video/mp4"),
    (b"RIFF\0\0\0\0WAVEfmt ", "audio/wav"),
    (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
    (b"PK\x03\x04\x14\0", "application/zip"),
    (b"\x1f\x8b\x08\0", "application/gzip"),
    (b"a;b\n1;2\n", "text/plain"),
    ("城市,人口\n北京,2189\n".encode(), "text/plain"),
    ("城市,人口\n".encode("gb18030"), "text/plain"),
    ("\ufeffa,b\n".encode(), "text/plain"),
    ("\ufeffa,b\n".encode("utf-16-le"), "text/plain"),
    (b"BM is two letters", "text/plain"),
    (b"if a <script> is mentioned later", "text/plain"),
    (b"  \n<!DOCTYPE html><title>x</title>", "text/html"),
    (b"<ScRiPt>alert(1)</script>", "text/html"),
    ("\ufeff<html>".encode(), "text/html"),
    (b'<?xml version="1.0"?><rss></rss>', "text/html"),
    (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    (b'<?xml version="1.0"?>\n<!-- x -->\n<svg onload="alert(1)">', "image/svg+xml"),
    (b"", "application/octet-stream"),
    (b"\x7fELF\x02\x01\x01\0", "application/octet-stream"),
    (b"text with a \0 in it", "application/octet-stream"),
    (b"RIFX\0\0\0\0WEBPVP8 ", "application/octet-stream"),
]


@pytest.mark.parametrize(("data", "media_type"), TYPES, ids=[repr(data[:12]) for data, _ in TYPES])
def test_type_is_told_from_the_bytes(data: bytes, media_type: str) -> None:
    assert sniff(data) == media_type


@pytest.mark.parametrize(("width", "height"), [(1, 1), (640, 480), (1024, 1792), (16383, 300)])
@pytest.mark.parametrize(
    ("make", "media_type"),
    [
        (pictures.png, "image/png"),
        (pictures.jpeg, "image/jpeg"),
        (pictures.gif, "image/gif"),
        (pictures.webp_lossy, "image/webp"),
        (pictures.webp_lossless, "image/webp"),
        (pictures.webp_extended, "image/webp"),
    ],
)
def test_size_is_read_from_the_header(
    make: Callable[[int, int], bytes], media_type: str, width: int, height: int
) -> None:
    assert inspect_picture(make(width, height), 50_000_000) == Picture(media_type, width, height)


def test_size_of_a_rotated_photograph_is_the_stored_one() -> None:
    assert inspect_picture(pictures.jpeg(400, 300, orientation=6), 10**6) == Picture("image/jpeg", 400, 300)


def test_size_of_a_photograph_with_megabytes_of_metadata_is_found() -> None:
    profile = b"\xff\xe2\xff\xff" + bytes(65533)
    assert inspect_picture(pictures.jpeg(40, 30, before=profile * 40), 10**6).width == 40


def test_pixels_above_the_limit_are_refused_and_the_limit_is_named() -> None:
    inspect_picture(pictures.png(1000, 1000), 1_000_000)
    with pytest.raises(TooBig, match="1001 x 1000 pixels; the limit is 1000000"):
        inspect_picture(pictures.png(1001, 1000), 1_000_000)


def test_sizes_that_overflow_a_signed_number_do_not_slip_under_the_limit() -> None:
    with pytest.raises(MediaError):
        inspect_picture(pictures.gif(65535, 65535), 50_000_000)
    with pytest.raises(MediaError):
        inspect_picture(pictures.gif(40_000, 2), 50_000_000)
    with pytest.raises(TooBig):
        inspect_picture(pictures.png(2**32 - 1, 2**32 - 1), 50_000_000)


@pytest.mark.parametrize(
    "data",
    [pictures.png(0, 5), pictures.png()[:20], pictures.jpeg(5, 5)[:9], pictures.gif(9, 9)[:8]],
)
def test_header_without_a_size_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        inspect_picture(data, 10**9)


def test_header_of_endless_empty_segments_is_given_up() -> None:
    # The real frame header at the end proves that reading stopped before it.
    with pytest.raises(Malformed):
        inspect_picture(pictures.jpeg(10, 10, before=b"\xff\xe0\x00\x02" * 100_000), 10**9)


@pytest.mark.parametrize("data", [b"\0\0\0\x18ftypheic\0\0", b"<svg >", b"%PDF-1.4", b"hello", b""])
def test_what_the_backend_takes_for_no_picture_is_refused_with_advice(data: bytes) -> None:
    with pytest.raises(WrongType, match="send PNG, JPEG, GIF or WebP"):
        inspect_picture(data, 10**9)


@given(
    st.sampled_from([data for data, media_type in TYPES if media_type in PICTURES]),
    st.binary(max_size=200),
    st.integers(0, 40),
)
def test_no_header_makes_measuring_fail_otherwise(start: bytes, rest: bytes, keep: int) -> None:
    try:
        picture = inspect_picture(start[:keep] + rest, 10**6)
    except MediaError:
        return
    assert 0 < picture.width * picture.height <= 10**6
