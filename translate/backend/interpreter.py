"""What a turn says to the user: message envelopes in, growth of what is visible out.

An envelope is ``{"message": {...}, "conversation_id", "error"}``; each holds a whole message as it
stands. Messages are told apart by id: a new id is a new message, never a longer old one. Everything
is null-safe, since the backend does send ``"message": null``.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from translate.backend.content import (
    FIGURE_MARK,
    Asset,
    Citation,
    Kind,
    assets_of,
    citations_of,
    classify,
    is_finished,
    language_of,
    text_of,
)
from translate.backend.errors import error_from_record
from translate.values import SURROGATE, ApiError, JsonObject, join_surrogates, object_at, objects_at, text_at

MAX_MESSAGES = 1000
"""Messages of one turn whose state we keep; real turns have a few dozen."""

REPLACEMENT = "\ufffd"
MAX_HELD = 4
"""A half character shows as at most this many U+FFFD; a longer run is meant."""


@dataclass(slots=True, eq=False)
class Message:
    """State of one message.

    ``text`` is all that came with the last envelope, ``held`` the end of what came and is not shown
    yet. Growth that was recognised without an envelope is added to ``text`` by :meth:`Interpreter.catch_up`.
    """

    id: str
    kind: Kind
    language: str = ""
    text: str = ""
    held: str = ""
    citations: Sequence[Citation] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of ours, as it will be echoed."""

    id: str
    role: str
    text: str
    picture_tokens: int = 0
    """What its pictures count as."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A GPT asks whether it may call a host; ``tool`` and ``message_id`` are those of the asking message.

    With ``login`` the host wants the user to log in, which nobody can do here.
    """

    tool: str
    message_id: str
    domain: str
    operation: str
    target_message_id: str = ""
    operation_hash: str = ""
    login: bool = False


class View(Protocol):
    """Where visible things go, in order; text already without half characters."""

    def grow(self, message: Message, piece: str) -> None: ...
    def rewind(self, message: Message, offset: int) -> None: ...
    def cite(self, message: Message, citations: Sequence[Citation]) -> None: ...
    def picture(self, message: Message, asset: Asset) -> None: ...
    def error(self, message: Message, name: str, text: str) -> None: ...
    def end(self, message: Message) -> None: ...


@dataclass(slots=True)
class TurnState:
    """What is known of the turn besides what it shows."""

    conversation_id: str = ""
    model_slug: str = ""
    finish_reason: str = "stop"
    end_turn: bool = False
    """The last message says that it ends the turn."""
    stream_complete: bool = False
    """The backend has said so in a record of its own (``message_stream_complete``)."""
    answering: bool = False
    """The backend has gone beyond echoing what we sent."""
    last_message_id: str = ""
    """The assistant's last message to the user."""
    confirmation: Confirmation | None = None
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
        "message_marker",
        "input_message",
        "resume_conversation_token",
        "server_ste_metadata",
        "conversation_detail_metadata",
        "search_model_queries",
    )
)


