"""Turns of GPTS with Actions: a call that needs the user's consent, and what follows the user's word."""

import hashlib
import json
from collections.abc import Iterator

from simulator.answering import answer
from simulator.conversations import Pending
from simulator.messages import JsonObject, code_content, text_content
from simulator.refusals import Refused, invalid
from simulator.steps import Step
from simulator.turn import Turn

DOMAIN = "api.example.com"
OPERATION = "getItem"
TOOL = "api_example_com__jit_plugin.getItem"


def action(turn: Turn) -> Iterator[Step]:
    """The call, and the question whether it may be made; straight on when that was always allowed."""
    params = {"q": turn.prompt.topic}
    yield from turn.call(TOOL, json.dumps(params, ensure_ascii=False), "json")
    pending = Pending(turn.parent_id, _operation_hash(), params)
    if pending.operation_hash in turn.allowed_operations:
        yield from _result(turn, pending)
        return
    asks = turn.begin_tool(
        TOOL, text_content(""), metadata=_from_server("confirm_action", _confirmation(pending))
    )
    turn.conversation.pending[asks.message.id] = pending
    yield asks


def oauth(turn: Turn) -> Iterator[Step]:
    """The Action wants the user to log in, which nobody can do for them."""
    yield from turn.call(TOOL, json.dumps({"q": turn.prompt.topic}, ensure_ascii=False), "json")
    body = {"domain": DOMAIN, "operation": OPERATION, "redirect_uri": f"https://{DOMAIN}/oauth/authorize"}
    yield turn.begin_tool(TOOL, text_content(""), metadata=_from_server("oauth_required", body))


def reply(turn: Turn, user_action: JsonObject) -> Iterator[Step]:
    """After the user's word: allow, always_allow or deny. Raises Refused (422) when nothing waited for it."""
    pending = turn.conversation.pending.get(turn.request.parent_message_id)
    if pending is None or user_action["target_message_id"] != pending.target_message_id:
        raise Refused(invalid([(["messages", 0, "metadata"], "no action waits for this", "value_error")]))
    return _after_consent(turn, pending, user_action["type"])


def _after_consent(turn: Turn, pending: Pending, word: str) -> Iterator[Step]:
    turn.conversation.pending.pop(turn.request.parent_message_id, None)
    if word == "deny":
        metadata = _from_server("denied_by_user", {"domain": DOMAIN, "operation": OPERATION})
        yield turn.begin_tool(TOOL, text_content("The user denied the call."), metadata=metadata)
        denied = turn.prompt.either("All right, I did not call it.", "好的，我没有调用它。")
        yield from answer(turn, denied)
        return
    if word == "always_allow":
        turn.allowed_operations.add(pending.operation_hash)
    yield from _result(turn, pending)


def consent_in(metadata: JsonObject) -> JsonObject | None:
    """``{type, target_message_id}`` in sent metadata, in the form of 2023 or 2024; None if absent."""
    given = metadata.get("jit_plugin_data", {}).get("from_client")
    if not isinstance(given, dict):
        return None
    nested = given.get("user_action")
    if isinstance(nested, dict):
        given = {**nested, "type": nested.get("data", {}).get("type")}
    if given.get("type") not in ("allow", "always_allow", "deny") or "target_message_id" not in given:
        return None
    return given


def _result(turn: Turn, pending: Pending) -> Iterator[Step]:
    invoked = {
        "type": "remote",
        "namespace": TOOL.split(".")[0],
        "plugin_id": "plugin-simulated",
        "http_response_status": 200,
    }
    content = code_content(json.dumps({"item": pending.params["q"], "price": 42}, ensure_ascii=False), "json")
    yield turn.begin_tool(TOOL, content, metadata={"invoked_plugin": invoked})
    item = pending.params["q"]
    yield from answer(
        turn, turn.prompt.either(f"The API says that {item} costs 42.", f"接口返回：{item}的价格是 42。")
    )


def _confirmation(pending: Pending) -> JsonObject:
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
