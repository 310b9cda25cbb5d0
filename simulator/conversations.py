"""The conversations of all accounts, as trees of messages (protocol notes, section 3)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.agents import Instructions
from simulator.knobs import Knobs
from simulator.messages import JsonObject, Message, new_id, with_appended_text, with_changes, with_edits
from simulator.refusals import CONVERSATION_NOT_FOUND, HISTORY_DISABLED, Refused
from simulator.turn_steps import AppendText, EditMessage, StartMessage, TurnStep, UpdateMessage

NEW_TITLE = "New chat"
MAX_CONVERSATIONS = 5000
"""Conversations that are kept, since a demo may run for weeks; the oldest are dropped."""

MAX_CHARACTERS = 64_000_000
"""Characters of posted messages in all conversations together; the oldest conversations are dropped."""
MAX_DISOBEDIENCE = 4
"""Answers of a conversation of which it is known what had been asked for."""


@dataclass(slots=True)
class Node:
    """A node of the tree; the root has no message."""

    id: str
    message: Message | None = None
    parent: str | None = None
    children: list[str] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        """A value of `mapping` in GET conversation; the root has neither `message` nor `parent`."""
        node: JsonObject = {"id": self.id, "children": self.children}
        if self.message is not None:
            node["message"] = _stored_message(self.message)
            node["parent"] = self.parent
        return node


@dataclass(frozen=True, slots=True)
class PendingAction:
    """A call of an Action that waits for the user's consent (protocol notes, section 11)."""

    target_message_id: str
    operation_hash: str
    params: JsonObject


@dataclass(frozen=True, slots=True)
class Disobedience:
    """An answer by a `habit`, and what was `asked`; `amends` as the knob."""

    habit: str
    amends: bool
    asked: Instructions


@dataclass(slots=True)
class Conversation:
    """One conversation of one account; times are in Unix seconds.

    `unsent_text` is by id of the message that was cut by its length, `pending_actions` by id of the message
    that asks for consent, `sandbox_files` has file ids by path, `textdocs` canvas documents by id. `knobs`
    are those of its last turn, `reads` counts how often it was read since; `async_status` is that of a task
    (protocol notes, section 20.2). `disobedience` is by id of the answer, of the last few ones; `posted`
    counts the characters of posted messages.
    """

    id: str
    owner: str
    create_time: float
    update_time: float
    temporary: bool = False
    title: str = NEW_TITLE
    visible: bool = True
    nodes: dict[str, Node] = field(default_factory=dict)
    current_node: str = ""
    unsent_text: dict[str, str] = field(default_factory=dict)
    pending_actions: dict[str, PendingAction] = field(default_factory=dict)
    sandbox_files: dict[str, str] = field(default_factory=dict)
    textdocs: dict[str, JsonObject] = field(default_factory=dict)
    knobs: Knobs | None = None
    is_of_2026: bool = False
    async_status: int | None = None
    reads: int = 0
    disobedience: dict[str, Disobedience] = field(default_factory=dict)
    posted: int = 0

    def __post_init__(self) -> None:
        root = Node(new_id())
        self.nodes[root.id] = root
        self.current_node = root.id

    def message(self, message_id: str) -> Message | None:
        """The message of that id, None if there is none."""
        node = self.nodes.get(message_id)
        return node.message if node else None

    def messages(self) -> Iterator[Message]:
        """All messages, the oldest first."""
        return (node.message for node in self.nodes.values() if node.message is not None)

    def branch(self, message_id: str) -> list[Message]:
        """The messages that lead to one, the oldest first, and itself. Raises Refused (404) without it."""
        if message_id not in self.nodes:
            raise Refused(CONVERSATION_NOT_FOUND)
        messages: list[Message] = []
        node: Node | None = self.nodes[message_id]
        while node is not None:
            messages += [node.message] if node.message else []
            node = self.nodes[node.parent] if node.parent else None
        return messages[::-1]

    def remember(self, message_id: str, disobedience: Disobedience) -> None:
        """Keep that an answer may not be what was asked for."""
        self.disobedience[message_id] = disobedience
        if len(self.disobedience) > MAX_DISOBEDIENCE:
            del self.disobedience[next(iter(self.disobedience))]

    def apply(self, step: TurnStep) -> Message | None:
        """Store what a step changes; the message concerned after the change, None for steps without one."""
        if isinstance(step, StartMessage):
            return self._store(step.message)
        if isinstance(step, AppendText | UpdateMessage | EditMessage):
            node = self.nodes[step.message_id]
            if node.message is None:
                raise ValueError("the root has no message to change")
            if isinstance(step, AppendText):
                content = with_appended_text(node.message.content, "".join(step.pieces))
                node.message = with_changes(node.message, {"content": content})
            elif isinstance(step, EditMessage):
                node.message = with_edits(node.message, step.edits)
            else:
                node.message = with_changes(node.message, step.changes)
            return node.message
        return None

    def interrupt(self) -> None:
        """End the messages that still grow, as a turn that was stopped leaves them."""
        changes = {
            "status": "finished_partial_completion",
            "metadata": {"finish_details": {"type": "interrupted"}},
        }
        for node in self.nodes.values():
            if node.message and node.message.status == "in_progress":
                node.message = with_changes(node.message, changes)

    def _store(self, message: Message) -> Message:
        node = self.nodes.get(message.id)
        if node is None:
            parent = message.metadata.get("parent_id") or self.current_node
            parent = parent if parent in self.nodes else self.current_node
            node = self.nodes[message.id] = Node(message.id, parent=parent)
            self.nodes[parent].children.append(message.id)
        node.message = message
        self.current_node = message.id
        return message

    def as_json(self) -> JsonObject:
        """The answer of GET conversation/{cid}."""
        return {
            "title": self.title,
            "create_time": self.create_time,
            "update_time": self.update_time,
            "mapping": {node.id: node.as_json() for node in self.nodes.values()},
            "moderation_results": [],
            "current_node": self.current_node,
            "is_archived": False,
            "safe_urls": [],
            "conversation_id": self.id,
        }

    def list_item_json(self) -> JsonObject:
        """One of the `items` of GET conversations."""
        return {
            "id": self.id,
            "title": self.title,
            "create_time": self.create_time,
            "update_time": self.update_time,
        }


