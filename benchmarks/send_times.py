"""When each token of each paced stream left the backend: a table in a file that two processes map.

Both read CLOCK_MONOTONIC, which all processes of a machine share, so that the time of receipt minus the time
of sending is a latency. A time costs one clock reading and one store; nothing is added to the reply.
"""

import mmap
from pathlib import Path

STREAMS = 2000
TOKENS = 400
"""The size of the table: streams at once, tokens per stream."""

_CELL_BYTES = 8  # one signed 64-bit number of nanoseconds


class SendTimes:
    """A (STREAMS, TOKENS) table of monotonic nanoseconds; 0 where nothing was sent yet."""

    def __init__(self, path: Path) -> None:
        """Map the table at `path`, which `create` has made. Raises OSError."""
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), STREAMS * TOKENS * _CELL_BYTES)
        self._cells = memoryview(self._map).cast("q")

    @classmethod
    def create(cls, path: Path) -> "SendTimes":
        """Make an empty table at `path` and map it. Raises OSError."""
        with path.open("wb") as file:
            file.truncate(STREAMS * TOKENS * _CELL_BYTES)
        return cls(path)

    def put(self, slot: int, token: int, when: int) -> None:
        """Set the send time of token number `token` of the stream `slot`."""
        self._cells[slot * TOKENS + token] = when

    def row(self, slot: int) -> list[int]:
        """The send times of one stream, by token."""
        return self._cells[slot * TOKENS : (slot + 1) * TOKENS].tolist()
