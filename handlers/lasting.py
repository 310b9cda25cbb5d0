"""Requests with a whole history, answered in the conversation that the backend has of it, if it has one.

Only what is new is posted then. Where anything is doubtful, all is said in a new conversation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from accounts import Caller, Credential, KeyKind
from continuity import Fingerprint, Node
from handlers.answer import AnswerHandler
from handlers.continuing import CONTINUED, CONVERSATION_HEADER, NEW, Lasting, Told, lasts
from handlers.emulation import Emulated, computed
from translate.openai import JsonBody
from translate.values import (
    AnswerFormat,
    ChatMessage,
    JsonFormat,
    Model,
    Place,
    Toolbox,
    Usage,
)
from turns import Answered, ChainedRunner, Runner, TurnOutcome, TurnRequest


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

    async def runner(
        self, said: Said, model: Model, ask: Ask, format: AnswerFormat, *, aside: bool = False
    ) -> Runner:
        """What makes the answer. What is asked `aside` neither goes on in a conversation of the person's nor
        is gone on from. Raises ApiError.
        """
        lasting = self.parts.lasting
        if lasting is None or aside or not lasts(self.caller):
            self.set_header(CONVERSATION_HEADER, NEW)
            emulated = await self._emulated(said)
            return self.parts.turns.turn(self._released(ask(Course(), emulated)), format)
        history = await lasting.history(model, said.messages)
        after = await lasting.find(self.caller, model, history)
        self.set_header(CONVERSATION_HEADER, NEW if after is None else CONTINUED)
        course = Course(after, lasting=True)
        keep = partial(keep_answer, lasting, self.caller, history.whole, course)
        request = await self._asked(said, course, ask, history.new)
        if after is None:
            return ChainedRunner(self.parts.turns.turn(self._released(request), format), None, keep)
        again = partial(self._begin_anew, lasting, said, course, ask, format)
        return ChainedRunner(self.parts.turns.turn(request, format), again, keep, self._release_request())

    async def _begin_anew(
        self, lasting: Lasting, said: Said, course: Course, ask: Ask, format: AnswerFormat, gone: bool
    ) -> Runner:
        """Say all in a new conversation: the one before is `gone`, or cannot be gone on with now."""
        if gone and course.after is not None:
            await lasting.forget(course.after)
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
    """Keep where the answer to the history `asked` is; gives the outcome with the tokens of all that was
    said.

    An answer that cannot be kept is whole all the same.
    """
    end, before = outcome.end, course.after
    if end is None:
        return outcome
    if before is not None:
        usage = Usage(before.tokens + end.usage.prompt_tokens, end.usage.completion_tokens)
        end = replace(end, usage=usage)
        outcome = replace(outcome, end=end)
    tokens = end.usage.prompt_tokens + end.usage.completion_tokens
    await lasting.keep(caller, asked, end, course.answered, Told(course.told, course.nonce, tokens))
    return outcome
