"""A canvas of up to 256 colours for filled shapes, written as PNG."""

import struct
import zlib

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Canvas:
    """Pixels by rows, one byte each; coordinates are in pixels from the top left corner.

    Shapes are drawn as horizontal runs of pixels, which is fast; what lies outside the canvas is left out.
    Each method that draws raises ValueError for the 257th colour.
    """

    def __init__(self, width: int, height: int, background: Colour = (255, 255, 255)) -> None:
        self.width = width
        self.height = height
        self._palette: list[Colour] = [background]
        self._rows = [bytearray(width) for _ in range(height)]

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        index = self._index(colour)
        for y in range(max(0, int(top)), min(self.height, int(bottom))):
            self._run(y, left, right, index)

    def circle(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle."""
        index = self._index(colour)
        for row in range(max(0, int(y - radius)), min(self.height, int(y + radius) + 1)):
            half = max(0.0, radius**2 - (row - y) ** 2) ** 0.5
            self._run(row, x - half, x + half, index)

    def triangle(self, a: Point, b: Point, c: Point, colour: Colour) -> None:
        """Fill a triangle given by its corners."""
        index = self._index(colour)
        corners = sorted((a, b, c), key=lambda corner: corner[1])
        top, middle, bottom = corners
        for row in range(max(0, int(top[1])), min(self.height, int(bottom[1]) + 1)):
            short = _at(top, middle, row) if row < middle[1] else _at(middle, bottom, row)
            ends = sorted((_at(top, bottom, row), short))
            self._run(row, ends[0], ends[1], index)

    def line(self, start: Point, end: Point, thickness: float, colour: Colour) -> None:
        """A line with round ends."""
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        steps = max(1, int(length / max(1.0, thickness / 2)))
        for step in range(steps + 1):
            share = step / steps
            x = start[0] + (end[0] - start[0]) * share
            y = start[1] + (end[1] - start[1]) * share
            self.circle(x, y, thickness / 2, colour)

    def gradient(self, top: Colour, bottom: Colour, until: float = 1.0) -> None:
        """Fill from the top down to the share `until` of the height, in bands that blend two colours."""
        bands = 48
        height = self.height * until
        for band in range(bands):
            share = band / (bands - 1)
            blended = tuple(round(t + (b - t) * share) for t, b in zip(top, bottom, strict=True))
            colour = (blended[0], blended[1], blended[2])
            self.rectangle(0, height * band / bands, self.width, height * (band + 1) / bands + 1, colour)

    def png(self) -> bytes:
        """The canvas as a PNG file with a palette."""
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 3, 0, 0, 0)
        palette = b"".join(bytes(colour) for colour in self._palette)
        pixels = zlib.compress(b"".join(b"\0" + row for row in self._rows), 6)
        chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)

    def _index(self, colour: Colour) -> int:
        if colour not in self._palette:
            if len(self._palette) == 256:
                raise ValueError("a palette has at most 256 colours")
            self._palette.append(colour)
        return self._palette.index(colour)

    def _run(self, row: int, left: float, right: float, index: int) -> None:
        start, end = max(0, int(left)), min(self.width, int(right))
        if end > start:
            self._rows[row][start:end] = bytes((index,)) * (end - start)


def _at(start: Point, end: Point, y: float) -> float:
    """The x coordinate of the line from `start` to `end` at height `y`."""
    if end[1] == start[1]:
        return start[0]
    return start[0] + (end[0] - start[0]) * (y - start[1]) / (end[1] - start[1])


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
