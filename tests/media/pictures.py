"""The smallest files that are pictures of a given size, as far as their headers go."""

import struct
import zlib


def png(width: int = 3, height: int = 2) -> bytes:
    """A whole, valid PNG of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height) if width * height < 1 << 20 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width: int, height: int, *, orientation: int = 0, before: bytes = b"") -> bytes:
    """Up to the frame header; EXIF says how it was rotated, `before` are further segments."""
    exif = b""
    if orientation:
        entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
        content = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 1) + entry + bytes(4)
        exif = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 17, 8, height, width, 3) + bytes(9)
    return b"\xff\xd8" + exif + before + frame + b"\xff\xda"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(60)


def webp_lossy(width: int, height: int) -> bytes:
    return _riff(b"VP8 " + bytes(7) + b"\x9d\x01\x2a" + struct.pack("<HH", width, height) + bytes(40))


def webp_lossless(width: int, height: int) -> bytes:
    size = (width - 1) | (height - 1) << 14
    return _riff(b"VP8L" + bytes(4) + b"\x2f" + struct.pack("<I", size) + bytes(40))


def webp_extended(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _riff(b"VP8X" + bytes(8) + size + bytes(40))


def _riff(content: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(content) + 4) + b"WEBP" + content
