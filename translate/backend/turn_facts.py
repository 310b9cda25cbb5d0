"""What is known of a turn besides what it shows."""

from dataclasses import dataclass, field

from translate.values import ApiError, BackendLimits, Confirmation, is_slug, is_substitute


@dataclass(slots=True)
class TurnFacts:
    """What is known of a turn besides what it shows."""

    conversation_id: str = ""
    model_slug: str = ""
    """The model that the backend says it is, in messages of all ages."""
    resolved_slug: str = ""
    """The model that really answered, where the backend says so: since 2025."""
    limits: BackendLimits | None = None
    """The limits of the account, if the stream has told them."""
    finish_reason: str = "stop"
    end_turn: bool = False
    """The last message says that it ends the turn."""
    stream_complete: bool = False
    """The backend has said so in a record of its own (`message_stream_complete`)."""
    answering: bool = False
    """The backend has gone beyond echoing what was sent."""
    last_message_id: str = ""
    """The assistant's last message to the user."""
    last_shown_id: str = ""
    """The last message that shows something, words or pictures: what is said next stands behind it."""
    confirmation: Confirmation | None = None
    error: ApiError | None = None
    unknown: dict[str, int] = field(default_factory=dict)
    """How many things were not understood, under a closed list of kinds."""

    @property
    def served_slug(self) -> str:
        """The model that answers, as far as the backend has said it; it need not look like a slug."""
        return self.resolved_slug or self.model_slug

    def answered_by(self, asked: str) -> str:
        """The slug of the model that answered, if the backend says that, or names another than `asked`."""
        if self.resolved_slug or not is_slug(self.model_slug):
            return self.resolved_slug
        return self.model_slug if is_substitute(self.model_slug, asked) else ""

    def count_unknown(self, kind: str) -> None:
        """Count something that is not understood: `json`, `record`, `message` or `delta`."""
        self.unknown[kind] = self.unknown.get(kind, 0) + 1
