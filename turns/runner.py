"""One turn against the backend: as many exchanges as it takes, pictures fetched as they come.

Usually one exchange is enough. A reply cut by length is continued, and a GPT that asks whether it may
call a host is answered as the settings say; each of those is another conversation for the backend.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from accounts import Caller
from handlers.service import Service, new_id
from ledger import Charge
from translate.backend.interpreter import Confirmation
from translate.backend.payload import PostedConversation, confirmation, continuation
from translate.conversation import Cut, Turn
from translate.values import ApiError, Model
from turns.assets import Assets
from turns.exchange_result import ExchangeResult, exchange_result
from turns.retry import Retries, free_retry
from turns.tokens import count_tokens
from upstream import Exchange, UpstreamError

Prepare = Callable[[], Coroutine[None, None, PostedConversation]]
"""Makes what is posted, perhaps uploading files first; raises ApiError."""

Emit = Callable[[bytes], Awaitable[None]]
"""Takes what can be written, in order."""


T = TypeVar("T")

LINGER_SECONDS = 0.25
"""How long the backend may take to end its body after it said that it is done."""
SETTLE_SECONDS = 0.2
"""What it is given to notice that it was left in mid-answer, before the account's next message."""
SHORT_TEXT = 4000
"""Characters whose tokens are counted faster than a thread begins."""
MAX_CONFIRMATIONS = 5
"""A GPT that asks on and on is stopped."""


class Stopped(Exception):
    """Nobody waits for the answer any more, or it was ended from outside."""


