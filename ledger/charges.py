"""What conversations cost their keys: asked before, recorded after. The handlers' side of the ledger."""

import time
import uuid
from collections.abc import Mapping

from ledger.key_names import KeyNames
from ledger.ledger import Ledger
from ledger.limits import LimitReached
from ledger.reconcile import Reconciler
from ledger.records import Capped, Counted, Posted, Settled
from metrics import Attempt, Metrics
from translate.conversation import Turn
from translate.values import ANY_GPT, ApiError, Catalogue, Model, NotAdmitted, QuotaExceeded, RateLimited
from turns.failures import as_api_error
from upstream import ConnectFailed, Exchange, ResponseRefused, UpstreamError


class Accounts:
    """``units`` are the prices that the settings give, by model; others cost what the model says."""

    def __init__(
        self,
        ledger: Ledger,
        keys: KeyNames,
        reconciler: Reconciler,
        metrics: Metrics,
        catalogue: Catalogue,
        units: Mapping[str, int],
    ) -> None:
        self.ledger = ledger
        self._reconciler = reconciler
        self._keys = keys
        self._metrics = metrics
        self._catalogue = catalogue
        self._units = dict(units)

    def alias(self, key: str) -> str:
        """The name that stands for a key."""
        return self._keys.alias(key)

    def units(self, model: Model) -> int:
        """What a conversation costs."""
        usual = self._units.get(ANY_GPT.name, model.units) if model.gizmo_id else model.units
        return self._units.get(model.name, usual)

    def check(self, key: str, model: Model) -> None:
        """Raises ApiError (429) if this key may not converse with this model now."""
        try:
            self._check(key, model)
        except LimitReached as reached:
            raise self._refusal(reached) from None

    def allows(self, key: str, model: Model) -> bool:
        """Whether there is room for another conversation."""
        try:
            self._check(key, model)
        except LimitReached:
            return False
        return True

    async def post(self, key: str, model: Model, message_id: str = "") -> "Account":
        """Record that a conversation is about to be posted. Raises ApiError (429), and then it may not be."""
        await self.ledger.ready()  # the secret of the names may be shared
        posted = Posted(
            uuid.uuid4().hex,
            self.ledger.clock(),
            self.alias(key),
            model.name,
            model.slug,
            self.units(model),
            counts_in_window(model),
            message_id,
        )
        try:
            await self.ledger.post(posted)
        except LimitReached as reached:
            raise self._refusal(reached) from None
        return Account(self.ledger, self._metrics, posted)

    def answered(self, key: str) -> None:
        """The backend has answered this key."""
        self._reconciler.used(key, self.alias(key))

    async def close(self) -> None:
        """Store what is left."""
        await self._reconciler.close()
        await self.ledger.close()

    def headers(self, key: str, model: Model) -> dict[str, str]:
        """``x-ratelimit-*``, for the limits that are set."""
        return self.ledger.headers(self.alias(key), model.slug, windowed=counts_in_window(model))

    def show(self) -> None:
        """Bring the gauges of quota up to date."""
        self.ledger.show({name: model.slug for name, model in self._catalogue.models.items()})

    def _check(self, key: str, model: Model) -> None:
        windowed = counts_in_window(model)
        self.ledger.check(self.alias(key), model.slug, self.units(model), windowed=windowed)

    def _refusal(self, reached: LimitReached) -> ApiError:
        self._metrics.rejected(reached.reason)
        limits, wait = self.ledger.limits, _in_words(reached.retry_after)
        text = {
            "quota": f"The quota of today, {limits.per_day} units, is used up; it resets {wait}.",
            "key_quota": f"The quota of this key, {limits.per_key} a day, is used up; it resets {wait}.",
            "gpt4_window": f"This key has sent {limits.window_messages} GPT-4 messages within "
            f"{limits.window / 3600:g} hours; the next one is possible {wait}.",
            "model_cap": f"The backend has reported that the message cap of this model is reached; "
            f"it clears {wait}.",
        }[reached.reason]
        kind = QuotaExceeded if reached.reason in ("quota", "key_quota") else NotAdmitted
        return kind(text, retry_after=reached.retry_after, should_retry=False)


class Account:
    """One conversation on the books; settle it in any case."""

    def __init__(self, ledger: Ledger, metrics: Metrics, posted: Posted) -> None:
        self._ledger = ledger
        self._metrics = metrics
        self._posted = posted
        self._began = time.monotonic()
        self.waiting = True
        """The backend has not begun to answer, as far as is known."""
        self.spent = 0
        """Units, once settled."""
        self._ttft: float | None = None

    def answering(self) -> None:
        """The backend has begun to answer."""
        self.waiting = False
        self._ttft = time.monotonic() - self._began

    async def settle(self, exchange: Exchange, failure: UpstreamError | None, turn: Turn) -> None:
        """Record how it ended; afterwards that is durable."""
        outcome = _outcome(exchange, failure, turn)
        error = turn.error or (as_api_error(failure) if failure is not None else None)
        if outcome is Attempt.UNKNOWN or isinstance(failure, ConnectFailed):
            self._metrics.unreachable()
        if isinstance(error, RateLimited) and error.should_retry is False and error.retry_after:
            until = self._ledger.clock() + error.retry_after
            self._ledger.learn(Capped(self._posted.alias, self._posted.slug, until))
        settled = Settled(
            self._posted.id,
            outcome,
            turn.state.model_slug,
            turn.state.conversation_id,
            time.monotonic() - self._began,
            self._ttft,
        )
        self.spent = 0 if settled.free else self._posted.units
        await self._ledger.settle(self._posted, settled)

    async def count(self, prompt: int, completion: int) -> None:
        """Record the tokens of the answer; afterwards that is durable."""
        await self._ledger.count(Counted(self._posted.id, prompt, completion))


def counts_in_window(model: Model) -> bool:
    """Whether a conversation counts for the backend's cap of GPT-4 messages; gpt-4-mobile does not."""
    return model.slug.startswith("gpt-4") and model.slug != "gpt-4-mobile"


def _outcome(exchange: Exchange, failure: UpstreamError | None, turn: Turn) -> Attempt:
    """A refusal proves that nothing was accepted, and an answer's headers that it was."""
    if not exchange.reached_backend:
        return Attempt.UNSENT
    if exchange.status is None:
        return Attempt.UNKNOWN
    page = exchange.content_type == "text/html"
    if isinstance(failure, ResponseRefused) or not 200 <= exchange.status < 300 or page:
        return Attempt.REFUSED
    if turn.done and turn.error is None:
        return Attempt.OK
    return Attempt.STOPPED if exchange.aborted and turn.error is None else Attempt.FAILED


def _in_words(seconds: float) -> str:
    minutes = -(-int(seconds) // 60)
    if minutes <= 1:
        return "within a minute"
    return f"in {minutes} minutes" if minutes < 120 else f"in {minutes / 60:.1f} hours"
