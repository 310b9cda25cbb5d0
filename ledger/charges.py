"""What conversations cost: checked before each one, recorded after it."""

import secrets
import time
from collections.abc import Awaitable, Collection, Mapping

from accounts import Account, Caller, Credential, Lender
from ledger.key_names import KeyNames
from ledger.ledger import Ledger
from ledger.limits import Allowance, Allowed, LimitReached, Standing
from ledger.reconcile import Reconciler
from ledger.records import Capped, Counted, Posted, Settled, Subject
from metrics import Attempt, Metrics
from translate.values import (
    ANY_GPT,
    ApiError,
    BackendLimits,
    Catalogue,
    Model,
    NotAdmitted,
    QuotaExceeded,
)
from upstream.account import AccountLimits


class ChargeBook:
    """Decides whether a caller may have another conversation, and opens a `Charge` for each one posted.

    `units` are the prices that the settings give, by model; other models cost what the model itself says.
    `backend` has the limits that the backend itself has told.
    """

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyNames,
        reconciler: Reconciler,
        metrics: Metrics,
        catalogue: Catalogue,
        units: Mapping[str, int],
        backend: AccountLimits,
        lender: Lender,
    ) -> None:
        self.ledger = ledger
        self._lender = lender
        self._backend = backend
        self._reconciler = reconciler
        self._keys = keys
        self._metrics = metrics
        self._catalogue = catalogue
        self._units = dict(units)

    def alias(self, caller: Caller) -> str:
        """The name that stands for the caller's key in the ledger."""
        return self._keys.alias(caller)

    def knows(self, caller: Caller) -> bool:
        """Whether the caller's key has a name in the settings, or had conversations before the start."""
        return self._keys.is_given(caller) or self.alias(caller) in self.ledger.known_aliases

    def units(self, model: Model) -> int:
        """What a conversation with `model` costs, in units of quota."""
        default = self._units.get(ANY_GPT.name, model.units) if model.gizmo_id else model.units
        return self._units.get(model.name, default)

    def allowance(self, caller: Caller) -> Allowance:
        """What the caller may spend: what its key is granted, or what the settings say of every key."""
        return self.ledger.limits.of_caller(caller.grant)

    def standing(self, account: Account, model_units: int, slug: str, windowed: bool) -> Standing:
        """What is left of an account of the operator's for a conversation of so many units with the model
        that the backend calls `slug`; `windowed`: it is a GPT-4 message.

        It is quick, and known without asking: of other instances what was told some seconds ago.
        """
        return self.ledger.standing(account, slug, model_units, windowed=windowed)

    def check(self, caller: Caller, model: Model, features: Collection[str] = ()) -> None:
        """Check the limits of `caller` before any work is done; `features` of the backend will be needed.

        Those of the operator's accounts are not its own: which of them can take the conversation is seen
        when one is chosen.

        Raises:
            ApiError: (429) it may not converse with `model` now.
        """
        try:
            self._check(caller, model, features)
        except LimitReached as reached:
            raise self._refusal(reached, caller) from None

    def allows(self, caller: Caller, model: Model, account: Account | None = None) -> bool:
        """Whether the limits leave room for another conversation, also those of the `account` if it is one of
        the operator's.
        """
        try:
            self._check(caller, model)
        except LimitReached:
            return False
        if account is None:
            return True
        left = self.standing(account, self.units(model), model.slug, model.windowed)
        return not (left.capped_until or left.quota_resets_at or left.window_frees_at)

    def feature_wait(self, caller: Caller, feature: str) -> float | None:
        """Seconds until the backend lets `caller` use a feature that is used up; None if it is not."""
        credentials = self._lender.credentials(caller)
        used_up = [self._backend.feature_used_up(credential, feature) for credential in credentials]
        waits = [found.seconds for found in used_up if found is not None]
        return min(waits) if waits and len(waits) == len(used_up) else None

    async def post(
        self, caller: Caller, model: Model, message_id: str = "", account: Account | None = None
    ) -> "Charge":
        """Record, durably, that a conversation is about to be posted: to an `account` of the operator's, or
        with None to the caller's own.

        `message_id` is that of the message sent, by which it can be looked for at the backend later, if its
        conversation is going to be on the account's list.

        Raises:
            ApiError: (429) a limit is reached, and nothing may be posted.
            AccountSpent: a limit of the account is reached: another one may take it.
        """
        await self.ledger.agree_on_names()
        now = self.ledger.clock()
        posted = Posted(
            _new_id(now),
            now,
            self.alias(caller),
            model.name,
            model.slug,
            self.units(model),
            model.windowed,
            message_id if self._reconciler.listed else "",
            "" if account is None else account.alias,
        )
        allowed = Allowed(self.allowance(caller))
        if account is not None:
            allowed = Allowed(allowed.caller, self.ledger.limits.of_account(account))
        try:
            self._check_backend(caller, model)
            await self.ledger.post(posted, allowed)
        except LimitReached as reached:
            raise self._refusal(reached, caller) from None
        return Charge(self.ledger, posted)

    def reconcile(self, caller: Caller, credential: Credential, account: Account | None = None) -> None:
        """Look for conversations whose outcome is unknown, in the background: those on an `account` of the
        operator's, or with None on the caller's own.

        To be called when the backend has just answered this credential, which is that of the account.
        """
        owner = Subject(self.alias(caller)) if account is None else Subject(account.alias, True)
        self._reconciler.start(owner, credential)

    def headers(self, caller: Caller, model: Model) -> dict[str, str]:
        """`x-ratelimit-*`, for the limits that are set."""
        allowance = self.allowance(caller)
        if not (self.ledger.limits.per_day or allowance.units_per_day or allowance.window_messages):
            return {}
        return self.ledger.headers(self.alias(caller), allowance, model.slug, windowed=model.windowed)

    def backend_limits(self, caller: Caller | None) -> list[tuple[str, BackendLimits, float, str]]:
        """What the backend has told of its limits, with the name of the key, since when it is known (Unix
        seconds), and the alias of the account if it is one of the operator's: of one caller, or with None of
        all, those used last first.
        """
        accounts = {
            account.credential.digest: account.alias
            for account in self.ledger.accounts()
            if account.credential is not None
        }
        if caller is not None:
            alias = self.alias(caller)
            return [
                (alias, *found, accounts.get(credential.digest, ""))
                for credential in self._lender.credentials(caller)
                if (found := self._backend.latest(credential)) is not None
            ]
        known = [
            (self._keys.name_of(digest), limits, since, accounts.get(digest, ""))
            for digest, limits, since in self._backend.items()
        ]
        return known[::-1]

    def refresh_gauges(self) -> None:
        """Bring the gauges of quota, window, caps and the backend's own limits up to date."""
        self.ledger.refresh_gauges(self._catalogue.slugs(), self._backend.models_used_up())
        self._metrics.backend_remaining(self._backend.remaining())

    async def close(self) -> None:
        """Store what is left."""
        await self._reconciler.close()
        await self.ledger.close()

    def _check(self, caller: Caller, model: Model, features: Collection[str] = ()) -> None:
        alias, allowance = self.alias(caller), self.allowance(caller)
        self.ledger.check(alias, allowance, model.slug, self.units(model), windowed=model.windowed)
        self._check_backend(caller, model, features)

    def _check_backend(self, caller: Caller, model: Model, features: Collection[str] = ()) -> None:
        """Refuse what the backend would refuse, and what a lesser model would answer. Raises LimitReached."""
        if caller.grant is not None:
            return  # the pool knows which of its accounts can take it
        credential = caller.own
        if used_up := self._backend.model_used_up(credential, model.slug):
            raise LimitReached("model_cap", used_up.seconds, used_up.what)
        for feature in features:
            if used_up := self._backend.feature_used_up(credential, feature):
                raise LimitReached("feature_limit", used_up.seconds, used_up.what)

    def _refusal(self, reached: LimitReached, caller: Caller) -> ApiError:
        self._metrics.rejected(reached.reason)
        limits, allowance = self.ledger.limits, self.allowance(caller)
        wait = _in_words(reached.retry_after)
        instead = f" Until then {reached.what} would answer; ask for it by name." if reached.what else ""
        text = {
            "quota": f"The quota of today, {limits.per_day} units, is used up; it resets {wait}.",
            "key_quota": f"The quota of this key, {allowance.units_per_day} a day, is used up; "
            f"it resets {wait}.",
            "gpt4_window": f"This key has sent {allowance.window_messages} GPT-4 messages within "
            f"{limits.window / 3600:g} hours; the next one is possible {wait}.",
            "model_cap": f"The backend has reported that the message cap of this model is reached; "
            f"it clears {wait}.{instead}",
            "feature_limit": f"The backend reports that the limit of this account for {reached.what} is "
            f"reached; it resets {wait}. Nothing was sent.",
        }[reached.reason]
        kind = QuotaExceeded if reached.reason in ("quota", "key_quota") else NotAdmitted
        return kind(text, retry_after=reached.retry_after, should_retry=False)


