"""The file that lists the GPTs on offer: its content, and when it is to be read again."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from translate.values import MAX_GPTS_FILE_BYTES, Gpt, GptsError, read_gpts

Signature = tuple[int, int, int] | None
"""Time of change, size and inode of a file, which tell one content from another; None if there is no file."""


def load_gpts(path: Path, taken: Collection[str], otherwise: Sequence[Gpt] = ()) -> Sequence[Gpt]:
    """Return the GPTs listed in the file; `otherwise` if it lists none or is not there.

    Names in `taken` already mean something else and are refused. Blocks.

    Raises:
        GptsError: the file cannot be read, or is not such a list; the text says what is wrong in one line.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_GPTS_FILE_BYTES + 1)
    except FileNotFoundError:
        return otherwise
    except OSError as error:
        raise GptsError(f"it cannot be read: {error.strerror or error}") from None
    return read_gpts(content, taken) or otherwise


def signature_of(path: Path) -> Signature:
    """The signature of the file as it is now. Blocks."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


class ChangeDetector:
    """Tells when a file that is looked at regularly is to be read again: once it has changed, and then rests.

    A file that has just changed may still be half written; then it changes again before the next look.
    """

    def __init__(self, signature: Signature) -> None:
        """`signature` is that of the file when it was read first."""
        self._when_read = self._at_last_look = signature

    def look(self, signature: Signature) -> bool:
        """Whether the file, which has this signature now, is to be read again."""
        rests = signature == self._at_last_look
        self._at_last_look = signature
        return rests and signature != self._when_read

    def has_been_read(self, signature: Signature) -> None:
        """The file was read when it had this signature."""
        self._when_read = signature
