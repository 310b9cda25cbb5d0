"""What is kept of an answer before its client has the end: the response, and what a conversation gets."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import ujson

from handlers.emulation import Emulated
from handlers.responses.past import ConversationPast, Past
from kept import ConversationFull, KeepingFailed, KeptResponse, ResponseStore
from translate.openai import ResponseDraft, ResponsesRequest, calls_in
from translate.values import AnswerEnd, JsonObject, Model, Place, objects_at
from turns import Answered, TurnOutcome

log = logging.getLogger("pandora")

MAX_CALLS: Final = 1000
"""Calls whose tools are remembered: the last ones."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what it follows. `items` are its own ones, with those in place that it only names."""

    request: ResponsesRequest
    model: Model
    items: tuple[JsonObject, ...]
    past: Past | None

    @property
    def called(self) -> Mapping[str, str]:
        """The tools that were called before, by the ids of the calls."""
        return self.past.called if self.past is not None else {}


@dataclass(slots=True)
class Course:
    """How an answer is made: what the backend is told, and at which `place` of the account `home` if it goes
    on in a conversation that there was; then where the answer is.
    """

    emulated: Emulated
    place: Place | None = None
    home: str = ""
    answered: Answered | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """Call `keep` with the outcome of a good answer. `owner` stands for the caller."""

    store: ResponseStore
    owner: str
    asked: Asked
    course: Course
    draft: ResponseDraft

    async def keep(self, outcome: TurnOutcome) -> TurnOutcome:
        """Keep the response, add what was said to its conversation; if that fails, the response says so."""
        if outcome.end is None:
            return outcome
        record = self._record(outcome.end)
        if isinstance(past := self.asked.past, ConversationPast):
            await self._add(record, past)
        if not self.draft.store:
            return outcome
        try:
            await self.store.put(record)
        except KeepingFailed as error:
            log.error("a response could not be kept: %s", error)
            self.draft.store = False
        return outcome

    async def _add(self, record: KeptResponse, past: ConversationPast) -> None:
        kept, said = past.kept, (*record.input, *record.output)
        try:
            self.draft.added = await self.store.conversations.append(
                self.owner, kept.id, said, record.standing, kept.version
            )
        except KeepingFailed as error:
            log.error("an answer could not be added to its conversation: %s", error)
            self.draft.added = False
        except ConversationFull:
            self.draft.added = False

    def _record(self, end: AnswerEnd) -> KeptResponse:
        asked, course, draft = self.asked, self.course, self.draft
        response = without_pictures(ujson.loads(draft.finished(end)))
        emulated, answered = course.emulated, course.answered
        earlier = asked.past.standing if asked.past is not None else None
        went_on = earlier if course.place is not None else None
        record = KeptResponse(
            id=str(response["id"]),
            owner=self.owner,
            at=time.time(),
            previous_id=asked.request.previous_id,
            conversation=asked.request.conversation,
            model=asked.model.name,
            gizmo=asked.model.gizmo_id,
            response=response,
            input=asked.items,
            account=answered.home if answered is not None else "",
            conversation_id=answered.conversation_id if answered is not None else "",
            message_id=answered.message_id if answered is not None else "",
            instructions=asked.request.instructions or (went_on.instructions if went_on is not None else ""),
            told=emulated.told or (went_on.told if went_on is not None else ""),
            nonce=emulated.nonce or (earlier.nonce if earlier is not None else ""),
            calls={},
            tokens=draft.tokens(end.usage),
        )
        calls = {**asked.called, **calls_in(asked.items), **calls_in(record.output)}
        return record.with_calls(dict(list(calls.items())[-MAX_CALLS:]))


def without_pictures(response: JsonObject) -> JsonObject:
    """The response as it is kept: pictures are megabytes each, and are shown once."""
    for item in objects_at(response, "output"):
        if item.get("type") == "image_generation_call":
            item["result"] = None
    return response
