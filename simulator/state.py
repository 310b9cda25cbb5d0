"""What the simulator has seen and done, for tests and for the curious."""

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.conversations import Conversations
from simulator.files import FileStore
from simulator.messages import JsonObject

KEPT = 2000  # requests, streams and patches remembered; counters go on


@dataclass(slots=True)
class RequestSeen:
    """One request as it arrived. ``body`` is parsed JSON, or the number of bytes when it is none."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int | None = None


@dataclass(slots=True)
class StreamSeen:
    """One answer to POST conversation that was accepted.

    ``phase`` is where it is or was left: before_headers, before_first_event, streaming, stalled, over.
    ``outcome`` is running, complete, client_closed, stopped, or the name of the fault that ended it.
    """

    key: str
    model: str
    conversation_id: str
    phase: str = "before_headers"
    outcome: str = "running"
    records: int = 0
    bytes: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the simulator still works for it."""
        return self.outcome == "running"


@dataclass(slots=True)
class State:
    """All that can be inspected. ``attempts`` counts what is charged, ``accepted`` what was answered."""

    files: FileStore
    conversations: Conversations = field(default_factory=Conversations)
    requests: deque[RequestSeen] = field(default_factory=lambda: deque(maxlen=KEPT))
    streams: deque[StreamSeen] = field(default_factory=lambda: deque(maxlen=KEPT))
    patches: list[tuple[str, JsonObject]] = field(default_factory=list)
    hide_all_calls: int = 0
    attempts: int = 0
    accepted: int = 0
    quota_units: int = 0

    def note_patch(self, conversation_id: str, body: JsonObject) -> None:
        """Remember a PATCH of one conversation."""
        self.patches.append((conversation_id, body))
        del self.patches[:-KEPT]

    @property
    def open_streams(self) -> list[StreamSeen]:
        """Answers under way."""
        return [stream for stream in self.streams if stream.is_open]

    @property
    def closed_early(self) -> list[StreamSeen]:
        """Answers that the client left before their end."""
        return [stream for stream in self.streams if stream.outcome == "client_closed"]

    def as_json(self) -> JsonObject:
        """The answer of ``GET /__sim/state``."""
        return {
            "attempts": self.attempts,
            "accepted": self.accepted,
            "quota_units": self.quota_units,
            "open_streams": len(self.open_streams),
            "closed_early": len(self.closed_early),
            "hide_all_calls": self.hide_all_calls,
            "patches": [{"conversation_id": cid, "body": body} for cid, body in self.patches],
            "files": [file.as_json() for file in self.files],
            "streams": [asdict(stream) for stream in self.streams],
            "requests": [asdict(request) for request in self.requests],
            "conversations": [
                {
                    **conversation.as_item(),
                    "visible": conversation.visible,
                    "temporary": conversation.temporary,
                }
                for conversation in self.conversations
            ],
        }
