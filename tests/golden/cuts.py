"""Ways to cut a stream."""

import random
from collections.abc import Iterator

from tests.golden.playback import Chunks


def every(size: int) -> Chunks:
    """In pieces of one size."""

    def chunks(stream: bytes) -> Iterator[bytes]:
        for start in range(0, len(stream), size):
            yield stream[start : start + size]

    return chunks


def at_random(seed: int) -> Chunks:
    """In pieces of many sizes, the same for the same seed."""

    def chunks(stream: bytes) -> Iterator[bytes]:
        chance, at = random.Random(seed), 0
        while at < len(stream):
            size = chance.choice((1, 2, 3, 50, 700, 4000))
            yield stream[at : at + size]
            at += size

    return chunks
