"""What every dialect gives and does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from simulator.messages import Message
from simulator.turn_steps import WrittenStep


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the stream before it is framed.

    `payload` joined is its data, `event` its event name if it has one, `tokens` the time it takes, in tokens.
    """

    payload: tuple[bytes, ...]
    event: str | None = None
    tokens: float = 0.0


class DialectWriter(Protocol):
    """Turns the steps of one turn into records."""

    def opening(self) -> Iterator[Record]:
        """Records before the first step."""
        ...

    def write(self, step: WrittenStep, message: Message | None) -> Iterator[Record]:
        """The records of a step.

        `message` is the one concerned, None for a `SendRecord`: before an `AppendText`, after any other
        change.
        """
        ...

    def closing(self) -> Iterator[Record]:
        """Records after the last step of a turn that was not broken off."""
        ...
