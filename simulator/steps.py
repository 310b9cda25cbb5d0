"""A turn as a sequence of abstract steps.

What happens (a message starts, grows, changes; a record in between; silence; a fault) is separate from how it
is written, so that each kind of turn can be played in each dialect and age. Steps are made by `turn` and
`kinds`, written by `dialects` and played by `player`.
"""

from dataclasses import dataclass

from simulator.faults import Fault
from simulator.messages import JsonObject, Message


@dataclass(frozen=True, slots=True)
class Begin:
    """A message is seen for the first time, or whole once more."""

    message: Message


@dataclass(frozen=True, slots=True)
class Grow:
    """The message's text grows by ``pieces``, one event for each; a piece takes ``tokens`` of time."""

    message_id: str
    pieces: tuple[str, ...]
    tokens: float = 1.0


@dataclass(frozen=True, slots=True)
class Revise:
    """Fields of a message change. ``quiet``: seen only together with its next change, if there is one."""

    message_id: str
    changes: JsonObject
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A record that is no message, such as moderation or a title."""

    record: JsonObject


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing but pings for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """A fault happens here."""

    fault: Fault


Step = Begin | Grow | Revise | Note | Pause | Break
