"""One turn against the backend: as many exchanges as it takes, pictures fetched as they come.

Usually one exchange is enough. An answer cut by length is continued, and a GPT that asks whether it may
call a host is answered as the settings say; see `follow_ups`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Final

from accounts import Account, Credential
from ledger import AccountSpent, Charge
from metrics import Attempt, Outcome, ToolCalls
from pool import Fault
from recordings import Recording
from tracing import AttemptTrace
from translate import Conversation
from translate.backend import PostedConversation, TurnFacts
from translate.values import (
    AnswerEnd,
    AnswerFormat,
    ApiError,
    Asset,
    Elsewhere,
    InternalError,
    Model,
    NotAdmitted,
    Picture,
    Usage,
    is_substitute,
)
from turns.account_faults import account_fault, fault_of_error, moves_on
from turns.answer_files import AnswerFiles
from turns.exchange_result import ExchangeResult, attempt_end, exchange_result
from turns.failures import outcome_of
from turns.follow_ups import FollowUp, FollowUps
from turns.need import UPLOADS, need_of
from turns.outcome import TurnOutcome
from turns.parts import Answered, TurnParts, TurnRequest
from turns.relay import AnswerRelay, Client
from turns.retry import Retries, Retry, curable
from turns.stoppable import StoppableWork, Stopped
from turns.verdict import Verdict, told
from turns.waits import Waits
from upstream import NO_PREFLIGHT, Exchange, UpstreamError

SPENT: Final[Mapping[str, str]] = {
    "account_quota": "quota",
    "account_window": "window",
    "account_cap": "capped",
}
"""What metrics call it that an account has spent what it may."""
ABANDON_SECONDS: Final = 0.2
"""How long the backend gets to notice an aborted answer, before the account's next message."""
LEFT: Final = "[The backend is still at work on this, in its conversation {}.]"
UNCOUNTED: Final = Usage(1, 1)
"""What the client is told where the backend gave no conversation id: clients take 0 tokens for a failure."""


_random_part: Final = random.SystemRandom().random


