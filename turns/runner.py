"""One turn against the backend: as many exchanges as it takes, pictures fetched as they come.

Usually one exchange is enough. An answer cut by length is continued, and a GPT that asks whether it may
call a host is answered as the settings say; see `follow_ups`.
"""

import asyncio
import random
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from accounts import AccountQueue, Caller, Credential
from ledger import Charge, ChargeBook
from media import MediaStore
from metrics import Metrics, Outcome
from runtime import BackgroundTasks
from translate import Conversation, Options
from translate.backend import PostedConversation
from translate.values import (
    NEED_DATA,
    PAUSED,
    AnswerEnd,
    AnswerFormat,
    ApiError,
    ExchangeEnded,
    Failed,
    Finished,
    PictureShown,
    PictureWanted,
    TextDelta,
    Usage,
)
from turns.answer_files import AnswerFiles
from turns.exchange_result import ExchangeResult, exchange_result
from turns.failures import outcome_of
from turns.follow_ups import FollowUp, FollowUps
from turns.outcome import TurnOutcome
from turns.preparation import Preparation, Prompt
from turns.retry import Retries, free_retry
from turns.tokens import count_tokens
from upstream import ConversationClient, Exchange, UpstreamError
from upstream.files import BackendFiles

T = TypeVar("T")

LINGER_SECONDS: Final = 0.25
"""How long the backend may take to end its body after it said that it is done."""
ABANDON_SECONDS: Final = 0.2
"""How long the backend gets to notice an aborted answer, before the account's next message."""
UNCOUNTED: Final = Usage(1, 1)
"""What an answer is told to have cost that is no conversation of the backend's."""
SHORT_TEXT: Final = 4000
"""Up to so many characters, counting tokens is faster than starting a thread."""


