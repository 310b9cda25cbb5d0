"""Reads PNG files for the tests of pictures."""

import struct
import zlib


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and raw rows of a PNG, every chunk's checksum checked."""
    at, data, size = 8, b"", (0, 0)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + content),)
        if kind == b"IHDR":
            size = struct.unpack(">II", content[:8])
        if kind == b"IDAT":
            data += content
        at += 12 + length
    rows = zlib.decompress(data)
    assert len(rows) == (size[0] + 1) * size[1]
    return (*size, rows)
