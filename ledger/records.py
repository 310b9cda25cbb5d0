"""What the ledger records. One conversation posted upstream is one entry, written in steps.

    Posted    before the request goes out: what it is, and what it will cost
    Settled   before the answer's end is reported: what became of it; without a cost it is only counted
    Counted   its tokens, once they are known

An entry that was posted and never settled has the outcome `unknown` and counts as spent, since the backend
charges each attempt (protocol notes, section 15). No record holds a key, a prompt or an answer.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from metrics import Attempt

FREE_OUTCOMES: Final = frozenset((Attempt.REFUSED, Attempt.UNSENT))
"""They cost nothing: the backend did not accept the conversation."""


def free_alias(outcome: str) -> str:
    """Stands for all callers in the sums of conversations that ended so; no key can have this name."""
    return f"({outcome})"


class Subject(NamedTuple):
    """Whose units, window and caps are counted: the key of a caller, by its alias, or an account of the
    operator's. A key and an account of the same name are two subjects.
    """

    name: str
    is_account: bool = False


@dataclass(frozen=True, slots=True)
class Posted:
    """A conversation about to be posted. `at` is in Unix seconds; `alias` is the name of the caller's key.

    `units` is what it costs if accepted, `slug` the model as the backend calls it. `windowed`: it counts in
    the rolling window of GPT-4 messages. `message_id` is that of the message sent, by which an entry of
    unknown outcome can be looked for at the backend; empty if there is none. `account` is the alias of the
    operator's account that it is posted to, empty where that is the caller's own.
    """

    id: str
    at: float
    alias: str
    model: str
    slug: str
    units: int
    windowed: bool
    message_id: str = ""
    account: str = ""

    @property
    def caller(self) -> Subject:
        """Who has asked for it."""
        return Subject(self.alias)

    @property
    def owner(self) -> Subject:
        """Who has the account that it is posted to."""
        return Subject(self.account, True) if self.account else Subject(self.alias)

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """For whom it is counted, each once."""
        return (self.caller, self.owner) if self.account else (self.caller,)


@dataclass(frozen=True, slots=True)
class Settled:
    """How a conversation ended. Times in seconds; `served` is the slug of the model that answered."""

    id: str
    outcome: Attempt
    served: str = ""
    conversation_id: str = ""
    duration: float = 0.0
    ttft: float | None = None

    @property
    def free(self) -> bool:
        """It costs nothing."""
        return self.outcome in FREE_OUTCOMES


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of an answer, under the id of its last conversation."""

    id: str
    prompt: int
    completion: int


@dataclass(frozen=True, slots=True)
class Capped:
    """The backend has said that a model may not be used until then (Unix seconds).

    That is said of the operator's `account`, if it is one of them, else of the caller's own.
    """

    alias: str
    slug: str
    until: float
    account: str = ""

    @property
    def owner(self) -> Subject:
        """Of whom it is said."""
        return Subject(self.account, True) if self.account else Subject(self.alias)


Record = Posted | Settled | Counted | Capped


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one caller spent on one model in one stretch of time, which begins at `start` (Unix seconds), on
    one `account` of the operator's or, if that is empty, on its own.

    `conversations` counts all that were posted, of which `free` cost nothing and `unknown` are under way or
    were never settled. Those that cost nothing are counted for all callers and models together: such a row
    has no model, and `free_alias` for a caller. (Earlier versions counted them for each.)
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
    account: str = ""
