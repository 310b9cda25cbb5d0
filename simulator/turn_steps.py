"""A turn as a sequence of abstract steps: what happens, not how it is written.

A message starts, grows or changes; a record comes in between; nothing happens for a while; a fault strikes.
So each kind of turn can be sent in each dialect and protocol version. `kinds` plans steps, a writer of
`dialects` turns them into records, `turn_sender` sends those.
"""

from dataclasses import dataclass

from simulator.faults import Fault
from simulator.messages import Edit, JsonObject, Message


@dataclass(frozen=True, slots=True)
class StartMessage:
    """A message appears, or is sent whole once more."""

    message: Message


@dataclass(frozen=True, slots=True)
class AppendText:
    """The text of a message grows by `pieces`, one record for each.

    `tokens` is the time that one piece takes, in tokens; see the knob `pace`.
    """

    message_id: str
    pieces: tuple[str, ...]
    tokens: float = 1.0


@dataclass(frozen=True, slots=True)
class UpdateMessage:
    """Fields of a message change.

    `deferred`: snapshots show the change together with the next one of the message, if there is one.
    """

    message_id: str
    changes: JsonObject
    deferred: bool = False


@dataclass(frozen=True, slots=True)
class EditMessage:
    """Some places within a message change, all in one record; `tokens` is the time that it takes."""

    message_id: str
    edits: tuple[Edit, ...]
    tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class SendRecord:
    """A record that is no message, such as moderation or a title (protocol notes, section 7.3)."""

    record: JsonObject


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing but pings for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TriggerFault:
    """A fault strikes here."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class HandOff:
    """The answer ends here and the turn goes on elsewhere; `records` are the last ones of the answer."""

    records: tuple[SendRecord, ...]


TurnStep = (
    StartMessage | AppendText | UpdateMessage | EditMessage | SendRecord | Pause | TriggerFault | HandOff
)
WrittenStep = StartMessage | AppendText | UpdateMessage | EditMessage | SendRecord
"""Those that a dialect turns into records."""
