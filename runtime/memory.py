"""Memory of the process."""

import ctypes
from contextlib import suppress
from typing import Final

LARGE_BLOCK: Final = 256 * 1024
"""Above the buffers of connections, which are made anew at each read."""
_M_MMAP_THRESHOLD: Final = -3


def give_back_large_blocks() -> None:
    """Have blocks of `LARGE_BLOCK` bytes given back to the system at once when they are freed.

    By default the C library of Linux (glibc) keeps blocks of up to 32 MiB once one of that size was freed:
    after a few large requests the process stays at its largest. Other libraries are left as they are.
    """
    with suppress(OSError, AttributeError, TypeError):  # no glibc
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