class Dialogue:
    """Call :meth:`run` once; :meth:`stop` may come at any time."""

    def __init__(self, service: Service, key: str, model: Model, turn: Turn, assets: Assets) -> None:
        self.turn = turn
        self.error: ApiError | None = None
        """Why there is no (whole) answer, once run."""
        self.units = 0
        """Quota that it has cost so far."""
        self._service = service
        self._key = key
        self._caller = Caller(key)
        self._slot = service.queue.slot(self._caller)
        self.model = model
        """To be described before it is conversed with."""
        self._assets = assets
        self._temporary = service.settings.history == "temporary"
        self._working: asyncio.Future[Any] | None = None
        self._exchange = Exchange()
        self.completion_tokens = 0
        """Of the answer, once run."""
        self._charge: Charge | None = None
        self._stopped = False
        self._continued = self._confirmed = 0

    def stop(self, error: ApiError | None = None) -> None:
        """End it soon, whatever it is doing; without ``error`` nobody is interested any more."""
        self._stopped = True
        self.error = self.error or error
        self._exchange.abort()
        if self._working is not None:
            self._working.cancel()

    async def run(self, prepare: Prepare, emit: Emit) -> None:
        """Converse; ``emit`` gets what can be written as it comes, and is awaited."""
        turn = self.turn
        try:
            await self._in_turn(prepare, emit)
            if self.error is None:
                for note in await self._unless_stopped(self._assets.settle(turn.state.conversation_id)):
                    turn.note(note)
        except ApiError as error:
            self.error = error
        except Stopped:
            pass
        finally:
            self._assets.drop()
            if self._service.settings.history == "hide" and turn.state.conversation_id:
                self._service.hide(self._key, turn.state.conversation_id)
        if turn.state.conversation_id:
            await self._count_tokens()
            self._service.charges.reconcile(self._caller, self._slot.credential)

    async def _in_turn(self, prepare: Prepare, emit: Emit) -> None:
        """Wait for the account, and hold it for all exchanges."""
        try:
            await self._unless_stopped(self._slot.acquire())
            first = await self._unless_stopped(prepare())
            self.turn.expect(first.sent)
            step: PostedConversation | None = first
            while step is not None:
                await self._exchange_once(step, emit)
                step = None if self.error or self._stopped else self._follow_up()
        finally:
            self._slot.release(after=SETTLE_SECONDS if self._exchange.aborted else 0.0)

    async def _exchange_once(self, posted: PostedConversation, emit: Emit) -> None:
        """Have one message answered, with another attempt where that is free."""
        retries = Retries(
            self._service.settings.upstream_retries, time.monotonic, random.SystemRandom().random
        )
        while (failure := (result := await self._attempt(posted, emit)).failure) is not None:
            reason = None if self._stopped else free_retry(failure)
            # Of a conversation that has begun nobody knows what a failing backend still makes of it.
            begun = self.turn.state.conversation_id and reason not in ("connect", "busy")
            pause = None if reason is None or begun else retries.pause_after(failure)
            if reason is None or pause is None:
                self.error = self.error or result.error
                return
            self._service.metrics.retried(reason)
            await self._unless_stopped(asyncio.sleep(pause))
        self.error = self.error or result.error

    async def _attempt(self, posted: PostedConversation, emit: Emit) -> ExchangeResult:
        """Post a message and take its answer."""
        turn = self.turn
        exchange = self._exchange = Exchange()
        failure: UpstreamError | None = None
        service = self._service
        charge = self._charge = await service.charges.post(self._caller, self.model, posted.message_id)

        async def on_data(chunk: bytes) -> None:
            if turn.done:
                return
            before = turn.progress
            out = turn.feed(chunk)
            if not charge.answering and turn.state.answering:
                charge.answer_began()
            await emit(await self._resolve(out, emit))
            if turn.progress != before:
                exchange.progressed()
            if turn.complete:
                asyncio.get_running_loop().call_later(LINGER_SECONDS, exchange.abort)
            elif turn.done:
                exchange.abort()

        try:
            await service.conversations.converse(self._slot.credential, posted, on_data, exchange)
            turn.eof()
            await emit(await self._resolve(b"", emit))
        except UpstreamError as error:
            failure = error
        finally:
            result = exchange_result(exchange, failure, done=turn.done, error=turn.error)
            if result.unreachable:
                service.metrics.unreachable()
            await charge.settle(
                result.attempt,
                served=turn.state.model_slug,
                conversation_id=turn.state.conversation_id,
                capped_for=result.capped_for,
            )
            self.units += charge.units
        return result

    async def _count_tokens(self) -> None:
        turn = self.turn
        turn.close()
        if turn.size > SHORT_TEXT:
            await asyncio.to_thread(turn.count, count_tokens)
        else:
            turn.count(count_tokens)
        usage = turn.usage
        self.completion_tokens = usage.completion_tokens
        self._service.metrics.tokens(self.model.name, usage.prompt_tokens, usage.completion_tokens)
        self._service.metrics.unknown_events(turn.state.unknown)
        if self._charge is not None:
            await self._charge.record_tokens(usage.prompt_tokens, usage.completion_tokens)

    async def _resolve(self, out: bytes, emit: Emit) -> bytes:
        """Fetch the pictures that the turn waits for, and give what it says after them."""
        turn = self.turn
        while (asset := turn.wanted) is not None:
            if out:
                await emit(out)
            address = await self._unless_stopped(self._assets.picture(asset))
            self._service.metrics.image(served=address is not None)
            out = turn.supply(address) + turn.feed(b"")
        return out

    async def _unless_stopped(self, work: Coroutine[None, None, T]) -> T:
        """The result of ``work``, which :meth:`stop` cancels. Raises Stopped."""
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
        if self._stopped:  # too late to cancel the work, but not what was to follow
            raise Stopped
        return result

    def _follow_up(self) -> PostedConversation | None:
        step = self.turn.follow_up()
        if step is None or not self._service.charges.allows(self._caller, self.model):
            return None
        if isinstance(step, Cut) and self._continued < self._service.settings.continue_limit:
            self._continued += 1
            return self._continue()
        if isinstance(step, Confirmation):
            return self._confirm(step)
        return None

    def _continue(self) -> PostedConversation:
        state = self.turn.state
        posted = continuation(
            self.model, state.conversation_id, state.last_message_id, temporary=self._temporary
        )
        self.turn.resume([], seamless=True)
        return posted

    def _confirm(self, asked: Confirmation) -> PostedConversation | None:
        policy = self._service.settings.gpt_actions
        where = f"{asked.domain[:100]} ({asked.operation[:100]})"
        if asked.login:
            self.turn.note(
                f"[The GPT wants you to log in at {where}, which cannot be done through this service.]"
            )
            return None
        if policy == "ask" or not asked.target_message_id or self._confirmed >= MAX_CONFIRMATIONS:
            self.turn.note(f"[The GPT wants to call {where} and was not allowed to: see GPT_ACTIONS.]")
            return None
        self._confirmed += 1
        always = policy == "always" and asked.operation_hash
        conversation_id = self.turn.state.conversation_id
        posted = confirmation(
            self.model,
            conversation_id,
            asked,
            "always_allow" if always else "allow",
            new_id,
            temporary=self._temporary,
        )
        self.turn.resume(posted.sent, seamless=False)
        return posted