class TurnRunner:
    """Call `run` once; `stop` may come at any time, also before.

    For a key of this service the turn is not tried on the accounts `avoid`.
    """

    __slots__ = (
        "_abandoned",
        "_answered_by",
        "_asked_again",
        "_avoid",
        "_charge",
        "_client_gone",
        "_error",
        "_exchange",
        "_failed_for",
        "_failed_on",
        "_files",
        "_follow_ups",
        "_format",
        "_had_text",
        "_hide",
        "_hiding",
        "_model",
        "_need",
        "_notes",
        "_parts",
        "_posting",
        "_preflight",
        "_recording",
        "_records",
        "_relay",
        "_repeated",
        "_request",
        "_slot",
        "_spent",
        "_units",
        "_unkept",
        "_waits",
        "_work",
    )

    def __init__(
        self,
        parts: TurnParts,
        request: TurnRequest,
        format: AnswerFormat,
        follow_ups: FollowUps,
        avoid: frozenset[str] = frozenset(),
    ) -> None:
        self._parts = parts
        self._request = request
        self._format = format
        self._follow_ups = follow_ups
        self._model = request.prompt.model
        self._need = need_of(request.prompt, parts.charges.units(self._model))
        self._avoid = avoid
        self._slot = parts.pool.slot(request.caller, self._need, avoid)
        self._failed_on: Account | None = None
        self._failed_for = ""
        self._work = StoppableWork()
        self._waits = Waits()
        self._files: AnswerFiles | None = None  # from the time when the slot is held
        self._relay: AnswerRelay | None = None  # from the time when everything is prepared
        self._recording: Recording | None = None  # likewise, where turns are recorded
        self._exchange = Exchange()
        self._preflight = NO_PREFLIGHT  # another one from the time when the request waits for its slot
        self._hide = parts.hide or parts.preparation.hides(request.prompt)
        # Where it is hidden later: a conversation that goes on is not hidden meanwhile.
        self._hiding = parts.hiding if self._hide and request.prompt.lasting else None
        if self._hiding is not None and request.prompt.place is not None:
            self._hiding.postpone(request.prompt.place.conversation_id)
        self._charge: Charge | None = None
        self._posting: asyncio.Task[Charge] | None = None  # the charge of a message that goes out next
        self._records: list[Awaitable[object]] = []  # of the ledger, to be durable before the turn is over
        self._error: ApiError | None = None  # why there is no whole answer
        self._notes: list[str] = []
        self._units = 0
        self._asked_again = 0
        self._unkept = False  # the answer never kept to what it has to
        self._spent = False  # something was spent, or may have been
        self._repeated = False  # something was sent again here
        self._abandoned = False  # the last exchange was; see ExchangeResult
        self._client_gone = False
        self._had_text = False
        self._answered_by = ""

    @property
    def has_text(self) -> bool:
        """Some text of the answer has been delivered."""
        relay = self._relay
        return self._had_text if relay is None else relay.conversation.answer.size > 0

    @property
    def failed_on(self) -> Account | None:
        """The account that was at fault, as it was then, if another one may do better: nothing was spent."""
        return self._failed_on

    @property
    def failed_for(self) -> str:
        """Why: a fault of the account, or what it has spent; see `names.ACCOUNT_MOVES` of `metrics`."""
        return self._failed_for

    @property
    def answered_by(self) -> str:
        """The slug of the model that answers, once the backend has said it; see `TurnFacts.answered_by`."""
        relay = self._relay
        if relay is None or self._model.gizmo_id:  # a GPT is no model that could be replaced
            return self._answered_by
        return relay.conversation.facts.answered_by(self._model.slug)

    def stop(self, error: ApiError | None = None) -> None:
        """End it soon, whatever it is doing; without `error` the client is gone."""
        self._client_gone = self._client_gone or error is None
        self._error = self._error or error
        if self._relay is not None:
            self._relay.well = self._error is None
        self._exchange.abort()
        self._work.stop()

    async def run(self, client: Client) -> TurnOutcome:
        """Converse, and deliver to `client` what can be written as it comes. Raises nothing."""
        bug: Exception | None = None
        counted: Usage | None = None
        try:
            with self._parts.tokens.expected(self._model.slug):
                await self._converse(client)
                counted = await self._count_tokens()
        except Exception as error:
            bug = error
        finally:
            self._end_recording(bug)
        for record in self._records:
            await record
        await client.quiet()
        outcome = self._outcome(bug, counted)
        self._count_calls(outcome)
        if is_substitute(self.answered_by, self._model.slug):
            self._parts.metrics.substituted(self._model.name)
        self._had_text = self.has_text
        self._answered_by = self.answered_by
        self._relay = None  # it refers to the client, which refers to this turn
        return outcome

    def _count_calls(self, outcome: TurnOutcome) -> None:
        metrics, model = self._parts.metrics, self._model.name
        metrics.tool_calls(model, ToolCalls.MADE, outcome.calls)
        metrics.tool_calls(model, ToolCalls.ASKED_AGAIN, outcome.asked_again)
        metrics.tool_calls(model, ToolCalls.FAILED, self._unkept)

    def _end_recording(self, bug: Exception | None) -> None:
        """Have kept what was not understood, or failed; that a client left is no failure."""
        if self._recording is not None and self._relay is not None:
            error = None if self._client_gone else self._error
            if bug is not None:
                error = InternalError("The service failed.")
            self._recording.end(self._relay.conversation.facts.unknown, error)

    def _outcome(self, bug: Exception | None, counted: Usage | None) -> TurnOutcome:
        """The one place that says how the turn ended."""
        error, relay, end = self._error, self._relay, None
        if error is not None:
            error = told(error, spent=self._spent, repeated=self._repeated)
        usage = counted or UNCOUNTED
        if bug is not None:
            outcome = Outcome.ERROR
        elif self._client_gone:
            outcome = Outcome.CLIENT_GONE
        else:
            outcome = Outcome.OK if error is None else outcome_of(error)
        if bug is None and relay is not None:
            answered = relay.conversation
            end = AnswerEnd(
                relay.reason,
                usage,
                answered.answer,
                answered.citations,
                answered.stop_sequence,
                relay.calls,
                relay.refusal,
            )
        # What failed is in no book where the backend gave no conversation id, and so in no log line.
        cost = usage if counted or (self._units and outcome is Outcome.OK) else Usage(0, 0)
        pictures = relay.pictures if relay is not None else 0
        return TurnOutcome(
            outcome,
            error,
            end,
            bug,
            self._units,
            cost,
            pictures,
            self.answered_by,
            calls=len(relay.calls) if relay is not None else 0,
            asked_again=self._asked_again,
            spent=self._spent,
            account=account.alias if (account := self._slot.account) is not None else "",
            waits=self._waits,
        )

    async def _converse(self, client: Client) -> None:
        """All exchanges, and the end of the answer."""
        try:
            await self._converse_in_slot(client)
            if self._error is None and self._relay is not None and self._files is not None:
                conversation = self._relay.conversation
                fetching = self._files.fetch_reserved(conversation.facts.conversation_id)
                self._notes += await self._waits.for_backend(self._work.do(fetching))
                conversation.conclude(self._notes)
                await self._relay.pass_on()
                if (failure := self._relay.failure) is not None:
                    self._unkept = True
                    raise failure
                await self._do_afterwards(conversation, left=self._relay.elsewhere is not None)
        except ApiError as error:
            self._error = error.with_traceback(None)  # which refers to this turn
        except Stopped:
            pass
        finally:
            if self._files is not None:
                self._files.drop_reserved()
            self._hide_conversation()
        if self._relay is not None:
            self._relay.well = self._error is None
            self._relay.conversation.abandon()
            await self._relay.pass_on()

    async def _do_afterwards(self, conversation: Conversation, *, left: bool) -> None:
        """What else belongs to the turn. Raises ApiError."""
        if (afterwards := self._request.afterwards) is not None:
            facts = conversation.facts
            home, text = self._slot.home, conversation.answer.text
            answered = Answered(home, facts.conversation_id, facts.last_shown_id, text, left)
            await self._work.do(afterwards(self._slot.credential, answered))

    async def _converse_in_slot(self, client: Client) -> None:
        """All exchanges, in one slot of the account; the slot is released whatever happens."""
        parts, slot = self._parts, self._slot
        try:
            await self._waits.for_slot(self._work.do(slot.acquire(self._begin_preflight)))
            files = self._files = AnswerFiles(
                parts.files,
                parts.media,
                parts.room,
                slot.credential,
                self._request.base_url,
                link_upstream=parts.link_upstream,
                inline=self._request.inline_pictures,
            )
            self._model, first = await self._prepare()
            # What is attached can be many megabytes, and the answer takes minutes.
            self._request = self._request.prepared(self._model)
            secrets = parts.conversations.secrets(slot.credential)
            conversation = Conversation(first.sent, self._request.options, files, secrets=secrets)
            recording = self._recording = parts.recorder.begin()
            relay = self._relay = AnswerRelay(conversation, self._format, client, self._fetch, recording)
            if self._preflight.pending:
                # Its answer takes longer than the ledger's disk: both are waited for at once.
                self._posting = asyncio.create_task(self._open_charge(first))
                await self._waits.for_backend(self._work.do(self._preflight.done()))
            posted: PostedConversation | None = first
            retries = self._new_retries()
            while posted is not None:
                result = await self._attempt(posted, slot.credential, relay)
                # A conversation that goes on is left only if its account does not get well soon.
                retry = self._next_attempt(result, retries) if self._need.home else None
                if retry is None:
                    if self._fails_elsewhere(result):
                        return
                    retry = self._next_attempt(result, retries)
                if retry is not None:
                    parts.metrics.retried(retry.reason)
                    self._repeated = True
                    await self._waits.for_backend(self._work.do(asyncio.sleep(retry.pause)))
                    continue
                self._error, retries = self._error or result.error, self._new_retries()
                if self._error is not None and self._does_without(relay):
                    self._error = None
                    return
                over = self._error is not None or self._work.stopped
                posted = None if over else self._next_exchange(relay)
                if posted is not None and self._abandoned:
                    await self._waits.for_backend(self._work.do(asyncio.sleep(ABANDON_SECONDS)))
        finally:
            self._preflight.close()
            slot.release(after=ABANDON_SECONDS if self._abandoned else 0.0)
            await self._withdraw_charge()

    async def _prepare(self) -> tuple[Model, PostedConversation]:
        """The model, and what is posted first. Raises ApiError; the account may be at fault."""
        parts, request = self._parts, self._request
        preparing = parts.preparation.prepare(request.prompt, self._slot.credential, request.caller)
        began = time.time()
        try:
            return await self._waits.for_backend(self._work.do(preparing))
        except ApiError as error:
            account, fault = self._slot.account, fault_of_error(error, UPLOADS)
            if account is not None and fault is not None:
                self._note_fault(account, fault, began)
                self._failed_on, self._failed_for = account, fault.kind
            raise

    async def _open_charge(self, posted: PostedConversation) -> Charge:
        """Record, durably, that `posted` goes out. Raises ApiError: it must not."""
        request, account = self._request, self._slot.account
        try:
            return await self._parts.charges.post(request.caller, self._model, posted.message_id, account)
        except AccountSpent as spent:
            text = "The account has spent what it may for now."
            if account is not None and not self._spent:
                self._failed_on, self._failed_for = account, SPENT[spent.reason]
                text += " Nothing was sent."
            raise NotAdmitted(text, retry_after=spent.retry_after) from None

    def _charge_for(self, posted: PostedConversation) -> Awaitable[Charge]:
        """The charge of what goes out now; it may have been opened before."""
        posting, self._posting = self._posting, None
        return posting or self._open_charge(posted)

    async def _withdraw_charge(self) -> None:
        """Settle a charge whose message did not go out: it is free."""
        posting, self._posting = self._posting, None
        if posting is not None:
            with suppress(ApiError):  # a limit was reached, so nothing was recorded
                charge = await posting
                self._records.append(charge.settle(Attempt.UNSENT))

    async def _fetch(self, asset: Asset) -> Picture | None:
        """A picture of the answer, if it can be had. Raises Stopped."""
        if self._files is None or self._relay is None:
            return None  # the turn is over
        found = self._relay.conversation.facts.conversation_id
        picture = await self._work.do(self._files.picture(asset, found))
        self._parts.metrics.image(served=picture is not None)
        return picture

    def _begin_preflight(self, credential: Credential) -> None:
        parts, prompt = self._parts, self._request.prompt
        self._preflight = parts.conversations.preflight(
            credential, lambda: parts.preparation.preflight(prompt)
        )

    def _new_retries(self) -> Retries:
        """Those of one exchange."""
        parts = self._parts
        return Retries(parts.retries, time.monotonic, _random_part, unclear=parts.retry_unclear)

    def _note_health(self, result: ExchangeResult, began: float) -> None:
        """Have it known what the exchange has shown of the account."""
        account = self._slot.account
        if account is None:
            return
        if (fault := account_fault(result)) is not None:
            self._note_fault(account, fault, began)
        elif result.verdict is Verdict.ACCEPTED:
            slug = self._model.slug
            answered = "" if is_substitute(self.answered_by, slug) else slug
            self._parts.health.succeeded(account, slug=answered, began=began)

    def _note_fault(self, account: Account, fault: Fault, began: float) -> None:
        """Have it known and counted that a message that `began` then has failed by the account's fault."""
        self._parts.health.failed(account, fault, slug=self._model.slug, began=began)
        self._parts.metrics.accounts.failed(account.alias, fault.kind)

    def _fails_elsewhere(self, result: ExchangeResult) -> bool:
        """Whether another account may do better, and nothing was spent: then this turn is over.

        Where there is no other one, it is tried again here as far as that makes sense.
        """
        account = self._slot.account
        if account is None or self._work.stopped or self._spent or not moves_on(result):
            return False
        tried, fault = self._avoid | {account.alias}, account_fault(result)
        stays = fault is None or (result.failure is not None and curable(result.failure) is not None)
        if stays and not self._parts.pool.has_other(self._request.caller, self._need, tried):
            return False
        self._failed_on, self._failed_for = account, "other" if fault is None else fault.kind
        self._error = self._error or result.error
        return True

    def _next_attempt(self, result: ExchangeResult, retries: Retries) -> Retry | None:
        if self._work.stopped or result.failure is None:
            return None
        return retries.after(result.verdict, result.failure)

    async def _attempt(
        self, posted: PostedConversation, credential: Credential, relay: AnswerRelay
    ) -> ExchangeResult:
        """Post a message and take its answer. It is recorded before, durably, and settled after, in any case.

        What is settled need not be durable yet: it is stored together with the tokens, or with what is posted
        next.
        """
        parts, conversation = self._parts, relay.conversation
        exchange = self._exchange = Exchange()
        failure: UpstreamError | None = None
        began = time.time()
        charge = self._charge = await self._charge_for(posted)
        charge.begin()
        trace = self._begin_trace()
        relay.begin(exchange, charge, trace)
        if self._recording is not None:
            self._recording.begin(posted.sent)
        try:
            try:
                conversing = parts.conversations.converse(
                    credential, posted, relay.receive, exchange, self._preflight
                )
                await self._waits.for_backend(conversing)
                await self._waits.for_backend(relay.end())  # pictures may have to be fetched
            except UpstreamError as error:
                if exchange.accepted and not exchange.aborted:
                    await self._waits.for_backend(relay.end(error))
                failure = error.with_traceback(None)  # which refers to this call
            if relay.elsewhere is not None:
                following = self._follow(relay.elsewhere, posted, credential, relay, exchange)
                failure = await self._waits.for_backend(following)
        finally:
            result = exchange_result(exchange, failure, done=conversation.exchange_over, error=relay.failure)
            self._abandoned = result.abandoned
            if trace is not None:
                trace.end(attempt_end(exchange, result, answered_by=self.answered_by))
            if result.unreachable:
                parts.metrics.unreachable()
            settled = charge.settle(
                result.attempt,
                served=conversation.facts.served_slug,
                conversation_id=conversation.facts.conversation_id,
                capped_for=result.capped_for,
            )
            self._records.append(settled)
            self._note_facts(credential, conversation.facts)
            self._note_health(result, began)
            self._units += charge.units
            self._spent = self._spent or result.verdict.spent
        return result

    def _begin_trace(self) -> AttemptTrace | None:
        """The span of what is posted now, if the request is traced."""
        if (traced := self._request.trace) is None:
            return None
        account = self._slot.account
        return traced.attempt(account=account.alias if account is not None else "", model=self._model.slug)

    def _note_facts(self, credential: Credential, facts: TurnFacts) -> None:
        """What an exchange has told besides the answer."""
        parts = self._parts
        if facts.limits is not None:
            parts.limits.note(credential, facts.limits)
            facts.limits = None

    async def _follow(
        self,
        elsewhere: Elsewhere,
        posted: PostedConversation,
        credential: Credential,
        relay: AnswerRelay,
        exchange: Exchange,
    ) -> UpstreamError | None:
        """Take the rest of an answer that goes on elsewhere; return why that failed, if it did."""
        conversations = self._parts.conversations
        if self._work.stopped:
            await conversations.stop(credential, elsewhere)
            return None
        try:
            await conversations.follow(credential, posted, relay, exchange)
        except UpstreamError as error:
            if not exchange.aborted:
                await relay.give_up(error)
            return error.with_traceback(None)
        if (left := relay.elsewhere) is not None:
            await relay.leave()
            self._notes.append(LEFT.format(left.conversation_id))
        return None

    def _does_without(self, relay: AnswerRelay) -> bool:
        """Whether the exchange that has failed only asked once more, and what came before will do."""
        asked = not self._work.stopped and bool(relay.ended.question) and not self._exchange.accepted
        return asked and relay.conversation.do_without()

    def _next_exchange(self, relay: AnswerRelay) -> PostedConversation | None:
        """What is to be posted next in the same turn, if anything; the conversation is ready for it then."""
        caller, charges, account = self._request.caller, self._parts.charges, self._slot.account
        follow_up = self._follow_ups.after(
            relay.ended,
            self._model,
            relay.conversation.facts,
            lambda: charges.allows(caller, self._model, account),
        )
        if isinstance(follow_up, FollowUp):
            relay.conversation.start_next_exchange(follow_up.posted.sent, seamless=follow_up.seamless)
            self._asked_again += bool(relay.ended.question)
            return follow_up.posted
        if follow_up:
            self._notes.append(follow_up)
        return None

    def _hide_conversation(self) -> None:
        """Take it off the account's list, in the background: the answer does not wait for that."""
        parts, relay = self._parts, self._relay
        if not self._hide or relay is None or not (found := relay.conversation.facts.conversation_id):
            return
        credential = self._slot.credential
        if self._hiding is not None:
            self._hiding.hide_later(credential, found)
        else:
            parts.aftermath.start(parts.files.hide_conversation(credential, found))

    async def _count_tokens(self) -> Usage | None:
        """Count and record the tokens of what was sent and of the answer; None without a conversation."""
        relay, parts = self._relay, self._parts
        if relay is None or not relay.conversation.facts.conversation_id:
            return None
        conversation = relay.conversation
        usage = await parts.tokens.count(conversation, conversation.facts.served_slug or self._model.slug)
        parts.metrics.tokens(self._model.name, usage.prompt_tokens, usage.completion_tokens)
        parts.metrics.unknown_events(conversation.facts.unknown)
        if self._charge is not None:
            self._records.append(self._charge.record_tokens(usage.prompt_tokens, usage.completion_tokens))
        parts.charges.reconcile(self._request.caller, self._slot.credential, self._slot.account)
        parts.limits.turn_ended(self._slot.credential)
        return usage
