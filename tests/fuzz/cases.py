"""What the fuzzer tries: a recorded stream, damaged and cut, for one kind of turn."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.fuzz.mutations import TEXTS, VALUES, mutated
from tests.fuzz.seeds import Seed, seeds
from tests.golden.frames import bodies
from translate.values.style import Style


@dataclass(frozen=True, slots=True)
class Case:
    """What is fed, in which pieces, and to what kind of turn."""

    seed: Seed
    chunks: tuple[bytes, ...]
    style: Style
    stop: tuple[str, ...]
    fails_to_fetch: bool
    reasoning: bool
    next_exchange: bytes
    """The stream of a second exchange, where the first leads to one; empty for none."""


def random_case(rng: random.Random) -> Case:
    """A case; the same one for the same state of `rng`."""
    seed, other = rng.choice(seeds()), rng.choice(seeds())
    if seed.frames:
        stream = b"".join(bodies(_damaged_frames(rng, seed.frames)))
        if rng.random() < 0.5:
            stream = mutated(rng, stream, other.stream)
    else:
        stream = mutated(rng, seed.stream, other.stream)
    return Case(
        seed,
        tuple(_cut(rng, stream)),
        rng.choice(list(Style)),
        rng.choice(((), (), (), ("tea",), ("`", "\n\n"), ("🔥",))),
        rng.random() < 0.2,
        rng.random() < 0.3,
        mutated(rng, rng.choice(seeds()).stream, b"") if rng.random() < 0.3 else b"",
    )


def _cut(rng: random.Random, stream: bytes) -> Iterator[bytes]:
    """In pieces of one size, or of many; seldom byte by byte, which is slow."""
    choice, at = rng.random(), 0
    sizes = (100_000,) if choice < 0.4 else (1, 5, 300) if choice < 0.6 else (700, 1024, 4096)
    if choice > 0.95 and len(stream) < 8000:
        sizes = (1,)
    while at < len(stream):
        size = rng.choice(sizes)
        yield stream[at : at + size]
        at += size


def _damaged_frames(rng: random.Random, frames: Sequence[str]) -> list[str | bytes]:
    damaged: list[str | bytes] = list(frames)
    for _ in range(rng.choice((0, 1, 2, 5))):
        at = rng.randrange(len(damaged))
        kind = rng.randrange(5)
        if kind == 0:
            del damaged[at]
        elif kind == 1:
            damaged.insert(rng.randint(0, len(damaged)), damaged[at])
        elif kind == 2:
            damaged[at] = damaged[at][: rng.randint(0, 300)]
        elif kind == 3:
            frame = json.loads(frames[rng.randrange(len(frames))])
            place = rng.choice((frame, frame["data"]))
            place[rng.choice(list(place))] = rng.choice((*VALUES, *TEXTS))
            damaged.insert(at, json.dumps(frame))
        else:
            damaged.insert(at, rng.choice((b"\xff", b"", "[]", "1", '{"type": "system"}', "{" * 2000)))
        if not damaged:
            return [""]
    return damaged