class Charge:
    """One conversation in the ledger, from the moment before it is posted. Settle it in any case.

    A process that ends before that leaves it as spent: nobody knows then whether it was posted.
    """

    __slots__ = ("_began", "_ledger", "_posted", "_ttft", "answering", "units")

    def __init__(self, ledger: Ledger, posted: Posted) -> None:
        self._ledger = ledger
        self._posted = posted
        self._began = time.monotonic()
        self._ttft: float | None = None
        self.answering = False
        """The backend has begun to answer, as far as is known."""
        self.units = 0
        """What the conversation cost, in units of quota; 0 until it is settled."""

    def begin(self) -> None:
        """It goes out now, which may be later than it was recorded: its times count from here."""
        self._began = time.monotonic()

    def answer_began(self) -> None:
        """Note the time to the first token."""
        self.answering = True
        self._ttft = time.monotonic() - self._began

    def settle(
        self,
        outcome: Attempt,
        *,
        served: str = "",
        conversation_id: str = "",
        capped_for: float | None = None,
    ) -> Awaitable[object]:
        """Record how the conversation ended; what is returned is done when that is durable.

        `served` is the slug of the model that answered. `capped_for` is how many seconds the model is capped
        for the account, if the backend has said so.
        """
        if capped_for:
            posted, until = self._posted, self._ledger.clock() + capped_for
            self._ledger.record_cap(Capped(posted.alias, posted.slug, until, posted.account))
        duration = time.monotonic() - self._began
        settled = Settled(self._posted.id, outcome, served, conversation_id, duration, self._ttft)
        self.units = 0 if settled.free else self._posted.units
        return self._ledger.settle(self._posted, settled)

    def record_tokens(self, prompt: int, completion: int) -> Awaitable[object]:
        """Record the tokens of the answer; what is returned is done when they are durable."""
        return self._ledger.record_tokens(Counted(self._posted.id, prompt, completion))


def _new_id(now: float) -> str:
    """32 hex digits that begin with the time: entries of the same seconds lie side by side in a store, which
    then writes few pages for many of them.
    """
    return f"{int(now * 1000):012x}{secrets.token_hex(10)}"


def _in_words(seconds: float) -> str:
    minutes = -(-int(seconds) // 60)
    if minutes <= 1:
        return "within a minute"
    return f"in {minutes} minutes" if minutes < 120 else f"in {minutes / 60:.1f} hours"
