"""Books that remember what turns spent, without a store."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from accounts import Account, Caller, Credential
from ledger import AccountSpent, Charge, ChargeBook
from metrics import Attempt
from translate.values import ApiError, BackendLimits, Model
from upstream.account import AccountLimits


@dataclass(slots=True)
class Entry:
    """One conversation in the books."""

    model: Model
    message_id: str
    outcome: Attempt | None = None
    served: str = ""
    conversation_id: str = ""
    capped_for: float | None = None
    tokens: tuple[int, int] | None = None


class RememberedCharge(Charge):
    """A charge that is kept in an `Entry`. It costs 14 units, unless the backend did not accept it."""

    def __init__(self, entry: Entry, on_tokens: Callable[[], None], stored: asyncio.Event) -> None:
        self.entry = entry
        self.stored = stored
        self.on_tokens = on_tokens
        self.answering = False
        self.units = 0

    def begin(self) -> None:
        assert self.entry.outcome is None, "what is settled does not go out"

    def answer_began(self) -> None:
        self.answering = True

    def settle(
        self,
        outcome: Attempt,
        *,
        served: str = "",
        conversation_id: str = "",
        capped_for: float | None = None,
    ) -> Awaitable[object]:
        assert self.entry.outcome is None, "a charge is settled once"
        self.entry.outcome, self.entry.served = outcome, served
        self.entry.conversation_id, self.entry.capped_for = conversation_id, capped_for
        self.units = 0 if outcome in (Attempt.UNSENT, Attempt.REFUSED) else 14
        return asyncio.ensure_future(self.stored.wait())

    def record_tokens(self, prompt: int, completion: int) -> Awaitable[object]:
        self.on_tokens()
        self.entry.tokens = prompt, completion
        return asyncio.ensure_future(self.stored.wait())


class Books(ChargeBook):
    """Charges in a list. With `room` there may be so many conversations, then `refusal` is raised. None may
    be on `spent_accounts`, and by `last_messages` so many in all while there is a conversation on an account.

    What is recorded is durable while `stored` is set, and what is posted while `posting` is.
    """

    def __init__(
        self,
        room: int = 1000,
        refusal: ApiError | None = None,
        spent_accounts: Collection[str] = (),
        last_messages: Mapping[str, int] | None = None,
    ) -> None:
        self.last_messages = last_messages or {}
        self.room = room
        self.spent_accounts = spent_accounts
        self.refusal = refusal
        self.entries: list[Entry] = []
        self.charges: list[RememberedCharge] = []
        self.reconciled: list[Credential] = []
        self.stored = asyncio.Event()
        self.stored.set()
        self.posting = asyncio.Event()
        self.posting.set()
        self.on_post: Callable[[], None] = lambda: None
        self.on_tokens: Callable[[], None] = lambda: None

    def allows(self, caller: Caller, model: Model, account: Account | None = None) -> bool:
        room = self.last_messages.get(account.alias, self.room) if account is not None else self.room
        return len(self.entries) < room

    def units(self, model: Model) -> int:
        return model.units

    async def post(
        self, caller: Caller, model: Model, message_id: str = "", account: Account | None = None
    ) -> Charge:
        await asyncio.sleep(0)
        self.on_post()
        if account is not None and account.alias in self.spent_accounts:
            raise AccountSpent("account_window", 60)
        if self.refusal is not None and len(self.entries) >= self.room:
            raise self.refusal
        self.entries.append(Entry(model, message_id))
        self.charges.append(RememberedCharge(self.entries[-1], self.on_tokens, self.stored))
        charge = self.charges[-1]
        await self.posting.wait()
        return charge

    def reconcile(self, caller: Caller, credential: Credential, account: Account | None = None) -> None:
        self.reconciled.append(credential)

    @property
    def outcomes(self) -> list[Attempt | None]:
        return [entry.outcome for entry in self.entries]


class RememberedLimits(AccountLimits):
    """Remembers what a turn has told of limits; asks no backend."""

    def __init__(self) -> None:
        self.told: list[tuple[Credential, BackendLimits]] = []
        self.ended: list[Credential] = []

    def note(self, credential: Credential, limits: BackendLimits) -> None:
        self.told.append((credential, limits))

    def turn_ended(self, credential: Credential) -> None:
        self.ended.append(credential)
