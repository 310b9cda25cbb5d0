"""What comes after the stream of a turn: pictures, reports (protocol notes, sections 20.6 and 20.7)."""

import asyncio

from simulator.conversations import Conversation
from simulator.live_turns import LiveTurn
from simulator.messages import JsonObject
from simulator.protocol_versions import PROTOCOL_VERSIONS, message_json
from simulator.user_sockets import UserSockets

IN_BACKGROUND, UNREAD = 7, 4
"""Values of `async_status`: a task runs; all is done and waits to be read."""


async def run_later(live: LiveTurn, conversation: Conversation, sockets: UserSockets) -> None:
    """Apply the later changes of a turn at their times, and tell the account's sockets of each."""
    if not live.exchange.later:
        return
    conversation.async_status = IN_BACKGROUND
    try:
        await _apply(live, conversation, sockets)
    except asyncio.CancelledError:
        conversation.async_status = None
        sockets.publish(live.key, _update(conversation.id, "stop", {}))
        raise
    conversation.async_status = UNREAD
    done = {"conversation_async_status": UNREAD}
    sockets.publish(live.key, _update(conversation.id, "set-conversation-async-status", done))


async def _apply(live: LiveTurn, conversation: Conversation, sockets: UserSockets) -> None:
    exchange = live.exchange
    if live.knobs.endless:
        await asyncio.Event().wait()
    version = PROTOCOL_VERSIONS[live.knobs.age]
    for later in exchange.later:
        await asyncio.sleep(later.delay)
        message = conversation.apply(later.step)
        content: JsonObject = {"async_task_id": exchange.task_id}
        if message:
            content["message"] = message_json(message, version)
        sockets.publish(live.key, _update(conversation.id, later.update, content))


def _update(conversation_id: str, kind: str, content: JsonObject) -> JsonObject:
    return {
        "type": "conversation-update",
        "payload": {"conversation_id": conversation_id, "update_type": kind, "update_content": content},
    }
