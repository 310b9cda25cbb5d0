"""Writers: each turns the abstract steps of a turn into records of one dialect."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from simulator.messages import Message
from simulator.steps import Begin, Grow, Note, Revise


@dataclass(frozen=True, slots=True)
class Frame:
    """One record before its bytes are framed: ``payload`` joined is its data, ``tokens`` its time."""

    payload: tuple[bytes, ...]
    event: str | None = None
    tokens: float = 0.0


class Dialect(Protocol):
    """What a writer does."""

    def opening(self) -> Iterator[Frame]:
        """Records before the first step."""
        ...

    def write(self, step: Begin | Grow | Revise | Note, message: Message | None) -> Iterator[Frame]:
        """Records of a step; ``message`` is the one concerned: before a growth, after any other change."""
        ...

    def closing(self) -> Iterator[Frame]:
        """Records after the last step of a turn that came to its end."""
        ...
