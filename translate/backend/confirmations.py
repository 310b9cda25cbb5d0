"""The question of a tool whether a host may be called (protocol notes, section 11)."""

from translate.values import Confirmation, JsonObject, object_at, objects_at, text_at


def confirmation_in(raw: JsonObject, message_id: str) -> Confirmation | None:
    """What a message of a tool, with this id, asks; None if it asks nothing."""
    asked = object_at(object_at(object_at(raw, "metadata"), "jit_plugin_data"), "from_server")
    kind, body = asked.get("type"), object_at(asked, "body")
    if kind not in ("confirm_action", "oauth_required"):
        return None
    choices = [object_at(action, text_at(action, "type")) for action in objects_at(body, "actions")]
    tool = text_at(object_at(raw, "author"), "name")
    return Confirmation(
        tool=tool,
        message_id=message_id,
        domain=text_at(body, "domain") or tool.partition("__")[0].replace("_", "."),
        operation=text_at(body, "operation") or tool.rpartition(".")[2],
        target_message_id=next((t for c in choices if (t := text_at(c, "target_message_id"))), ""),
        operation_hash=next((h for c in choices if (h := text_at(c, "operation_hash"))), ""),
        login=kind == "oauth_required",
    )
