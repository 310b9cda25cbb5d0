"""What the tests of this folder have measured, printed as they go and once more at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Figures:
    """Lines with the seconds since the start."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self.lines: list[str] = []

    def say(self, what: str) -> None:
        line = f"[{time.monotonic() - self._begun:4.0f} s] {what}"
        self.lines.append(line)
        print(line, flush=True)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say how long something took."""
        begun = time.monotonic()
        yield
        self.say(f"{what}: {time.monotonic() - begun:.0f} s")
