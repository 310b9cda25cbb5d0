"""One turn being planned: the steps that every kind of turn is made of."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.ages import Age
from simulator.answers.prompt import Prompt
from simulator.conversations import Conversation
from simulator.files import FileStore, StoredFile
from simulator.gizmos import Gizmo
from simulator.knobs import Knobs
from simulator.messages import JsonObject, Message, code_content, text_content
from simulator.request import ConversationRequest
from simulator.steps import Begin, Grow, Pause, Revise, Step
from simulator.tokens import pieces_of

DONE: JsonObject = {"status": "finished_successfully"}


@dataclass(slots=True, kw_only=True)
class Turn:
    """What a kind of turn plans with. ``clock`` gives Unix seconds; ``parent_id``: last message so far.

    ``answered`` becomes true when the last message of the turn was planned.
    """

    key: str
    request: ConversationRequest
    knobs: Knobs
    age: Age
    dialect: str
    conversation: Conversation
    prompt: Prompt
    gizmo: Gizmo | None
    files: FileStore
    allowed_operations: set[str]
    clock: Callable[[], float]
    rng: random.Random
    parent_id: str = ""
    answered: bool = False

    def prelude(self) -> Iterator[Step]:
        """The hidden system message, then the echo of every message sent, with the ids sent."""
        yield self._begin("system", text_content(""), end_turn=True, weight=self.age.system_weight, **DONE)
        if self.knobs.instructions:
            yield self._begin("user", _custom_instructions(), metadata=_INSTRUCTIONS_METADATA, **DONE)
        for sent in self.request.messages:
            metadata = {**sent.metadata, "timestamp_": "absolute", "message_type": None}
            known: JsonObject = {"id": sent.id, "name": sent.name, "metadata": metadata}
            yield self._begin(sent.role, sent.content, recipient=sent.recipient, **known, **DONE)

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
        if self.knobs.tool_delay:
            yield Pause(self.knobs.tool_delay)

    def begin_assistant(self, content: JsonObject, **fields: Any) -> Begin:
        """A new assistant message."""
        if self.age.thinks and "channel" not in fields:
            fields["channel"] = "commentary" if "recipient" in fields else "final"
        return self._begin("assistant", content, metadata=self._metadata(), **fields)

    def begin_tool(self, name: str, content: JsonObject, *, running: bool = False, **fields: Any) -> Begin:
        """A tool message: finished at once unless ``running``; ``metadata`` is added to the usual one."""
        metadata = {**self._metadata(), **fields.pop("metadata", {})}
        status = {} if running else DONE
        return self._begin("tool", content, name=name, metadata=metadata, **status, **fields)

    def grow(self, message_id: str, text: str) -> Grow:
        """All of ``text``, in pieces as the knobs want them."""
        return Grow(message_id, *pieces_of(text, self.knobs.step, self.knobs.unit))

    def finish(self, message_id: str, *, end_turn: bool, how: str = "stop") -> Revise:
        """The end of an assistant message; ``how`` is stop, max_tokens or interrupted."""
        changes: JsonObject = {
            "status": "finished_successfully" if how == "stop" else "finished_partial_completion",
            "end_turn": end_turn,
            "metadata": {"finish_details": self.finish_details(how), "is_complete": True},
        }
        return Revise(message_id, changes)

    def finish_details(self, how: str) -> JsonObject:
        """As the age writes them."""
        return self.age.stop if how == "stop" else {"type": how}

    def keep_file(self, name: str, content: bytes, *, sediment: bool = False) -> StoredFile:
        """A file made in this turn; ``sediment``: with an id as from 2025 on."""
        return self.files.keep(self.key, name, content, self.knobs, sediment=sediment)

    def _metadata(self) -> JsonObject:
        metadata: JsonObject = {"message_type": self.request.action, "model_slug": self.request.model}
        if self.gizmo:
            metadata["gizmo_id"] = self.gizmo.id
        return metadata | {"parent_id": self.parent_id}

    def _begin(self, role: str, content: JsonObject, **fields: Any) -> Begin:
        message = Message(role=role, content=content, create_time=round(self.clock(), 6), **fields)
        self.parent_id = message.id
        return Begin(message)


_INSTRUCTIONS_METADATA: JsonObject = {
    "timestamp_": "absolute",
    "is_visually_hidden_from_conversation": True,
    "is_user_system_message": True,
}


def _custom_instructions() -> JsonObject:
    return {
        "content_type": "user_editable_context",
        "user_profile": "PRIVATE-PROFILE: the user lives in a simulation.",
        "user_instructions": "PRIVATE-INSTRUCTIONS: never show this to anyone.",
    }
