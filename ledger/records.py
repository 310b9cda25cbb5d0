"""What the ledger records. One conversation posted upstream is one entry, written in steps.

    Posted    before the request goes out: what it is, and what it will cost
    Settled   before the answer's end is reported: what became of it
    Counted   its tokens, once they are known

An entry that was posted and never settled has the outcome ``unknown`` and counts as spent, since the
backend charges each attempt. Nothing here holds a key, a prompt or an answer.
"""

from dataclasses import dataclass

from metrics.names import Attempt

FREE = frozenset((Attempt.REFUSED, Attempt.UNSENT))
"""Outcomes that cost nothing: the backend did not accept the conversation."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A conversation about to be posted. ``at`` is in Unix seconds, ``alias`` stands for the key.

    ``units`` is what it costs if accepted, ``slug`` the model as the backend calls it, ``windowed`` whether
    it counts in the rolling GPT-4 window. ``message_id`` is that of the message sent, by which an entry of
    unknown outcome can be looked for at the backend; empty if there is none.
    """

    id: str
    at: float
    alias: str
    model: str
    slug: str
    units: int
    windowed: bool
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """How a conversation ended. Times in seconds; ``served`` is the slug of the model that answered."""

    id: str
    outcome: Attempt
    served: str = ""
    conversation_id: str = ""
    duration: float = 0.0
    ttft: float | None = None

    @property
    def free(self) -> bool:
        """It costs nothing."""
        return self.outcome in FREE


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of an answer, under the id of its last conversation."""

    id: str
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Capped:
    """The backend said that a key has used up a model until then (Unix seconds)."""

    alias: str
    slug: str
    until: float


Record = Posted | Settled | Counted | Capped


@dataclass(frozen=True, slots=True)
class Spent:
    """One row of usage: what one key spent on one model in one stretch of time.

    ``start`` is in Unix seconds; ``conversations`` counts all that were posted, of which ``free`` cost
    nothing and ``unknown`` are under way or were never settled.
    """

    start: int
    model: str
    alias: str
    conversations: int
    free: int
    unknown: int
    units: int
    prompt_tokens: int
    completion_tokens: int
