"""What is kept of an answer before its client has the end: the response, and what a conversation gets."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from continuity import History
from handlers.continuing import Told
from handlers.emulation import Emulated
from handlers.responses.past import ConversationPast, Past
from kept import ConversationFull, KeepingFailed, KeptResponse, ResponseStore
from translate.openai import ResponseDraft, ResponsesRequest, calls_in
from translate.values import AnswerEnd, JsonObject, Model, Place, objects_at, parsed_json
from turns import Answered, TurnOutcome

log = logging.getLogger("pandora")

MAX_CALLS: Final = 1000
"""Calls whose tools are remembered: the last ones."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what it follows. `items` are its own ones, with those in place that it only names.

    `history` has the fingerprints of a request that brings all that was said, None of any other.
    """

    request: ResponsesRequest
    model: Model
    items: tuple[JsonObject, ...]
    past: Past | None
    history: History | None = None

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

    def told(self, past: Past | None, tokens: int) -> Told:
        """What the conversation of the answer was told so far, by now or before."""
        before = past.standing if past is not None and self.place is not None else None
        earlier = past.standing if past is not None else None
        return Told(
            self.emulated.told or (before.told if before is not None else ""),
            self.emulated.nonce or (earlier.nonce if earlier is not None else ""),
            tokens,
        )


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
        response = without_pictures(parsed_json(draft.finished(end)))
        answered = course.answered
        went_on = asked.past.standing if asked.past is not None and course.place is not None else None
        told = course.told(asked.past, draft.tokens(end.usage))
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
            told=told.told,
            nonce=told.nonce,
            calls={},
            tokens=told.tokens,
        )
        calls = {**asked.called, **calls_in(asked.items), **calls_in(record.output)}
        return record.with_calls(dict(list(calls.items())[-MAX_CALLS:]))


def without_pictures(response: JsonObject) -> JsonObject:
    """The response as it is kept: pictures are megabytes each, and are shown once."""
    for item in objects_at(response, "output"):
        if item.get("type") == "image_generation_call":
            item["result"] = None
    return response
