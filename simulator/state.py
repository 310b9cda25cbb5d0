"""What the simulator has received and done, for tests and for people who look at it."""

from collections import Counter, deque
from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.conversations import Conversations
from simulator.files import FileStore
from simulator.messages import JsonObject

MAX_OBSERVED = 2000
"""Requests, streams and patches that are kept, the last ones of each."""
MAX_OBSERVED_BYTES = 64 << 20
"""Of the bodies of requests that are kept."""


@dataclass(slots=True)
class ObservedRequest:
    """One request. `body` is parsed JSON, or a number of bytes if it is none; `status` is the answer's, and
    `size` that of the body in bytes.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int | None = None
    size: int = 0


@dataclass(slots=True)
class ObservedStream:
    """One answer to POST conversation, with the records and bytes sent so far.

    `phase` is before_headers, before_first_event, streaming, stalled or over; it stays as it is when the
    client leaves. `outcome` is running, complete, client_closed, stopped, or the name of the fault that ended
    the answer.
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
        """Whether the answer is still running."""
        return self.outcome == "running"


@dataclass(slots=True)
class State:
    """All that can be inspected.

    `attempts` are calls of POST conversation, by either path, that cost quota, `accepted_by_model` those that
    the backend accepted, by the backend's name of the model. `prepared` are calls of
    f/conversation/prepare, `stops` the conversations that were stopped.
    """

    files: FileStore
    conversations: Conversations
    requests: deque[ObservedRequest] = field(default_factory=deque)
    streams: deque[ObservedStream] = field(default_factory=lambda: deque(maxlen=MAX_OBSERVED))
    patches: list[tuple[str, JsonObject]] = field(default_factory=list)
    hide_all_calls: int = 0
    attempts: int = 0
    accepted_by_model: Counter[str] = field(default_factory=Counter)
    quota_units: int = 0
    sockets_opened: int = 0
    prepared: int = 0
    stops: list[str] = field(default_factory=list)
    _request_bytes: int = 0

    @property
    def accepted(self) -> int:
        """Calls that the backend accepted."""
        return self.accepted_by_model.total()

    def add_request(self, request: ObservedRequest) -> None:
        """Keep a request, and the ones before it as far as there is room."""
        self.requests.append(request)
        self._request_bytes += request.size
        while len(self.requests) > MAX_OBSERVED or (
            self._request_bytes > MAX_OBSERVED_BYTES and len(self.requests) > 1
        ):
            self._request_bytes -= self.requests.popleft().size

    def add_patch(self, conversation_id: str, body: JsonObject) -> None:
        """Keep a PATCH of one conversation."""
        self.patches.append((conversation_id, body))
        del self.patches[:-MAX_OBSERVED]

    def add_stop(self, conversation_id: str) -> None:
        """Keep that a conversation was to be stopped."""
        self.stops.append(conversation_id)
        del self.stops[:-MAX_OBSERVED]

    @property
    def open_streams(self) -> list[ObservedStream]:
        """Running answers."""
        return [stream for stream in self.streams if stream.is_open]

    @property
    def closed_early(self) -> list[ObservedStream]:
        """Answers whose client left before their end."""
        return [stream for stream in self.streams if stream.outcome == "client_closed"]

    def as_json(self) -> JsonObject:
        """The answer of `GET /__sim/state`."""
        return {
            "attempts": self.attempts,
            "accepted": self.accepted,
            "quota_units": self.quota_units,
            "open_streams": len(self.open_streams),
            "closed_early": len(self.closed_early),
            "prepared": self.prepared,
            "stops": self.stops,
            "hide_all_calls": self.hide_all_calls,
            "patches": [{"conversation_id": cid, "body": body} for cid, body in self.patches],
            "files": [file.as_json() for file in self.files],
            "streams": [asdict(stream) for stream in self.streams],
            "requests": [asdict(request) for request in self.requests],
            "conversations": [
                {
                    **conversation.list_item_json(),
                    "visible": conversation.visible,
                    "temporary": conversation.temporary,
                }
                for conversation in self.conversations
            ],
        }
