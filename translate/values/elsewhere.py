"""Where the rest of an answer is, when the stream that was posted for does not bring it."""

from dataclasses import dataclass, field
from enum import Enum


class ElsewhereKind(Enum):
    """Why the answer goes on elsewhere; long tasks have limits of their own."""

    HANDOFF = "handoff"
    """The backend has handed the stream off."""
    BROKEN = "broken"
    """The stream broke in mid-answer."""
    PICTURE = "picture"
    """A picture is being drawn, and comes into the conversation."""
    RESEARCH = "research"
    """A research runs, and its report comes into the conversation."""
    PRO = "pro"
    """A pro model thinks, and its answer comes into the conversation."""


class ElsewhereWay(Enum):
    """What the backend offers, by the names that a `stream_handoff` has for it."""

    SOCKET = "subscribe_ws_topic"
    RESUME = "resume_sse_endpoint"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is known of the rest of an answer.

    `topic_id` is where a socket has it, "" if that is not known. `token` is for the resume endpoint, and a
    secret. `records` are those that have come of a stream that broke, so that it can go on behind them; None
    where the answer begins anew elsewhere, with what has come already. `offered` are the ways that the
    backend named, in its order. `task_id` names a long task.
    """

    kind: ElsewhereKind
    conversation_id: str
    topic_id: str = ""
    token: str = field(default="", repr=False)
    records: int | None = None
    offered: tuple[ElsewhereWay, ...] = ()
    task_id: str = ""
