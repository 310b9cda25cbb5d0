"""The words of the fault matrix: faults, shapes of a request with its answer, and what must come of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.faults.backend import Behind
    from tests.faults.clients import Behaviour
    from tests.faults.play import Play
    from tests.scripted_server import Verb

Dialect = Literal["snapshot", "delta v1"]
Transport = Literal["http", "websocket"]
Script = Callable[["Play"], Sequence["Verb"]]


class Verdict(StrEnum):
    """What the backend did with a message, as far as anybody can prove."""

    UNSENT = "unsent"
    """It never got the message."""
    REFUSED = "refused"
    """It got the message and said no."""
    MAYBE = "maybe"
    """It got the message, and nobody knows what became of it: that counts as spent."""
    ACCEPTED = "accepted"
    """It has begun a conversation."""

    @property
    def spent(self) -> bool:
        """Whether it is booked."""
        return self in (Verdict.MAYBE, Verdict.ACCEPTED)


class Phase(StrEnum):
    """When something goes wrong, in the words of the table."""

    CONNECTING = "while connecting"
    ANSWERING = "instead of the headers"
    REUSE = "on a kept connection"
    EARLY = "on a connection opened early"
    REFUSING = "an answer that is no stream"
    OPENING = "before the first text"
    TEXT = "in the text"
    END = "after the last event"
    WORDS = "odd, but whole"
    CLIENT = "on the client's side"
    STOPPING = "the service stops"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the client asks, and how the backend speaks."""

    stream: bool = False
    dialect: Dialect = "snapshot"
    transport: Transport = "http"
    images: bool = False

    def __str__(self) -> str:
        form = "images" if self.images else "stream" if self.stream else "whole"
        return f"{form}, {self.dialect}, {self.transport}"


@dataclass(frozen=True, slots=True)
class Whole:
    """The client gets the whole answer."""

    outcome = "ok"

    def __str__(self) -> str:
        return "the whole answer"


@dataclass(frozen=True, slots=True)
class Failure:
    """The client gets an error: a status of its own, or an event if its stream has begun.

    `wait` is the range in which the `Retry-After` must lie; None if there is to be none that matters.
    """

    status: int
    code: str
    wait: tuple[int, int] | None = None

    @property
    def outcome(self) -> str:
        """The label in the metrics and in the log."""
        if self.code == "upstream_timeout":
            return "upstream_timeout"
        return "upstream_refused" if self.status < 500 else "upstream_error"

    def __str__(self) -> str:
        waits = ", `Retry-After`" if self.wait else ""
        return f"{self.status} `{self.code}`{waits}"


@dataclass(frozen=True, slots=True)
class Left:
    """The client is gone."""

    outcome = "client_gone"

    def __str__(self) -> str:
        return "nothing: it has left"


@dataclass(frozen=True, slots=True)
class Stopped:
    """The service stops, and says so."""

    outcome = "upstream_error"
    status = 503
    code = "server_is_overloaded"

    def __str__(self) -> str:
        return f"{self.status} `{self.code}`"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The client is gone before its request was whole: there is no request to be counted, but a fault."""

    outcome = "incomplete"

    def __str__(self) -> str:
        return "nothing: it has left"


Ending = Whole | Failure | Left | Stopped | Unfinished


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `script` is what the backend does with a posted message; for a fault on another level, `behind` says what
    stands at the backend's address. `client` is what the client does. `begun` says that the client has some
    text before the fault. `repeated`: the message is sent again. `requests` is how many the client sends,
    which all end alike; `posts` is how many of them reach the backend, where that is not each. `occupied`:
    before this request there is another one of the key, which is posted and leaves like this one. `carried`:
    before this request there is one that is answered well, and so many messages come on each connection of
    the backend. `early` is what becomes of a connection that is opened before there is a message for it.
    `env` are settings, and `progress` how many seconds the backend may send nothing new.
    """

    name: str
    phase: Phase
    ending: Ending
    verdict: Verdict
    script: "Script | None" = None
    behind: "Behind | None" = None
    client: "Behaviour | None" = None
    repeated: bool = False
    begun: bool = False
    requests: int = 1
    posts: int | None = None
    occupied: bool = False
    carried: Sequence[int] = ()
    early: "Script | None" = None
    shapes: Sequence[Shape] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    progress: float = 600.0

    def ending_in(self, shape: Shape) -> Ending:
        """What the client gets: a picture that is there is delivered, whatever fails after it."""
        drawn = shape.images and self.begun and isinstance(self.ending, Failure)
        return Whole() if drawn else self.ending

    @property
    def opened(self) -> bool:
        """The stream to the client has begun before the fault, with or without text."""
        return self.begun or "STREAM_HEADERS_AFTER" in self.env

    @property
    def answered_before(self) -> int:
        """Requests that are answered well before the fault."""
        return 1 if self.carried else 0

    @property
    def booked(self) -> bool:
        """Whether the message costs units."""
        return self.verdict.spent


@dataclass(frozen=True, slots=True)
class Cell:
    """A fault in one shape. `healed`: the backend answers well when the message is sent again."""

    fault: Fault
    shape: Shape
    healed: bool = False

    @property
    def ending(self) -> Ending:
        """What the client gets."""
        return Whole() if self.healed else self.fault.ending_in(self.shape)

    def __str__(self) -> str:
        return f"{self.fault.name} ({self.shape}{', healed' if self.healed else ''})"


BEFORE_HEADERS = (Shape(stream=True), Shape(), Shape(images=True))
"""No stream has come, so it has no dialect."""
OVER_HTTP = tuple(Shape(stream, dialect) for dialect in ("snapshot", "delta v1") for stream in (True, False))
OVER_SOCKET = tuple(
    Shape(stream, dialect, "websocket") for dialect in ("snapshot", "delta v1") for stream in (True, False)
)
DELTAS = tuple(shape for shape in (*OVER_HTTP, *OVER_SOCKET) if shape.dialect == "delta v1")
SNAPSHOTS = tuple(shape for shape in (*OVER_HTTP, *OVER_SOCKET) if shape.dialect == "snapshot")
EVERYWHERE = (*OVER_HTTP, *OVER_SOCKET, Shape(images=True))
EVERY_HTTP = (*OVER_HTTP, Shape(images=True))


def cells_of(fault: Fault) -> list[Cell]:
    """The fault in each of its shapes."""
    cells = [Cell(fault, shape) for shape in fault.shapes]
    if fault.repeated:
        cells += [Cell(fault, shape, healed=True) for shape in fault.shapes if fault.script is not None]
    return cells