class Interpreter:
    """Feed :meth:`envelope` with each parsed record, :meth:`grow` with each recognised growth."""

    def __init__(self, sent: Collection[Sent], view: View) -> None:
        self.state = TurnState()
        self.current: Message | None = None
        self._view = view
        self._shown_assets: set[str] = set()
        self.begin(sent)

    @property
    def pictures(self) -> int:
        """How many pictures the turn has brought."""
        return len(self._shown_assets)

    def begin(self, sent: Collection[Sent]) -> None:
        """A new stream of the same turn, which will echo ``sent``."""
        self.current = None
        self.state.confirmation = None
        self.state.end_turn = self.state.stream_complete = False
        self.state.finish_reason = "stop"
        self._messages: dict[str, Message] = {}
        self._shown: Message | None = None
        self._pinned: dict[str, str] = {}
        self._sent_ids = {message.id for message in sent}
        self._sent_answers = {message.text for message in sent if message.role == "assistant"}
        self._last_sent = next((message.id for message in reversed(list(sent))), "")

    def envelope(self, data: JsonObject) -> None:
        """Take one record. Sets ``current`` to the growing message that it holds, else None."""
        self.current = None
        if self._failed(data):
            return
        if not self.state.conversation_id:
            self.state.conversation_id = text_at(data, "conversation_id")
        if isinstance(message := data.get("message"), dict):
            self._message(message)
        else:
            self.state.count_unknown("record")

    def aside(self, data: JsonObject) -> None:
        """Take a record that is no message; it does not disturb the message that is growing."""
        kind = text_at(data, "type")
        if self._failed(data):
            return
        if isinstance(moderation := data.get("moderation_response"), dict):
            if moderation.get("blocked") and data.get("is_completion"):
                self.state.finish_reason = "content_filter"
        elif kind == "message_stream_complete":
            self.state.stream_complete = True
        elif kind not in IGNORED_TYPES:
            self.state.count_unknown("record")

    def _failed(self, data: JsonObject) -> bool:
        if error := data.get("error"):
            self.state.error = self.state.error or error_from_record(error)
        return bool(error)

    def grow(self, piece: str) -> None:
        """The current message grew by ``piece`` and changed in nothing else."""
        if self.current is not None:
            self._emit(self.current, piece)

    def catch_up(self, text: str) -> None:
        """After growth: ``text`` is the whole text of the current message."""
        if self.current is not None:
            self.current.text = text

    def release(self) -> None:
        """The stream is over: show what was held back, half characters as U+FFFD."""
        for message in self._messages.values():
            self._release(message)

    def _message(self, raw: JsonObject) -> None:
        message_id = text_at(raw, "id")
        if not message_id:
            self.state.count_unknown("message")
            return
        if message_id in self._sent_ids:
            if message_id == self._last_sent:
                self._sent_answers.clear()  # the echo is over
            return
        role = object_at(raw, "author").get("role")
        if role not in ("assistant", "tool"):
            return
        if (message := self._messages.get(message_id)) is None:
            if role == "assistant" and self._is_echo(raw):
                self._sent_ids.add(message_id)
                return
            if len(self._messages) >= MAX_MESSAGES:
                self.state.count_unknown("message")
                return
            message = self._messages[message_id] = self._new(raw, message_id)
        self.state.answering = True
        if role == "assistant" and (slug := text_at(object_at(raw, "metadata"), "model_slug")):
            self.state.model_slug = slug
        self._show(message, raw)

    def _new(self, raw: JsonObject, message_id: str) -> Message:
        kind = classify(raw)
        parent = text_at(object_at(raw, "metadata"), "parent_id")
        if kind is Kind.PROSE and parent and self._pinned.setdefault(parent, message_id) != message_id:
            kind = Kind.HIDDEN  # a second answer to one message: an A/B variant
        return Message(message_id, kind, language_of(object_at(raw, "content")))

    def _show(self, message: Message, raw: JsonObject) -> None:
        content, finished = object_at(raw, "content"), is_finished(raw)
        if message.kind is not Kind.HIDDEN and message is not self._shown:
            if self._shown is not None:
                self._release(self._shown)  # its end may never be told
            self._shown = message
        if message.kind in (Kind.PROSE, Kind.CODE, Kind.OUTPUT, Kind.REASONING):
            self._snapshot(message, self._text(message, content, raw))
            if message.kind is Kind.PROSE:
                self._prose(message, raw, finished)
            if finished:
                self._release(message)
                self._view.end(message)
            else:
                self.current = message  # one that grows behind its end is read in full
        elif message.kind is Kind.ERROR:
            if not message.text:
                message.text = text_at(content, "text") or "failed"
                self._view.error(message, text_at(content, "name"), message.text)
        elif object_at(raw, "author").get("role") == "tool":
            self._confirmation(message, raw)
        if message.kind in (Kind.PICTURE, Kind.OUTPUT):
            for asset in assets_of(raw):
                if asset.pointer not in self._shown_assets:
                    self._shown_assets.add(asset.pointer)
                    self._view.picture(message, asset)

    def _prose(self, message: Message, raw: JsonObject, finished: bool) -> None:
        state, metadata = self.state, object_at(raw, "metadata")
        if metadata.get("citations") or metadata.get("content_references"):
            citations = citations_of(metadata)
            if citations != message.citations:
                message.citations = citations
                self._view.cite(message, citations)
        details = object_at(metadata, "finish_details")
        if state.finish_reason != "content_filter":
            # It may come in mid-text, so it is a reason but no end.
            if details:
                state.finish_reason = FINISH_REASONS.get(text_at(details, "type"), "stop")
            elif raw.get("status") == "finished_partial_completion":
                state.finish_reason = "length"
        state.end_turn = raw.get("end_turn") is True and finished
        state.last_message_id = message.id

    def _text(self, message: Message, content: JsonObject, raw: JsonObject) -> str:
        shown = text_of(content) or ""
        if message.kind is Kind.OUTPUT and not shown.strip():
            exception = object_at(
                object_at(object_at(raw, "metadata"), "aggregate_result"), "in_kernel_exception"
            )
            traceback = exception.get("traceback")
            if isinstance(traceback, list):
                shown = "\n".join(line for line in traceback if isinstance(line, str))
        return shown

    def _snapshot(self, message: Message, new: str) -> None:
        """Show what ``new`` adds to what was shown; never repeat, never take back."""
        shown = message.text[: len(message.text) - len(message.held)]
        if new.startswith(shown):
            message.held = ""
            message.text = new
            self._emit(message, new[len(shown) :])
        elif not shown.startswith(new):
            # Rewritten: nothing sent can be taken back, so go on behind what both have in common.
            common = common_prefix(shown, new)
            message.held = ""
            message.text = new
            self._view.rewind(message, common)
            self._emit(message, new[common:])
        else:
            # A shorter text (blanked by moderation, or an empty restart) is no reason to begin anew.
            message.text, message.held = shown, ""

    def _emit(self, message: Message, piece: str) -> None:
        if message.held:
            piece = join_surrogates(message.held + piece)
        keep = incomplete_tail(piece, message.kind)
        message.held = piece[len(piece) - keep :]
        if piece := piece[: len(piece) - keep]:
            self._view.grow(message, piece)

    def _release(self, message: Message) -> None:
        if message.held:
            piece, message.held = message.held, ""
            self._view.grow(message, piece)

    def _is_echo(self, raw: JsonObject) -> bool:
        """An answer of the history that we sent, echoed under another id before the last echo.

        An echo is whole at first sight, an answer begins ``in_progress``; in May 2023 neither said.
        """
        return text_of(object_at(raw, "content")) in self._sent_answers and raw.get("status") != "in_progress"

    def _confirmation(self, message: Message, raw: JsonObject) -> None:
        asked = object_at(object_at(object_at(raw, "metadata"), "jit_plugin_data"), "from_server")
        kind, body = asked.get("type"), object_at(asked, "body")
        if kind not in ("confirm_action", "oauth_required"):
            return
        choices = [object_at(action, text_at(action, "type")) for action in objects_at(body, "actions")]
        tool = text_at(object_at(raw, "author"), "name")
        self.state.confirmation = Confirmation(
            tool=tool,
            message_id=message.id,
            domain=text_at(body, "domain") or tool.partition("__")[0].replace("_", "."),
            operation=text_at(body, "operation") or tool.rpartition(".")[2],
            target_message_id=next((t for c in choices if (t := text_at(c, "target_message_id"))), ""),
            operation_hash=next((h for c in choices if (h := text_at(c, "operation_hash"))), ""),
            login=kind == "oauth_required",
        )


def incomplete_tail(text: str, kind: Kind = Kind.PROSE) -> int:
    """How many last characters may be half of something.

    A high surrogate, a short run of U+FFFD; in a fence a run of backticks, which must not close it, and
    in a program's output the start of a figure's mark.
    """
    if not text:
        return 0
    if "\ud800" <= text[-1] <= "\udbff":
        return 1
    if text[-1] == REPLACEMENT:
        run = len(text) - len(text.rstrip(REPLACEMENT))
        return run if run <= MAX_HELD else 0
    if text[-1] == "`" and kind is not Kind.PROSE:
        return len(text) - len(text.rstrip("`"))
    if kind is Kind.OUTPUT:
        for size in range(min(len(FIGURE_MARK) - 1, len(text)), 0, -1):
            if FIGURE_MARK.startswith(text[-size:]):
                return size
    return 0


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