def _stored_message(message: Message) -> JsonObject:
    return {
        "id": message.id,
        "author": {"role": message.role, "name": message.name, "metadata": {}},
        "create_time": message.create_time,
        "content": message.content,
        "status": message.status,
        "end_turn": message.end_turn,
        "weight": message.weight,
        "metadata": message.metadata,
        "recipient": message.recipient,
    }


class Conversations:
    """All conversations. Each account (key) sees its own only.

    Of more than `max_conversations`, and where they hold more than `max_characters` together, the oldest are
    dropped, and the lists of their accounts say so.
    """

    def __init__(
        self, max_conversations: int = MAX_CONVERSATIONS, max_characters: int = MAX_CHARACTERS
    ) -> None:
        self._max = max_conversations
        self._max_characters = max_characters
        self._characters = 0
        self._by_id: dict[str, Conversation] = {}
        self._incomplete: set[str] = set()

    def create(self, owner: str, now: float, *, temporary: bool) -> Conversation:
        """A new empty conversation; a temporary one is not listed and not found by `find`."""
        conversation = Conversation(new_id(), owner, now, now, temporary)
        self._by_id[conversation.id] = conversation
        self._make_room()
        return conversation

    def count(self, conversation: Conversation, characters: int) -> None:
        """Count what is posted in a conversation, which is the last one to be dropped from then on."""
        if self._by_id.pop(conversation.id, None):
            self._by_id[conversation.id] = conversation
            conversation.posted += characters
            self._characters += characters
            self._make_room()

    def _make_room(self) -> None:
        while len(self._by_id) > 1 and (
            len(self._by_id) > self._max or self._characters > self._max_characters
        ):
            dropped = self._by_id.pop(next(iter(self._by_id)))
            self._characters -= dropped.posted
            self._incomplete.add(dropped.owner)

    def find(self, owner: str, conversation_id: str) -> Conversation:
        """A stored conversation of the account.

        Raises Refused (404) for one that is unknown, hidden, temporary or of another account.
        """
        conversation = self._by_id.get(conversation_id)
        if conversation is None or conversation.owner != owner or not conversation.visible:
            raise Refused(CONVERSATION_NOT_FOUND)
        if conversation.temporary:
            raise Refused(HISTORY_DISABLED)
        return conversation

    def find_any(self, owner: str, conversation_id: str) -> Conversation:
        """A conversation of the account, temporary ones included. Raises Refused (404)."""
        conversation = self._by_id.get(conversation_id)
        if conversation is None or conversation.owner != owner or not conversation.visible:
            raise Refused(CONVERSATION_NOT_FOUND)
        return conversation

    def of_id(self, conversation_id: str) -> Conversation | None:
        """The conversation of that id, whoever has it; None if there is none."""
        return self._by_id.get(conversation_id)

    def find_temporary(self, owner: str, conversation_id: str) -> Conversation:
        """A temporary chat that goes on. Raises Refused (404) for any other conversation."""
        conversation = self._by_id.get(conversation_id)
        if conversation is None or conversation.owner != owner or not conversation.temporary:
            raise Refused(HISTORY_DISABLED)
        return conversation

    def listed(self, owner: str) -> list[Conversation]:
        """The visible ones of the account, the last changed first."""
        mine = [c for c in self._by_id.values() if c.owner == owner and c.visible and not c.temporary]
        return sorted(mine, key=lambda conversation: conversation.update_time, reverse=True)

    def misses_some(self, owner: str) -> bool:
        """Whether the account has had conversations that were dropped."""
        return owner in self._incomplete

    def hide_all(self, owner: str) -> None:
        """What PATCH conversations does to an account."""
        for conversation in self.listed(owner):
            conversation.visible = False

    def __iter__(self) -> Iterator[Conversation]:
        return iter(self._by_id.values())
