"""One turn of a conversation while it is planned, and the steps that every kind of turn is made of."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.agents import Instructions
from simulator.answers import Prompt
from simulator.conversations import Conversation
from simulator.exchange import Exchange
from simulator.files import FileStore, IdScheme, StoredFile
from simulator.gizmos import Gizmo
from simulator.knobs import Knobs
from simulator.limits import FeatureLimits
from simulator.messages import JsonObject, Message, code_content, text_content
from simulator.protocol_versions import ProtocolVersion
from simulator.request import ConversationRequest
from simulator.tokens import split_pieces
from simulator.turn_steps import AppendText, Pause, StartMessage, TurnStep, UpdateMessage

FINISHED: JsonObject = {"status": "finished_successfully"}


@dataclass(slots=True, kw_only=True)
class Turn:
    """What is known of a turn, and methods that make its steps.

    `clock` gives Unix seconds. `parent_id` is the id of the last message so far: a turn is a chain of parents
    (protocol notes, section 7.1). `exchange` is that of a turn of 2026. `asked` is what the prompt tells of
    tools and JSON, `habit` how the model heeds it. `is_answered` becomes true when the final answer is
    planned.
    """

    key: str
    request: ConversationRequest
    knobs: Knobs
    version: ProtocolVersion
    dialect: str
    conversation: Conversation
    prompt: Prompt
    gizmo: Gizmo | None
    files: FileStore
    allowed_operations: set[str]
    clock: Callable[[], float]
    rng: random.Random
    limits: FeatureLimits
    asked: Instructions
    habit: str
    exchange: Exchange | None = None
    parent_id: str = ""
    is_answered: bool = False
    _accepted: list[StartMessage] = field(default_factory=list, init=False)

    @property
    def of_2026(self) -> Exchange:
        """The exchange. Raises ValueError in a turn of an older age."""
        if self.exchange is None:
            raise ValueError("only a turn of 2026 has an exchange")
        return self.exchange

    def accept_messages(self) -> list[StartMessage]:
        """Keep the messages sent in the conversation; the steps that echo them (protocol notes, section 7.2).

        The hidden system message comes first; the echoes have the ids sent. A second call keeps nothing anew.
        """
        if not self._accepted:
            self.conversation.visible = True
            if self.request.conversation_id:
                self.conversation.current_node = self.request.parent_message_id
            self.conversation.knobs, self.conversation.reads = self.knobs, 0
            self.conversation.is_of_2026 = self.version.is_2026
            self._accepted = list(self._echoes())
            for step in self._accepted:
                self.conversation.apply(step)
        return self._accepted

    def assistant_text(self, text: str) -> Iterator[TurnStep]:
        """An assistant message for the user that is not the last one of its turn."""
        start = self.start_assistant_message(text_content(""))
        yield start
        yield self.append_text(start.message.id, text)
        yield self.finish_message(start.message.id, end_turn=False)

    def tool_call(self, recipient: str, code: str, language: str) -> Iterator[TurnStep]:
        """The assistant calls a tool; `language` is python, json or unknown."""
        start = self.start_assistant_message(code_content("", language), recipient=recipient)
        yield start
        yield self.append_text(start.message.id, code)
        yield self.finish_message(start.message.id, end_turn=False)
        if self.knobs.tool_delay:
            yield Pause(self.knobs.tool_delay)

    def start_assistant_message(self, content: JsonObject, **fields: Any) -> StartMessage:
        """A new assistant message; `fields` are those of `Message`, `metadata` is added to the usual one."""
        if self.version.thinks and "channel" not in fields:
            fields["channel"] = "commentary" if "recipient" in fields else "final"
        metadata = {**self._metadata(), **fields.pop("metadata", {})}
        return self._start("assistant", content, metadata=metadata, **fields)

    def start_tool_message(
        self, name: str, content: JsonObject, *, running: bool = False, **fields: Any
    ) -> StartMessage:
        """A tool message, finished at once unless `running`; `metadata` is added to the usual one."""
        metadata = {**self._metadata(), **fields.pop("metadata", {})}
        if self.exchange:
            self.exchange.tool_name = self.exchange.tool_name or name
        status = {} if running else FINISHED
        return self._start("tool", content, name=name, metadata=metadata, **status, **fields)

    def append_text(self, message_id: str, text: str) -> AppendText:
        """All of `text`, in pieces as the knobs `step` and `unit` have them."""
        return AppendText(message_id, *split_pieces(text, self.knobs.step, self.knobs.unit))

    def finish_message(self, message_id: str, *, end_turn: bool, reason: str = "stop") -> UpdateMessage:
        """The end of an assistant message; `reason` is stop, max_tokens or interrupted."""
        changes: JsonObject = {
            "status": "finished_successfully" if reason == "stop" else "finished_partial_completion",
            "end_turn": end_turn,
            "metadata": {"finish_details": self.finish_details(reason), "is_complete": True},
        }
        return UpdateMessage(message_id, changes)

    def finish_details(self, reason: str) -> JsonObject:
        """The metadata of that name, as the protocol version writes it."""
        return self.version.stop_details if reason == "stop" else {"type": reason}

    def store_file(self, name: str, content: bytes, *, sediment: bool = False) -> StoredFile:
        """A file made in this turn; `sediment`: with an id as in 2025 (protocol notes, section 8.5)."""
        scheme: IdScheme = "file-service"
        if sediment:
            scheme = "sediment 2026" if self.version.is_2026 else "sediment"
        return self.files.store_generated(self.key, name, content, self.knobs, scheme)

    def _echoes(self) -> Iterator[StartMessage]:
        weight = self.version.system_message_weight
        yield self._start("system", text_content(""), end_turn=True, weight=weight, **FINISHED)
        if self.knobs.instructions:
            yield self._start("user", _custom_instructions(), metadata=_INSTRUCTIONS_METADATA, **FINISHED)
        for sent in self.request.messages:
            metadata = {**sent.metadata, "timestamp_": "absolute", "message_type": None}
            given: JsonObject = {"id": sent.id, "name": sent.name, "metadata": metadata}
            yield self._start(sent.role, sent.content, recipient=sent.recipient, **given, **FINISHED)

    def _metadata(self) -> JsonObject:
        metadata: JsonObject = {"message_type": self.request.action, "model_slug": self.request.model}
        if self.exchange:
            metadata |= self.exchange.message_metadata()
        if self.gizmo:
            metadata["gizmo_id"] = self.gizmo.id
        return metadata | {"parent_id": self.parent_id}

    def _start(self, role: str, content: JsonObject, **fields: Any) -> StartMessage:
        message = Message(role=role, content=content, create_time=round(self.clock(), 6), **fields)
        self.parent_id = message.id
        return StartMessage(message)


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