class Client(Protocol):
    """The receiver of an answer."""

    async def deliver(self, out: bytes, *, begun: bool) -> None:
        """Take what can be written, in order; `begun` says that the backend has begun to answer well."""
        ...

    async def quiet(self) -> None:
        """Nothing more is delivered; wait until all is written."""
        ...


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What a turn works with. `hide` takes each conversation off the account's list after its answer."""

    conversations: ConversationClient
    queue: AccountQueue
    charges: ChargeBook
    preparation: Preparation
    files: BackendFiles
    media: MediaStore
    metrics: Metrics
    aftermath: BackgroundTasks
    retries: int
    hide: bool
    link_upstream: bool


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What one turn is about. `base_url` is where users reach this service, without a slash at its end.

    With `pictures_as_bytes` pictures are given as bytes and not stored.
    """

    caller: Caller
    prompt: Prompt
    options: Options
    base_url: str
    pictures_as_bytes: bool = False


class Stopped(Exception):
    """The client is gone, or the answer was ended from outside."""


class TurnRunner:
    """Call `run` once; `stop` may come at any time, also before."""

    _client: Client
    """Who gets the answer, from the beginning of `run`."""

    def __init__(
        self, parts: TurnParts, request: TurnRequest, format: AnswerFormat, follow_ups: FollowUps
    ) -> None:
        self._parts = parts
        self._request = request
        self._format = format
        self._follow_ups = follow_ups
        self._model = request.prompt.model
        self._slot = parts.queue.slot(request.caller)
        self._conversation: Conversation | None = None
        self._files: AnswerFiles | None = None
        self._exchange = Exchange()
        self._charge: Charge | None = None
        self._working: asyncio.Future[Any] | None = None
        self._error: ApiError | None = None  # why there is no whole answer
        self._told: ApiError | None = None  # the failure that the stream reported
        self._ended: ExchangeEnded | None = None
        self._reason = "stop"
        self._notes: list[str] = []
        self._pictures = 0
        self._units = 0
        self._stopped = False
        self._abandoned = False  # the last exchange was; see ExchangeResult
        self._client_gone = False

    @property
    def has_text(self) -> bool:
        """Some text of the answer has been delivered."""
        return self._conversation is not None and self._conversation.answer.size > 0

    def stop(self, error: ApiError | None = None) -> None:
        """End it soon, whatever it is doing; without `error` the client is gone."""
        self._stopped = True
        self._client_gone = self._client_gone or error is None
        self._error = self._error or error
        self._exchange.abort()
        if self._working is not None:
            self._working.cancel()

    async def run(self, client: Client) -> TurnOutcome:
        """Converse, and deliver to `client` what can be written as it comes. Raises nothing."""
        self._client = client
        bug: Exception | None = None
        counted: Usage | None = None
        try:
            await self._converse()
            counted = await self._count_tokens()
        except Exception as error:
            bug = error
        await client.quiet()
        return self._outcome(bug, counted)

    def _outcome(self, bug: Exception | None, counted: Usage | None) -> TurnOutcome:
        """The one place that says how the turn ended."""
        error, conversation, end = self._error, self._conversation, None
        usage = counted or UNCOUNTED
        if bug is not None:
            outcome = Outcome.ERROR
        elif self._client_gone:
            outcome = Outcome.CLIENT_GONE
        else:
            outcome = Outcome.OK if error is None else outcome_of(error)
        if bug is None and conversation is not None:
            end = AnswerEnd(self._reason, usage, conversation.answer, conversation.citations)
        cost = usage if counted or self._units else Usage(0, 0)
        return TurnOutcome(outcome, error, end, bug, self._units, cost, self._pictures)

    async def _converse(self) -> None:
        """All exchanges, and the end of the answer."""
        try:
            await self._hold_slot()
            if self._error is None and self._conversation is not None and self._files is not None:
                conversation_id = self._conversation.facts.conversation_id
                self._notes += await self._unless_stopped(self._files.fetch_reserved(conversation_id))
                self._conversation.conclude(self._notes)
        except ApiError as error:
            self._error = error
        except Stopped:
            pass
        finally:
            if self._files is not None:
                self._files.drop_reserved()
            self._hide_conversation()
        if self._conversation is not None:
            self._conversation.abandon()
            await self._pass_on(self._conversation)

    async def _hold_slot(self) -> None:
        """Wait for a slot of the account, and hold it for all exchanges."""
        parts, request, slot = self._parts, self._request, self._slot
        try:
            await self._unless_stopped(slot.acquire())
            self._files = AnswerFiles(
                parts.files,
                parts.media,
                slot.credential,
                request.base_url,
                link_upstream=parts.link_upstream,
                as_bytes=request.pictures_as_bytes,
            )
            self._model, first = await self._unless_stopped(
                parts.preparation.prepare(request.prompt, slot.credential)
            )
            self._conversation = Conversation(first.sent, request.options, self._files)
            posted: PostedConversation | None = first
            while posted is not None:
                await self._post(posted, slot.credential, self._conversation)
                over = self._error is not None or self._stopped
                posted = None if over else self._next_exchange(self._conversation)
        finally:
            slot.release(after=ABANDON_SECONDS if self._abandoned else 0.0)

    async def _post(
        self, posted: PostedConversation, credential: Credential, conversation: Conversation
    ) -> None:
        """Have one exchange, with another attempt where that is free."""
        retries = Retries(self._parts.retries, time.monotonic, random.SystemRandom().random)
        result = await self._attempt(posted, credential, conversation)
        while (pause := self._pause_before_retry(result, retries, conversation)) is not None:
            await self._unless_stopped(asyncio.sleep(pause))
            result = await self._attempt(posted, credential, conversation)
        self._error = self._error or result.error

    def _pause_before_retry(
        self, result: ExchangeResult, retries: Retries, conversation: Conversation
    ) -> float | None:
        """Seconds until the next attempt; None if there is none."""
        if self._stopped or result.failure is None:
            return None
        reason = free_retry(result.failure)
        # Once a conversation has begun, a failing backend may still complete it and charge for it.
        begun = conversation.facts.conversation_id and reason not in ("connect", "busy")
        if reason is None or begun:
            return None
        pause = retries.pause_after(result.failure)
        if pause is not None:
            self._parts.metrics.retried(reason)
        return pause

    async def _attempt(
        self, posted: PostedConversation, credential: Credential, conversation: Conversation
    ) -> ExchangeResult:
        """Post a message and take its answer. It is recorded before and settled after, in any case."""
        parts = self._parts
        exchange = self._exchange = Exchange()
        failure: UpstreamError | None = None
        charge = self._charge = await parts.charges.post(self._request.caller, self._model, posted.message_id)

        async def on_data(chunk: bytes) -> None:
            if conversation.exchange_over:
                return
            before = conversation.progress
            conversation.receive_data(chunk)
            await self._pass_on(conversation)
            if conversation.progress != before:
                exchange.progressed()
            if conversation.complete:
                asyncio.get_running_loop().call_later(LINGER_SECONDS, exchange.abort)
            elif conversation.exchange_over:
                exchange.abort()

        try:
            await parts.conversations.converse(credential, posted, on_data, exchange)
            conversation.receive_eof()
            await self._pass_on(conversation)
        except UpstreamError as error:
            failure = error
        finally:
            result = exchange_result(exchange, failure, done=conversation.exchange_over, error=self._told)
            self._abandoned = result.abandoned
            if result.unreachable:
                parts.metrics.unreachable()
            await charge.settle(
                result.attempt,
                served=conversation.facts.model_slug,
                conversation_id=conversation.facts.conversation_id,
                capped_for=result.capped_for,
            )
            self._units += charge.units
        return result

    async def _pass_on(self, conversation: Conversation) -> None:
        """Take all events that there are, and deliver what they write."""
        out = b""
        while (event := conversation.next_event()) is not NEED_DATA and event is not PAUSED:
            out += self._format.encode(event)
            match event:
                case TextDelta():
                    pass  # nearly all events
                case PictureWanted():
                    begun = self._has_begun(out, conversation)
                    if out:
                        await self._client.deliver(out, begun=begun)
                        out = b""
                    await self._fetch(event, conversation)
                case PictureShown():
                    self._pictures += 1
                case ExchangeEnded():
                    self._ended = event
                case Finished(reason):
                    self._reason = reason
                case Failed(error):
                    self._told = error
        await self._client.deliver(out, begun=self._has_begun(out, conversation))

    def _has_begun(self, out: bytes, conversation: Conversation) -> bool:
        """Whether the answer has begun well, so that a stream may be opened."""
        answering, charge = conversation.facts.answering, self._charge
        if answering and charge is not None and not charge.answering:
            charge.answer_began()
        well = self._told is None and self._error is None
        return well and (bool(out) or (answering and not conversation.exchange_over))

    async def _fetch(self, wanted: PictureWanted, conversation: Conversation) -> None:
        """Fetch a picture that the conversation waits for."""
        if self._files is not None:
            picture = await self._unless_stopped(self._files.picture(wanted.asset))
            self._parts.metrics.image(served=picture is not None)
            conversation.supply(picture)

    def _next_exchange(self, conversation: Conversation) -> PostedConversation | None:
        """What is to be posted next in the same turn, if anything; the conversation is ready for it then."""
        caller, charges = self._request.caller, self._parts.charges
        if self._ended is None:
            return None
        follow_up = self._follow_ups.after(
            self._ended, self._model, conversation.facts, lambda: charges.allows(caller, self._model)
        )
        if isinstance(follow_up, FollowUp):
            self._ended = None
            conversation.start_next_exchange(follow_up.posted.sent, seamless=follow_up.seamless)
            return follow_up.posted
        if follow_up:
            self._notes.append(follow_up)
        return None

    def _hide_conversation(self) -> None:
        """Take it off the account's list, in the background: the answer does not wait for that."""
        parts, conversation = self._parts, self._conversation
        if parts.hide and conversation is not None and conversation.facts.conversation_id:
            parts.aftermath.start(
                parts.files.hide_conversation(self._slot.credential, conversation.facts.conversation_id)
            )

    async def _count_tokens(self) -> Usage | None:
        """Count and record the tokens of what was sent and of the answer; None without a conversation."""
        conversation, parts = self._conversation, self._parts
        if conversation is None or not conversation.facts.conversation_id:
            return None
        if conversation.countable > SHORT_TEXT:
            usage = await asyncio.to_thread(conversation.count_usage, count_tokens)
        else:
            usage = conversation.count_usage(count_tokens)
        parts.metrics.tokens(self._model.name, usage.prompt_tokens, usage.completion_tokens)
        parts.metrics.unknown_events(conversation.facts.unknown)
        if self._charge is not None:
            await self._charge.record_tokens(usage.prompt_tokens, usage.completion_tokens)
        parts.charges.reconcile(self._request.caller, self._slot.credential)
        return usage

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which `stop` cancels. Raises Stopped."""
        task: asyncio.Future[T] = asyncio.ensure_future(work)
        self._working = task
        if self._stopped:
            task.cancel()
        try:
            result = await task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            raise Stopped from None
        if self._stopped:  # the work was done already, but what follows it is not done
            raise Stopped
        return result
