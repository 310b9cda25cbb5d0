"""What a turn works with, and what it is about."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Protocol

from accounts import Account, Caller, Credential
from ledger import ChargeBook
from media import MediaStore
from metrics import Metrics
from pool import HealthBook, Pool
from recordings import Recorder
from runtime import BackgroundTasks, ByteBudget, HeldBytes
from tracing import RequestTrace
from translate import Options
from translate.values import ApiError, Model
from turns.later_hiding import LaterHiding
from turns.outcome import TurnOutcome
from turns.preparation import Preparation, Prompt
from turns.relay import Client
from turns.token_counter import TokenCounter
from upstream import ConversationClient
from upstream.account import AccountLimits
from upstream.files import BackendFiles


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What a turn works with. `room` is for the bytes of pictures and files on their way. `hide` takes each
    conversation off the account's list after its answer; with `hiding`, those that others may go on with
    later.

    `pool` gives accounts, and `health` knows which of them have failed; `renewed` says whether one has
    another credential by now than it had.

    `retries` is how many times what failed is sent again; with `retry_unclear`, also what may have cost
    something.
    """

    conversations: ConversationClient
    pool: Pool
    health: HealthBook
    renewed: Callable[[Account], Awaitable[bool]]
    charges: ChargeBook
    limits: AccountLimits
    preparation: Preparation
    files: BackendFiles
    media: MediaStore
    room: ByteBudget
    metrics: Metrics
    tokens: TokenCounter
    recorder: Recorder
    aftermath: BackgroundTasks
    retries: int
    retry_unclear: bool
    hide: bool
    link_upstream: bool
    hiding: LaterHiding | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer: where it is stored at the backend, and its text. Ids may be empty if it told none.

    `home` names the account that has it: see `Slot.home`. `left`: the backend is still at work on it, and
    more may come there.
    """

    home: str
    conversation_id: str
    message_id: str
    text: str
    left: bool = False


class Runner(Protocol):
    """Makes an answer: a `TurnRunner`, or what stands in for one."""

    @property
    def has_text(self) -> bool:
        """Some text of the answer has been delivered."""
        ...

    @property
    def answered_by(self) -> str:
        """The backend's name of the model that answers, once the backend has said it."""
        ...

    def stop(self, error: ApiError | None = None) -> None:
        """End it soon; without `error` the client is gone."""
        ...

    async def run(self, client: Client) -> TurnOutcome:
        """Make the answer; raises nothing."""
        ...


Afterwards = Callable[[Credential, Answered], Coroutine[None, None, None]]
"""What else belongs to a turn once its answer is whole; raises ApiError if that fails."""


def nothing() -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What one turn is about. `base_url` is where users reach this service, without a slash at its end.

    With `inline_pictures` pictures are given as bytes, which it holds, and not stored. `on_prepared` is
    called when the turn has put all pictures and files of the prompt on the backend, and keeps them no more.

    `afterwards` is awaited before the conversation is hidden. `trace` is that of the request, if it is
    traced.
    """

    caller: Caller
    prompt: Prompt
    options: Options
    base_url: str
    inline_pictures: HeldBytes | None = None
    on_prepared: Callable[[], None] = nothing
    afterwards: Afterwards | None = None
    trace: RequestTrace | None = None

    def prepared(self, model: Model) -> "TurnRequest":
        """Say that the prompt is ready to be posted to `model`; return the request without its messages."""
        self.on_prepared()
        return replace(self, prompt=Prompt(model, ()), on_prepared=nothing)
