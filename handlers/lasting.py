"""Requests with a whole history, answered in the conversation that the backend has of it, if it has one.

Only what is new is posted then. Where anything is doubtful, all is said in a new conversation.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from accounts import Caller, Credential, KeyKind
from continuity import (
    Fingerprint,
    History,
    Node,
    TableFailed,
    weight,
)
from handlers.answer import AnswerHandler
from handlers.continuing import CONTINUED, CONVERSATION_HEADER, NEW, Lasting, lasts, may_use
from handlers.emulation import Emulated, computed
from translate.openai import JsonBody
from translate.values import (
    AnswerEnd,
    AnswerFormat,
    ChatMessage,
    JsonFormat,
    Model,
    Place,
    Toolbox,
    Usage,
)
from turns import Answered, ChainedRunner, Runner, TurnOutcome, TurnRequest

log = logging.getLogger("pandora")

EFFORT: Final = 4
"""Fingerprints take so many times as long as prompts of tools for as much text; see `computed`."""
WHOLE: Final = ("stop", "tool_calls", "length")
"""How an answer ends that the backend keeps as the client got it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a request says: its messages, at least one, the client's tools and the form of the answer. `size`
    is how many bytes the latter take, about.
    """

    messages: Sequence[ChatMessage]
    toolbox: Toolbox | None
    format: JsonFormat | None
    size: int


@dataclass(slots=True)
class Course:
    """How an answer is made: behind the answer `after`, which the backend has, or in a new conversation. With
    `lasting` others may go on with that. `told` and `nonce` are those of `Emulated`. Then where the answer
    is. It holds nothing of the request, since the answer takes minutes.
    """

    after: Node | None = None
    lasting: bool = False
    told: str = ""
    nonce: str = ""
    answered: Answered | None = field(default=None, init=False)

    @property
    def place(self) -> Place | None:
        """Where in a conversation that there was it is made."""
        return None if self.after is None else self.after.place

    @property
    def home(self) -> str:
        """The account that has that conversation."""
        return "" if self.after is None else self.after.home

    async def note(self, credential: Credential, answered: Answered) -> None:
        """Note where the answer is, if it can be gone on with there."""
        if credential.kind is not KeyKind.POOL and not answered.left:
            self.answered = answered


Ask = Callable[[Course, Emulated], TurnRequest]
"""Makes the request of a turn that takes a course, and says what the backend is to get."""


class LastingHandler(AnswerHandler[JsonBody]):
    """A handler whose requests bring the whole history."""

    async def runner(self, said: Said, model: Model, ask: Ask, format: AnswerFormat) -> Runner:
        """What makes the answer. Raises ApiError."""
        lasting = self.parts.lasting
        if lasting is None or not lasts(self.caller):
            self.set_header(CONVERSATION_HEADER, NEW)
            emulated = await self._emulated(said)
            return self.parts.turns.turn(self._released(ask(Course(), emulated)), format)
        prints = lasting.fingerprints()
        size = EFFORT * weight(said.messages)
        history = await computed(size, prints.history, model.gizmo_id, said.messages)
        after = await self._found(lasting, history)
        self.set_header(CONVERSATION_HEADER, NEW if after is None else CONTINUED)
        course = Course(after, lasting=True)
        keep = partial(keep_answer, lasting, self.caller, history.whole, course)
        request = await self._asked(said, course, ask, history.new)
        if after is None:
            return ChainedRunner(self.parts.turns.turn(self._released(request), format), None, keep)
        again = partial(self._begin_anew, lasting, said, course, ask, format)
        return ChainedRunner(self.parts.turns.turn(request, format), again, keep, self._release_request())

    async def _found(self, lasting: Lasting, history: History) -> Node | None:
        """The answer behind which the history goes on, if that is sure."""
        if history.answered is None or not history.new:
            return None
        try:
            found = await lasting.table.take(lasting.keys.digest(self.caller), history.answered)
        except TableFailed as error:
            log.error("conversations cannot be looked for: %s", error)
            return None
        return found if found is not None and may_use(self.caller, found.home) else None

    async def _begin_anew(
        self, lasting: Lasting, said: Said, course: Course, ask: Ask, format: AnswerFormat, gone: bool
    ) -> Runner:
        """Say all in a new conversation: the one before is `gone`, or cannot be gone on with now."""
        if gone and course.after is not None:
            try:
                await lasting.table.forget(course.after)
            except TableFailed as error:
                log.error("a conversation could not be forgotten: %s", error)
        course.after = None
        self.set_header(CONVERSATION_HEADER, NEW)
        request = await self._asked(said, course, ask)
        return self.parts.turns.turn(self._released(request), format)

    async def _asked(self, said: Said, course: Course, ask: Ask, new: int = 0) -> TurnRequest:
        """The request of a turn that takes the course; `new` messages follow the answer behind which it goes
        on.
        """
        before = course.after
        emulated = await self._emulated(said, before, new)
        course.told = emulated.told or (before.told if before is not None else "")
        course.nonce = emulated.nonce or (before.nonce if before is not None else "")
        return replace(ask(course, emulated), afterwards=course.note)

    async def _emulated(self, said: Said, after: Node | None = None, new: int = 0) -> Emulated:
        """What the backend is told: all of it, or what is `new` behind an answer that it has."""
        emulate, messages, nonce, known = self.parts.emulation.of, said.messages, "", ""
        if after is not None:
            messages, nonce, known = messages[-new:], after.nonce, after.told
        toolbox, form = said.toolbox, said.format
        return await computed(said.size, emulate, self.caller, messages, toolbox, form, nonce, known=known)

    def _released(self, request: TurnRequest) -> TurnRequest:
        """The request of a turn that keeps what the client sent until it is prepared."""
        return replace(request, on_prepared=self._release_request())

    def _release_request(self) -> Callable[[], None]:
        """Gives back the room that the request has taken, but for that of its text."""
        return partial(self.reservation.shrink_to, self.whole_body().other_bytes)


async def keep_answer(
    lasting: Lasting, caller: Caller, asked: Fingerprint, course: Course, outcome: TurnOutcome
) -> TurnOutcome:
    """Keep where the answer to the history `asked` is, so that the next request goes on there.

    Gives the outcome with the tokens of all that was said. An answer that cannot be kept is whole all the
    same.
    """
    end, answered, before = outcome.end, course.answered, course.after
    if end is None:
        return outcome
    if before is not None:
        usage = Usage(before.tokens + end.usage.prompt_tokens, end.usage.completion_tokens)
        end = replace(end, usage=usage)
        outcome = replace(outcome, end=end)
    message = said_in(end)
    if answered is None or message is None or not (answered.conversation_id and answered.message_id):
        return outcome
    told = await computed(EFFORT * weight([message]), lasting.fingerprints().after, asked, message)
    node = Node(
        owner=lasting.keys.digest(caller),
        fingerprint=told,
        home=answered.home,
        place=Place(answered.conversation_id, answered.message_id),
        told=course.told,
        nonce=course.nonce,
        tokens=end.usage.prompt_tokens + end.usage.completion_tokens,
        at=time.time(),
    )
    try:
        await lasting.table.add(node)
    except TableFailed as error:
        log.error("a conversation could not be kept: %s", error)
    return outcome


def said_in(end: AnswerEnd) -> ChatMessage | None:
    """The message that the client has got, and will send again; None if the backend has another one."""
    text = end.answer.text or end.refusal
    if end.reason not in WHOLE or end.stop_sequence or not (text or end.calls):
        return None
    return ChatMessage("assistant", text, calls=tuple(end.calls))
