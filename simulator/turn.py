"""One turn being planned: the steps that every kind of turn is made of."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.ages import Age
from simulator.answers import title_for
from simulator.answers.prompt import Prompt
from simulator.conversations import NEW_TITLE, Conversation
from simulator.faults import FAULTS
from simulator.knobs import Knobs
from simulator.messages import JsonObject, Message, code_content, new_id, text_content
from simulator.request import ConversationRequest
from simulator.steps import Begin, Break, Grow, Note, Pause, Revise, Step
from simulator.tokens import pieces_of, split_tokens

UNKNOWN_RECORDS: tuple[JsonObject, ...] = (
    {},
    {"type": "sim_future_record", "payload": {"message": "not one"}},
    {"conversation_id": "00000000-0000-0000-0000-000000000000"},
    {
        "type": "url_moderation",
        "url_moderation_result": {"full_url": "https://example.com/", "is_safe": True},
    },
)

Interlude = tuple[float, list[Step]]  # where in the answer (0 to 1), and what comes there


@dataclass(slots=True)
class Turn:
    """What a kind of turn plans with. ``clock`` gives Unix seconds; ``parent_id``: last message so far."""

    request: ConversationRequest
    knobs: Knobs
    age: Age
    conversation: Conversation
    prompt: Prompt
    clock: Callable[[], float]
    rng: random.Random
    parent_id: str = ""

    def prelude(self) -> Iterator[Step]:
        """The hidden system message, then the echo of every message sent, with the ids sent."""
        done: JsonObject = {"status": "finished_successfully"}
        yield self._begin("system", text_content(""), end_turn=True, weight=0.0, **done)
        for sent in self.request.messages:
            metadata = {**sent.metadata, "timestamp_": "absolute", "message_type": None}
            known: JsonObject = {"id": sent.id, "name": sent.name, "metadata": metadata}
            yield self._begin(sent.role, sent.content, recipient=sent.recipient, **known, **done)

    def say(self, text: str) -> Iterator[Step]:
        """An assistant message for the user that is not the last of its turn."""
        begin = self.begin_assistant(text_content(""))
        yield begin
        yield self.grow(begin.message.id, text)
        yield self.finish(begin.message.id, end_turn=False)

    def call(self, recipient: str, code: str, language: str) -> Iterator[Step]:
        """The assistant calls a tool; ``language`` is python, json or unknown."""
        begin = self.begin_assistant(code_content("", language), recipient=recipient)
        yield begin
        yield self.grow(begin.message.id, code)
        yield self.finish(begin.message.id, end_turn=False)

    def answer(self, text: str) -> Iterator[Step]:
        """The last message of the turn: empty, growing with all that comes in between, finished."""
        begin = self.begin_assistant(text_content(""))
        message_id = begin.message.id
        text, rest = self._cut_by_length(text)
        if rest:
            self.conversation.rest[message_id] = rest
        yield begin
        yield from self._grow_with_interludes(message_id, text)
        if self.knobs.moderation == "passed":
            yield self._moderation(message_id, blocked=False)
        if self.knobs.finished if self.knobs.finished is not None else self.age.finished:
            yield self.finish(message_id, end_turn=not rest, how=self.knobs.finish)

    def begin_assistant(self, content: JsonObject, **fields: Any) -> Begin:
        """A new assistant message."""
        metadata = {"message_type": self.request.action, "model_slug": self.request.model}
        return self._begin("assistant", content, metadata=metadata | {"parent_id": self.parent_id}, **fields)

    def grow(self, message_id: str, text: str) -> Grow:
        """All of ``text``, in pieces as the knobs want them."""
        return Grow(message_id, *pieces_of(text, self.knobs.step, self.knobs.unit))

    def finish(self, message_id: str, *, end_turn: bool, how: str = "stop") -> Revise:
        """The end of an assistant message; ``how`` is stop, max_tokens or interrupted."""
        whole = how == "stop"
        changes: JsonObject = {
            "status": "finished_successfully" if whole else "finished_partial_completion",
            "end_turn": end_turn,
            "metadata": {"finish_details": self._finish_details(how), "is_complete": True},
        }
        return Revise(message_id, changes)

    def _begin(self, role: str, content: JsonObject, **fields: Any) -> Begin:
        message = Message(role=role, content=content, create_time=round(self.clock(), 6), **fields)
        self.parent_id = message.id
        return Begin(message)

    def _finish_details(self, how: str) -> JsonObject:
        return self.age.stop if how == "stop" else {"type": how}

    def _cut_by_length(self, text: str) -> tuple[str, str]:
        """With ``finish=max_tokens`` an answer stops half way; the rest is for a ``continue``."""
        if self.knobs.finish != "max_tokens" or self.request.action == "continue":
            return text, ""
        tokens = split_tokens(text)
        half = (len(tokens) + 1) // 2
        return "".join(tokens[:half]), "".join(tokens[half:])

    def _grow_with_interludes(self, message_id: str, text: str) -> Iterator[Step]:
        grow = self.grow(message_id, text)
        total = len(grow.pieces)
        done = 0
        for fraction, steps in sorted(
            self._interludes(message_id, total), key=lambda interlude: interlude[0]
        ):
            here = min(total, max(1, round(fraction * total)))
            if here > done:
                yield Grow(message_id, grow.pieces[done:here], grow.tokens)
                done = here
            yield from steps
            if self.knobs.moderation == "blanked" and any(isinstance(step, Revise) for step in steps):
                return
        if done < total:
            yield Grow(message_id, grow.pieces[done:], grow.tokens)

    def _interludes(self, message_id: str, total: int) -> Iterator[Interlude]:
        """What comes between the pieces of an answer."""
        knobs = self.knobs
        if knobs.title and self.conversation.title == NEW_TITLE and not self.conversation.temporary:
            yield 0.3, [self._title()]
        if knobs.unknown:
            for index, record in enumerate(UNKNOWN_RECORDS):
                yield 0.2 * (index + 1), [Note(record)]
        if knobs.silence:
            yield 0.5, [Pause(knobs.silence)]
        fault = FAULTS.get(knobs.fault)
        if fault and fault.place == "mid":
            # Whatever the language, the next piece has a character to be cut.
            cut = [Grow(message_id, ("é🙂",))] if fault.action == "cut_character" else []
            yield 0.5, [Break(fault), *cut]
        if knobs.moderation == "blocked":
            yield 0.6, [self._moderation(message_id, blocked=True)]
        if knobs.moderation == "blanked":
            emptied = Revise(message_id, {"content": text_content("")})
            yield 0.6, [self._moderation(message_id, blocked=True), emptied]
        if self.age.early_finish:
            early = {"metadata": {"finish_details": self._finish_details(knobs.finish)}}
            yield max(0.0, 1 - self.age.early_finish / total), [Revise(message_id, early, quiet=True)]

    def _title(self) -> Note:
        self.conversation.title = title_for(self.prompt)
        record = {"type": "title_generation", "title": self.conversation.title}
        return Note({**record, "conversation_id": self.conversation.id})

    def _moderation(self, message_id: str, *, blocked: bool) -> Note:
        kind = {"type": "moderation"} if self.age.typed_moderation else {}
        return Note(
            {
                **kind,
                "conversation_id": self.conversation.id,
                "message_id": message_id,
                "is_completion": True,
                "moderation_response": {
                    "flagged": blocked,
                    "blocked": blocked,
                    "moderation_id": f"modr-{new_id()}",
                },
            }
        )
