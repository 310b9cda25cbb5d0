"""One stored file, open for reading."""

import os
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Self

from media.errors import NotStored
from media.names import content_disposition
from media.sniff import HEAD_BYTES, sniff
from media.threads import in_thread


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An open file of `size` bytes. It can be read to its end even if the store removes it meanwhile.

    `media_type` is found from its bytes; `modified` is when it was stored, in Unix seconds.
    """

    name: str
    media_type: str
    size: int
    modified: float
    _file: FileIO

    @classmethod
    def open(cls, root: Path, name: str) -> Self:
        """Open the file `name`, one of `media.names`, in `root`. Blocks: call it in a thread.

        Raises:
            NotStored: there is no regular file of this name.
        """
        try:
            file = FileIO(root / name, opener=_open_unfollowed)
        except OSError:
            raise NotStored("There is no file of this name, or no longer.") from None
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            file.close()
            raise NotStored("There is no file of this name.")
        head = os.pread(file.fileno(), HEAD_BYTES, 0)
        return cls(name, sniff(head), status.st_size, status.st_mtime, file)

    async def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on; none at the end.

        Raises:
            OSError: the disk fails.
        """
        return await in_thread(os.pread, self._file.fileno(), length, offset)

    def disposition(self, kind: str) -> str:
        """The `Content-Disposition` header of a download of it; `kind` is `inline` or `attachment`."""
        return content_disposition(kind, self.name)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _open_unfollowed(path: str, flags: int) -> int:
    # Without O_NONBLOCK, opening a FIFO that somebody put there would hang.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
