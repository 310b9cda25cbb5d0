"""When a file that is looked at regularly is to be read again."""

import os
from pathlib import Path
from typing import Generic, TypeVar

Signature = tuple[int, int, int] | None
"""Time of change, size and inode of a file, which tell one content from another; None if there is no file."""
Seen = TypeVar("Seen")


def signature_of(path: Path) -> Signature:
    """The signature of the file as it is now. Blocks."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class ChangeDetector(Generic[Seen]):
    """Tells when a file that is looked at regularly is to be read again: once it has changed, and then rests.

    A file that has just changed may still be half written; then it changes again before the next look. What
    is seen of it is its signature, or those of several files.
    """

    def __init__(self, signature: Seen) -> None:
        """`signature` is that of the file when it was read first."""
        self._when_read = self._at_last_look = signature

    def look(self, signature: Seen) -> bool:
        """Whether the file, which has this signature now, is to be read again."""
        rests = signature == self._at_last_look
        self._at_last_look = signature
        return rests and signature != self._when_read

    def has_been_read(self, signature: Seen) -> None:
        """The file was read when it had this signature."""
        self._when_read = signature
