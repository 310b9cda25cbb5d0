"""The chunked transfer coding (RFC 9112, section 7.1), reading side, without I/O."""

from typing import Final

MAX_LINE_BYTES: Final = 1024
"""Longest chunk-size or trailer line accepted; a size is a few digits, extensions are rare and short."""

_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")


class ChunkedDecoder:
    """Turns the bytes of a chunked body into the bytes of the content, however the network cut them.

    `feed` returns what content the bytes complete, joined over all chunks in them; `ended` becomes
    true with the last chunk and its trailer, and bytes after that are ignored. Chunk extensions and
    trailer fields are skipped, as the RFC asks of a recipient that does not know them.
    """

    __slots__ = ("_chunk_left", "_held", "_in_trailer", "ended")

    def __init__(self) -> None:
        self.ended = False
        self._held = b""  # an unfinished line, or the first half of a CRLF
        self._chunk_left = 0  # of the current chunk, with the CRLF behind it
        self._in_trailer = False

    def feed(self, data: bytes) -> bytes:
        """Raise `ValueError` if this is no chunked body."""
        if self._held:
            data = self._held + data
            self._held = b""
        content = []
        at, end = 0, len(data)
        while at < end and not self.ended:
            if self._chunk_left > 2:
                piece = data[at : at + self._chunk_left - 2]
                content.append(piece)
                at += len(piece)
                self._chunk_left -= len(piece)
            elif self._chunk_left:
                if end - at < 2:
                    break
                if data[at : at + 2] != b"\r\n":
                    raise ValueError("a chunk does not end where it said")
                at += 2
                self._chunk_left = 0
            else:
                line_end = data.find(b"\r\n", at)
                if (end if line_end < 0 else line_end) - at > MAX_LINE_BYTES:
                    raise ValueError("a chunk-size line is too long")
                if line_end < 0:
                    break
                self._read_line(data[at:line_end])
                at = line_end + 2
        self._held = data[at:] if not self.ended else b""
        return content[0] if len(content) == 1 else b"".join(content)

    def _read_line(self, line: bytes) -> None:
        if self._in_trailer:
            self.ended = not line
            return
        digits = line.partition(b";")[0].rstrip(b" \t")
        if not digits or not _HEX_DIGITS.issuperset(digits):
            raise ValueError("a chunk size is not a hexadecimal number")
        size = int(digits, 16)
        if size:
            self._chunk_left = size + 2
        else:
            self._in_trailer = True
