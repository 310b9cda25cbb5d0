"""Turns of GPTs with Actions: a call that needs the user's consent, and what follows the user's decision.

The messages are those of the protocol notes, section 11.
"""

import hashlib
import json
from collections.abc import Iterator

from simulator.conversations import PendingAction
from simulator.final_answer import final_answer
from simulator.messages import JsonObject, code_content, text_content
from simulator.refusals import Refused, invalid
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

DOMAIN = "api.example.com"
OPERATION = "getItem"
TOOL = "api_example_com__jit_plugin.getItem"


def action(turn: Turn) -> Iterator[TurnStep]:
    """The call, and the question whether it may be made, unless it is always allowed."""
    params = {"q": turn.prompt.topic}
    yield from turn.tool_call(TOOL, json.dumps(params, ensure_ascii=False), "json")
    pending = PendingAction(turn.parent_id, _operation_hash(), params)
    if pending.operation_hash in turn.allowed_operations:
        yield from _result(turn, pending)
        return
    question = turn.start_tool_message(
        TOOL, text_content(""), metadata=_from_server("confirm_action", _confirmation(pending))
    )
    turn.conversation.pending_actions[question.message.id] = pending
    yield question


def oauth(turn: Turn) -> Iterator[TurnStep]:
    """The call, and the demand that the user logs in; the turn ends there."""
    yield from turn.tool_call(TOOL, json.dumps({"q": turn.prompt.topic}, ensure_ascii=False), "json")
    body = {"domain": DOMAIN, "operation": OPERATION, "redirect_uri": f"https://{DOMAIN}/oauth/authorize"}
    yield turn.start_tool_message(TOOL, text_content(""), metadata=_from_server("oauth_required", body))


def reply(turn: Turn, user_action: JsonObject) -> Iterator[TurnStep]:
    """What follows the user's decision. Raises Refused (422) when no call waits for it."""
    pending = turn.conversation.pending_actions.get(turn.request.parent_message_id)
    if pending is None or user_action["target_message_id"] != pending.target_message_id:
        raise Refused(invalid([(["messages", 0, "metadata"], "no action waits for this", "value_error")]))
    return _after_decision(turn, pending, user_action["type"])


def _after_decision(turn: Turn, pending: PendingAction, decision: str) -> Iterator[TurnStep]:
    turn.conversation.pending_actions.pop(turn.request.parent_message_id, None)
    if decision == "deny":
        metadata = _from_server("denied_by_user", {"domain": DOMAIN, "operation": OPERATION})
        yield turn.start_tool_message(TOOL, text_content("The user denied the call."), metadata=metadata)
        denied = turn.prompt.localized("All right, I did not call it.", "好的，我没有调用它。")
        yield from final_answer(turn, denied)
        return
    if decision == "always_allow":
        turn.allowed_operations.add(pending.operation_hash)
    yield from _result(turn, pending)


def user_decision(metadata: JsonObject) -> JsonObject | None:
    """`type` (allow, always_allow, deny) and `target_message_id` in a message's metadata; None if absent.

    The form of 2023 has them nested, that of 2024 does not.
    """
    given = metadata.get("jit_plugin_data", {}).get("from_client")
    if not isinstance(given, dict):
        return None
    nested = given.get("user_action")
    if isinstance(nested, dict):
        given = {**nested, "type": nested.get("data", {}).get("type")}
    if given.get("type") not in ("allow", "always_allow", "deny") or "target_message_id" not in given:
        return None
    return given


def _result(turn: Turn, pending: PendingAction) -> Iterator[TurnStep]:
    invoked = {
        "type": "remote",
        "namespace": TOOL.split(".")[0],
        "plugin_id": "plugin-simulated",
        "http_response_status": 200,
    }
    content = code_content(json.dumps({"item": pending.params["q"], "price": 42}, ensure_ascii=False), "json")
    yield turn.start_tool_message(TOOL, content, metadata={"invoked_plugin": invoked})
    item = pending.params["q"]
    yield from final_answer(
        turn, turn.prompt.localized(f"The API says that {item} costs 42.", f"接口返回：{item}的价格是 42。")
    )


def _confirmation(pending: PendingAction) -> JsonObject:
    target = {"target_message_id": pending.target_message_id}
    always = {**target, "operation_hash": pending.operation_hash}
    return {
        "domain": DOMAIN,
        "method": "get",
        "path": "/item",
        "operation": OPERATION,
        "params": pending.params,
        "privacy_policy": f"https://{DOMAIN}/privacy",
        "actions": [
            {"name": "allow", "type": "allow", "allow": target},
            {"name": "always_allow", "type": "always_allow", "always_allow": always},
            {"name": "deny", "type": "deny", "deny": target},
        ],
    }


def _from_server(kind: str, body: JsonObject) -> JsonObject:
    return {"jit_plugin_data": {"from_server": {"type": kind, "body": body}}}


def _operation_hash() -> str:
    return hashlib.sha256(f"{DOMAIN} {OPERATION}".encode()).hexdigest()[:16]
