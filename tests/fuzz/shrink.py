"""Makes an input that fails small enough to be read."""

from collections.abc import Callable, Sequence

from tests.fuzz.mutations import BORDER

Fails = Callable[[bytes], bool]


def shrunk(data: bytes, fails: Fails) -> bytes:
    """`data` without the records, and then without the bytes, that its failure does not need."""
    data = _fewer(BORDER.split(data), fails)
    return _fewer([bytes([byte]) for byte in data], fails)


def _fewer(parts: Sequence[bytes], fails: Fails) -> bytes:
    left = list(parts)
    size = max(1, len(left) // 2)
    while size:
        at = 0
        while at < len(left):
            fewer = left[:at] + left[at + size :]
            if fails(b"".join(fewer)):
                left = fewer
            else:
                at += size
        size //= 2
    return b"".join(left)
