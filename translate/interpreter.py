"""What a turn says to the user: message envelopes in, growth of the visible text out.

An envelope is ``{"message": {...}, "conversation_id", "error"}``; each holds a whole message as it
stands. Messages are told apart by id: a new id is a new message, never a longer old one. Everything
is null-safe, since the backend does send ``"message": null``.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from translate.errors import ApiError, UpstreamFailed
from translate.escape import SURROGATE, joined
from translate.upstream_errors import from_stream

MAX_MESSAGES = 1000
"""Messages of one turn whose state we keep; real turns have a few dozen."""

REPLACEMENT = "\ufffd"
MAX_HELD = 4
"""A half character shows as at most this many U+FFFD; a longer run is meant."""


class Kind(Enum):
    """What a message is to the user."""

    HIDDEN = auto()
    PROSE = auto()


@dataclass(slots=True)
class Message:
    """State of one message.

    ``text`` is all that came with the last envelope, ``held`` the end of what came and is not shown
    yet. Growth that was recognised without an envelope is added to ``text`` by :meth:`Interpreter.catch_up`.
    """

    id: str
    kind: Kind
    text: str = ""
    held: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of ours, as it will be echoed."""

    id: str
    role: str
    text: str


class View(Protocol):
    """Where visible text goes, already without held-back tails."""

    def prose(self, message: Message, piece: str) -> None: ...


@dataclass(slots=True)
class TurnState:
    """What is known of the turn besides its text."""

    conversation_id: str = ""
    model_slug: str = ""
    finish_reason: str = "stop"
    end_turn: bool = False
    answering: bool = False
    """The backend has gone beyond echoing what we sent."""
    error: ApiError | None = None
    unknown: dict[str, int] = field(default_factory=dict)

    def count_unknown(self, kind: str) -> None:
        """Count something that we do not understand, under one of a closed list of kinds."""
        self.unknown[kind] = self.unknown.get(kind, 0) + 1


FINISH_REASONS = {"stop": "stop", "max_tokens": "length", "interrupted": "stop"}

IGNORED_TYPES = frozenset(
    (
        "title_generation",
        "num_variants_in_stream",
        "gizmo_inline_review",
        "rate_limit_info",
        "url_moderation",
        "moderation",
    )
)


