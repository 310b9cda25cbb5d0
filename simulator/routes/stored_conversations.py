"""Stored conversations: to read, list, rename, hide and title them (protocol notes, section 3)."""

from simulator.answers import Prompt, title_for
from simulator.conversations import NEW_TITLE
from simulator.knobs import remove_marker
from simulator.messages import JsonObject, new_id
from simulator.refusals import Refusal, Refused, invalid
from simulator.routes.base import BackendHandler
from simulator.trees_2026 import tree_json


class StoredConversationHandler(BackendHandler):
    """GET and PATCH conversation/{cid}."""

    def get(self, conversation_id: str) -> None:
        """The whole tree of messages. Raises Refused (404)."""
        conversation = self.backend.read_conversation(self.key, conversation_id)
        if conversation.is_of_2026:
            running = self.backend.live_turns.is_running(conversation_id)
            self.reply(tree_json(conversation, is_running=running))
        else:
            self.reply(conversation.as_json())

    def patch(self, conversation_id: str) -> None:
        """`{"is_visible": false}` hides, `{"title": "x"}` renames. Raises Refused (404, 422)."""
        if self.backend.version.is_2026 and self.backend.knobs.hides_by == "delete":
            raise Refused(Refusal.detail(405, "Method Not Allowed"))
        body = self.object_body()
        self.backend.state.add_patch(conversation_id, body)
        conversation = self.backend.state.conversations.find(self.key, conversation_id)
        if not set(body) & {"is_visible", "title", "is_archived", "is_starred"}:
            raise Refused(invalid([(["is_visible"], "field required", "value_error.missing")]))
        if isinstance(body.get("title"), str):
            conversation.title = body["title"]
        if body.get("is_visible") is False:
            conversation.visible = False
        self.reply({"success": True})


class ConversationListHandler(BackendHandler):
    """GET conversations, and the PATCH that hides them all."""

    def get(self) -> None:
        """A page of the visible ones, as the query's `offset` and `limit` ask. Raises Refused (422)."""
        offset, limit = self._number("offset", 0), self._number("limit", 20)
        conversations = self.backend.state.conversations
        listed = conversations.listed(self.key)
        self.reply(
            {
                "items": [conversation.list_item_json() for conversation in listed[offset : offset + limit]],
                "total": len(listed),
                "limit": limit,
                "offset": offset,
                "has_missing_conversations": conversations.misses_some(self.key),
            }
        )

    def patch(self) -> None:
        """Hide all conversations of the account: what a client gets that misses the id in the path."""
        if self.object_body().get("is_visible") is False:
            self.backend.state.hide_all_calls += 1
            self.backend.state.conversations.hide_all(self.key)
        self.reply({"success": True})

    def _number(self, name: str, default: int) -> int:
        given = self.get_query_argument(name, str(default))
        if not given.isdigit():
            raise Refused(invalid([([name], "value is not a valid integer", "type_error.integer")]))
        return int(given)


class TitleHandler(BackendHandler):
    """POST conversation/gen_title/{cid}: names a conversation once."""

    def post(self, conversation_id: str) -> None:
        """A title made from the first question, or a message that there is one already."""
        conversation = self.backend.state.conversations.find(self.key, conversation_id)
        if not isinstance(self.object_body().get("message_id"), str):
            raise Refused(invalid([(["message_id"], "field required", "value_error.missing")]))
        if conversation.title != NEW_TITLE:
            message = f"Conversation {conversation_id} already has title '{conversation.title}'"
            self.reply({"message": message})
            return
        asked = [remove_marker(message.text) for message in conversation.messages() if message.role == "user"]
        conversation.title = title_for(Prompt(asked[0] if asked else "", ""))
        self.reply({"title": conversation.title})


class ModerationHandler(BackendHandler):
    """POST moderations: how a client has a message checked."""

    def post(self) -> None:
        """No message is flagged. Raises Refused (422)."""
        body: JsonObject = self.object_body()
        if not isinstance(body.get("input"), str):
            raise Refused(invalid([(["input"], "field required", "value_error.missing")]))
        self.reply({"flagged": False, "blocked": False, "moderation_id": f"modr-{new_id()}"})
