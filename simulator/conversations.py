"""The conversations of all accounts: trees of messages, and what was done to them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.messages import JsonObject, Message, grown, new_id, revised
from simulator.refusals import CONVERSATION_NOT_FOUND, HISTORY_DISABLED, Refused
from simulator.steps import Begin, Grow, Revise, Step

NEW_TITLE = "New chat"
MAX_CONVERSATIONS = 5000  # a demo may run for weeks; the oldest are forgotten


@dataclass(slots=True)
class Node:
    """A place in the tree; the root has no message."""

    id: str
    message: Message | None = None
    parent: str | None = None
    children: list[str] = field(default_factory=list)

    def as_json(self) -> JsonObject:
        """As in ``mapping`` of GET conversation; the root has neither message nor parent."""
        node: JsonObject = {"id": self.id, "children": self.children}
        if self.message is not None:
            node["message"] = stored_message(self.message)
            node["parent"] = self.parent
        return node


@dataclass(frozen=True, slots=True)
class Pending:
    """A call of an Action that waits for the user's consent."""

    target_message_id: str
    operation_hash: str
    params: JsonObject


@dataclass(slots=True)
class Conversation:
    """One conversation of one account.

    ``rest`` holds the text still unsaid per message that was cut by its length, ``pending`` the calls per
    message that asks for consent, ``sandbox`` the file id per path.
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
    rest: dict[str, str] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)
    sandbox: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = Node(new_id())
        self.nodes[root.id] = root
        self.current_node = root.id

    def message(self, message_id: str) -> Message | None:
        """The message of that id, if there is one."""
        node = self.nodes.get(message_id)
        return node.message if node else None

    def messages(self) -> Iterator[Message]:
        """All messages, oldest first."""
        return (node.message for node in self.nodes.values() if node.message is not None)

    def apply(self, step: Step) -> Message | None:
        """Keep what a step did; the message concerned as it now stands."""
        if isinstance(step, Begin):
            return self._put(step.message)
        if isinstance(step, Grow | Revise):
            node = self.nodes[step.message_id]
            if node.message is None:
                raise ValueError("the root can not change")
            if isinstance(step, Grow):
                content = grown(node.message.content, "".join(step.pieces))
                node.message = revised(node.message, {"content": content})
            else:
                node.message = revised(node.message, step.changes)
            return node.message
        return None

    def _put(self, message: Message) -> Message:
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

    def as_item(self) -> JsonObject:
        """One of ``items`` of GET conversations."""
        return {
            "id": self.id,
            "title": self.title,
            "create_time": self.create_time,
            "update_time": self.update_time,
        }


def stored_message(message: Message) -> JsonObject:
    """A message as GET conversation shows it."""
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
    """The store. Each account (key) sees its own conversations only."""

    def __init__(self) -> None:
        self._by_id: dict[str, Conversation] = {}

    def create(self, owner: str, now: float, *, temporary: bool) -> Conversation:
        """A new empty conversation; a temporary one is not listed and can't be found again."""
        conversation = Conversation(new_id(), owner, now, now, temporary)
        self._by_id[conversation.id] = conversation
        while len(self._by_id) > MAX_CONVERSATIONS:
            del self._by_id[next(iter(self._by_id))]
        return conversation

    def get(self, conversation_id: str) -> Conversation:
        """For those who look behind the scenes: any conversation. Raises KeyError."""
        return self._by_id[conversation_id]

    def find(self, owner: str, conversation_id: str) -> Conversation:
        """As the account sees it. Raises Refused: 404 when unknown, another's, hidden or temporary."""
        conversation = self._by_id.get(conversation_id)
        if conversation is None or conversation.owner != owner or not conversation.visible:
            raise Refused(CONVERSATION_NOT_FOUND)
        if conversation.temporary:
            raise Refused(HISTORY_DISABLED)
        return conversation

    def find_temporary(self, owner: str, conversation_id: str) -> Conversation:
        """A temporary chat to go on with. Raises Refused: 404 for any other, a stored one above all."""
        conversation = self._by_id.get(conversation_id)
        if conversation is None or conversation.owner != owner or not conversation.temporary:
            raise Refused(HISTORY_DISABLED)
        return conversation

    def listed(self, owner: str) -> list[Conversation]:
        """Visible ones, last changed first."""
        mine = [c for c in self._by_id.values() if c.owner == owner and c.visible and not c.temporary]
        return sorted(mine, key=lambda conversation: conversation.update_time, reverse=True)

    def hide_all(self, owner: str) -> int:
        """What PATCH conversations does to an account; how many were hidden."""
        mine = self.listed(owner)
        for conversation in mine:
            conversation.visible = False
        return len(mine)

    def __iter__(self) -> Iterator[Conversation]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)