class Interpreter:
    """Feed :meth:`envelope` with each parsed record, :meth:`grow` with each recognised growth."""

    def __init__(self, sent: Collection[Sent], view: View) -> None:
        self.state = TurnState()
        self.current: Message | None = None
        self._view = view
        self._messages: dict[str, Message] = {}
        self._pinned: dict[str, str] = {}
        self._sent_ids = {message.id for message in sent}
        self._sent_answers = {message.text for message in sent if message.role == "assistant"}
        self._last_sent = max((s.id for s in list(sent)[-1:]), default="")

    def envelope(self, data: dict[str, object]) -> None:
        """Take one record. Sets ``current`` to the visible message that it holds, else None."""
        self.current = None
        if error := data.get("error"):
            self.state.error = self.state.error or from_stream(error)
            return
        conversation_id = data.get("conversation_id")
        if isinstance(conversation_id, str) and not self.state.conversation_id:
            self.state.conversation_id = conversation_id
        if isinstance(message := data.get("message"), dict):
            self._message(message)
        elif isinstance(moderation := data.get("moderation_response"), dict):
            if moderation.get("blocked") and data.get("is_completion"):
                self.state.finish_reason = "content_filter"
        elif str(data.get("type")) not in IGNORED_TYPES:
            self.state.count_unknown("record")

    def grow(self, piece: str) -> None:
        """The current message grew by ``piece`` and changed in nothing else."""
        if self.current is not None:
            self._emit(self.current, piece)

    def catch_up(self, text: str) -> None:
        """After growth: ``text`` is the whole text of the current message."""
        if self.current is not None:
            self.current.text = text

    def release(self) -> None:
        """The turn is over: show what was held back, half characters as U+FFFD."""
        for message in self._messages.values():
            self._release(message)

    def _message(self, raw: dict[str, object]) -> None:
        message_id = raw.get("id")
        if not isinstance(message_id, str):
            self.state.count_unknown("message")
            return
        if message_id in self._sent_ids:
            if message_id == self._last_sent:
                self._sent_answers.clear()  # the echo is over
            return
        author, metadata = _object(raw, "author"), _object(raw, "metadata")
        role = author.get("role")
        if role not in ("assistant", "tool"):
            return
        text = text_of(_object(raw, "content"))
        message = self._messages.get(message_id)
        if message is None:
            if role == "assistant" and self._is_echo(raw, text):
                self._sent_ids.add(message_id)
                return
            if len(self._messages) >= MAX_MESSAGES:
                self.state.count_unknown("message")
                return
            message = self._messages[message_id] = Message(
                message_id, self._classify(raw, metadata, message_id)
            )
        self.state.answering = True
        slug = metadata.get("model_slug")
        if role == "assistant" and isinstance(slug, str):
            self.state.model_slug = slug
        if message.kind is Kind.PROSE:
            self._prose(message, raw, metadata, text)

    def _prose(
        self, message: Message, raw: dict[str, object], metadata: dict[str, object], text: str | None
    ) -> None:
        if text is None:
            return
        self._snapshot(message, text)
        finished = is_finished(raw)
        details = metadata.get("finish_details")
        if isinstance(details, dict) and isinstance(kind := details.get("type"), str):
            # It may come in mid-text, so it is a reason but no end.
            if self.state.finish_reason != "content_filter":
                self.state.finish_reason = FINISH_REASONS.get(kind, "stop")
        elif raw.get("status") == "finished_partial_completion" and self.state.finish_reason == "stop":
            self.state.finish_reason = "length"
        self.state.end_turn = raw.get("end_turn") is True and finished
        if finished:
            self._release(message)
        self.current = message

    def _snapshot(self, message: Message, text: str) -> None:
        """Show what ``text`` adds to what was shown; never repeat, never take back."""
        shown = message.text[: len(message.text) - len(message.held)]
        if text.startswith(shown):
            message.held = ""
            message.text = text
            self._emit(message, text[len(shown) :])
        elif not shown.startswith(text):
            # Rewritten: nothing sent can be taken back, so go on behind what both have in common.
            common = common_prefix(shown, text)
            message.held = ""
            message.text = text
            self._emit(message, text[common:])
        else:
            # A shorter text (blanked by moderation, or an empty restart) is no reason to begin anew.
            message.text, message.held = shown, ""

    def _emit(self, message: Message, piece: str) -> None:
        if message.held:
            piece = joined(message.held + piece)
        keep = incomplete_tail(piece)
        message.held = piece[len(piece) - keep :]
        if piece := piece[: len(piece) - keep]:
            self._view.prose(message, piece)

    def _release(self, message: Message) -> None:
        if message.held:
            piece, message.held = message.held, ""
            self._view.prose(message, piece)

    def _is_echo(self, raw: dict[str, object], text: str | None) -> bool:
        """An answer of the history that we sent, echoed under another id before the last echo.

        An echo is whole at first sight, an answer begins ``in_progress``; in May 2023 neither said.
        """
        return text is not None and text in self._sent_answers and raw.get("status") != "in_progress"

    def _classify(self, raw: dict[str, object], metadata: dict[str, object], message_id: str) -> Kind:
        if _object(raw, "author").get("role") != "assistant" or (raw.get("recipient") or "all") != "all":
            return Kind.HIDDEN
        if metadata.get("is_visually_hidden_from_conversation") is True or raw.get("weight") == 0.0:
            return Kind.HIDDEN
        if text_of(_object(raw, "content")) is None:
            return Kind.HIDDEN
        parent = metadata.get("parent_id")
        if isinstance(parent, str) and self._pinned.setdefault(parent, message_id) != message_id:
            return Kind.HIDDEN  # a second answer to one message: an A/B variant
        return Kind.PROSE


HIDDEN_CONTENT = frozenset(
    ("code", "user_editable_context", "model_editable_context", "system_message", "system_content")
)


def text_of(content: dict[str, object]) -> str | None:
    """The text of a content that is for the user, or None if it is of another kind."""
    if str(content.get("content_type")) in HIDDEN_CONTENT:
        return None
    parts = content.get("parts")
    if not isinstance(parts, list):
        return None
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join(part for part in parts if isinstance(part, str))


def is_finished(raw: dict[str, object]) -> bool:
    """Whether the message is complete; in May 2023 there was no ``status`` but only ``end_turn``."""
    status = raw.get("status")
    if isinstance(status, str):
        return status.startswith("finished")
    return raw.get("end_turn") is True


def incomplete_tail(text: str) -> int:
    """How many last characters may be half of one: a high surrogate, or a short run of U+FFFD."""
    if not text:
        return 0
    if "\ud800" <= text[-1] <= "\udbff":
        return 1
    if text[-1] != REPLACEMENT:
        return 0
    run = len(text) - len(text.rstrip(REPLACEMENT))
    return run if run <= MAX_HELD else 0


def common_prefix(a: str, b: str) -> int:
    """Length of the longest common prefix; never between the halves of a surrogate pair."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[:middle] == b[:middle]:
            low = middle
        else:
            high = middle - 1
    if low and SURROGATE.match(b[low - 1]):
        low -= 1
    return low


def no_answer() -> ApiError:
    """The turn ended without a word: some backends fail so instead of sending an error."""
    return UpstreamFailed("The backend ended the turn without an answer.", should_retry=False)


def _object(data: dict[str, object], key: str) -> dict[str, object]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}
