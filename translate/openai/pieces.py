"""The bytes of a body that comes in pieces."""

from typing import Final

BLOCK: Final = 1 << 20
"""Bytes from which on pieces are joined: large blocks leave no holes in the memory of the process."""


class Pieces:
    """Bytes that are appended piece by piece, and taken once they are whole."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._latest: list[bytes] = []
        self._latest_size = 0

    def append(self, piece: bytes) -> None:
        """Keep the next piece."""
        self._latest.append(piece)
        self._latest_size += len(piece)
        if self._latest_size >= BLOCK:
            self._blocks.append(b"".join(self._latest))
            self._latest.clear()
            self._latest_size = 0

    def clear(self) -> None:
        """Keep nothing."""
        self._blocks.clear()
        self._latest.clear()
        self._latest_size = 0

    def take(self) -> bytes:
        """All bytes; nothing of them is kept."""
        whole = b"".join((*self._blocks, *self._latest))
        self.clear()
        return whole
