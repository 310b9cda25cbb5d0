"""Stored conversations in 2026: status, pages, hiding, naming, canvas (protocol notes, section 20)."""

from simulator.refusals import NOT_FOUND, Refused, invalid
from simulator.routes.accounts_2026 import Handler2026
from simulator.trees_2026 import page_json


class StreamStatusHandler(Handler2026):
    """GET conversation/{cid}/stream_status."""

    def get(self, conversation_id: str) -> None:
        """Whether a turn runs. Raises Refused (404)."""
        self.backend.state.conversations.find_any(self.key, conversation_id)
        live = self.backend.live_turns.latest(conversation_id)
        if live is None:
            raise Refused(NOT_FOUND)
        over = "FAILURE" if live.failed else "COMPLETE"
        self.reply({"status": over if live.is_over else "IS_STREAMING"})


class PageHandler(Handler2026):
    """GET conversations/{cid}."""

    def get(self, conversation_id: str) -> None:
        """The messages of the last turns, `num_turns` of them. Raises Refused (404)."""
        conversation = self.backend.read_conversation(self.key, conversation_id)
        turns = self.get_query_argument("num_turns", "10")
        running = self.backend.live_turns.is_running(conversation_id)
        self.reply(page_json(conversation, int(turns) if turns.isdigit() else 10, is_running=running))


class DeletedConversationHandler(Handler2026):
    """DELETE conversation/id/{cid}."""

    def delete(self, conversation_id: str) -> None:
        """Hide it. Raises Refused (404)."""
        if self.backend.knobs.hides_by == "patch":
            raise Refused(NOT_FOUND)
        self.backend.state.conversations.find(self.key, conversation_id).visible = False
        self.backend.state.add_patch(conversation_id, {"deleted": True})
        self.reply({"success": True})


class RenameHandler(Handler2026):
    """POST conversation/id/{cid}/rename."""

    def post(self, conversation_id: str) -> None:
        """Name it. Raises Refused (404, 422)."""
        title = self.object_body().get("title")
        if not isinstance(title, str):
            raise Refused(invalid([(["title"], "field required", "value_error.missing")]))
        self.backend.state.conversations.find(self.key, conversation_id).title = title
        self.reply({"success": True})


class TextdocsHandler(Handler2026):
    """GET conversation/{cid}/textdocs."""

    def get(self, conversation_id: str) -> None:
        """The canvas documents as they are now. Raises Refused (404)."""
        conversation = self.backend.state.conversations.find_any(self.key, conversation_id)
        self.reply(list(conversation.textdocs.values()))
