"""What the fuzzer starts from: the golden streams in three dialects, short enough to be run often."""

from dataclasses import dataclass
from functools import cache

from tests.golden.files import recorded
from tests.golden.hostile import HOSTILE
from tests.golden.recording import record
from tests.golden.scenes import SCENES
from translate.values import SentMessage

MAX_SEED = 40_000
"""Bytes; longer streams say nothing new and take long."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A stream, or frames of a WebSocket when there are any, and what was sent for it."""

    sent: tuple[SentMessage, ...]
    stream: bytes
    frames: tuple[str, ...] = ()


@cache
def seeds() -> tuple[Seed, ...]:
    """Snapshots of all turns, and the turns of the simulator as delta v1 and over a WebSocket."""
    found = [Seed(each.sent, each.stream) for name in (*SCENES, *HOSTILE) for each in recorded(name)]
    for knobs in ("age=2024 dialect=delta surrogates=1", "age=2025", "age=2023-05", "transport=ws"):
        for scene in SCENES.values():
            found += [Seed(each.sent, each.stream, each.frames) for each in record(scene, knobs)]
    return tuple(seed for seed in found if len(seed.stream) + sum(map(len, seed.frames)) <= MAX_SEED)
