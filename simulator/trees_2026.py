"""Stored conversations as the backend of 2026 shows them to those who poll (protocol notes, section 20.7)."""

from simulator.conversations import Conversation, Node
from simulator.messages import JsonObject
from simulator.models_2026 import DEFAULT_MODEL
from simulator.protocol_versions import PROTOCOL_VERSIONS, message_json

STREAMING = 3
"""The `async_status` of a conversation whose turn runs."""


def tree_json(conversation: Conversation, *, is_running: bool) -> JsonObject:
    """The answer of GET conversation/{cid}: messages are missing until they are finished."""
    shown = _shown_nodes(conversation)
    return {
        "title": conversation.title,
        "create_time": conversation.create_time,
        "update_time": conversation.update_time,
        "mapping": {node.id: _node_json(node, shown) for node in shown.values()},
        "moderation_results": [],
        "current_node": _current(conversation, shown),
        "conversation_id": conversation.id,
        "is_archived": False,
        "default_model_slug": DEFAULT_MODEL,
        "async_status": STREAMING if is_running else conversation.async_status,
        "safe_urls": [],
        "is_do_not_remember": False,
    }


def page_json(conversation: Conversation, turns: int, *, is_running: bool) -> JsonObject:
    """The answer of GET conversations/{cid}: the last `turns` turns of the path to the current node."""
    shown = _shown_nodes(conversation)
    path: list[Node] = []
    node_id: str | None = _current(conversation, shown)
    while node_id is not None:
        node = shown[node_id]
        path.append(node)
        node_id = node.parent
    messages = [node.message for node in reversed(path) if node.message]
    starts = [index for index, message in enumerate(messages) if message.role == "user"]
    first = starts[-turns] if 0 < turns <= len(starts) else 0
    version = PROTOCOL_VERSIONS["2026"]
    return {
        "conversation_id": conversation.id,
        "title": conversation.title,
        "messages": [message_json(message, version) for message in messages[first:]],
        "current_node": _current(conversation, shown),
        "async_status": STREAMING if is_running else conversation.async_status,
        "page_info": {
            "start_cursor": messages[first].id if messages else None,
            "has_previous_page": 0 < turns < len(starts),
        },
    }


def _shown_nodes(conversation: Conversation) -> dict[str, Node]:
    """By id, parents first: all but unfinished messages and those behind one."""
    shown: dict[str, Node] = {}
    for node in conversation.nodes.values():
        has_place = node.parent is None or node.parent in shown
        if has_place and (node.message is None or node.message.status != "in_progress" or _is_a_task(node)):
            shown[node.id] = node
    return shown


def _is_a_task(node: Node) -> bool:
    """Whether it is shown although it is not finished: a picture while it is drawn, a status card."""
    return node.message is not None and "async_task_type" in node.message.metadata


def _current(conversation: Conversation, shown: dict[str, Node]) -> str:
    node = conversation.nodes[conversation.current_node]
    while node.id not in shown and node.parent is not None:
        node = conversation.nodes[node.parent]
    return node.id


def _node_json(node: Node, shown: dict[str, Node]) -> JsonObject:
    message = message_json(node.message, PROTOCOL_VERSIONS["2026"]) if node.message else None
    children = [child for child in node.children if child in shown]
    return {"id": node.id, "message": message, "parent": node.parent, "children": children}
