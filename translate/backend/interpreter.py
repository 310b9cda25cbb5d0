"""What a turn says to the user: records of the backend in, changes of messages out.

An envelope is `{"message": {...}, "conversation_id", "error"}`; each holds a whole message as it stands
(protocol notes, section 7.1). Messages are told apart by id: a new id is a new message, never a longer old
one. Nothing here raises, whatever a record holds; the backend does send `"message": null`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from translate.backend.confirmations import confirmation_in
from translate.backend.content import (
    PYTHON,
    has_pictures,
    is_finished,
    is_readable,
    is_tool,
    language_of,
    shown_text_of,
    text_of,
)
from translate.backend.content_citations import ITEMS as CITATION_ITEMS
from translate.backend.content_citations import CitationReader, ReferencesChange
from translate.backend.content_types import (
    ContentType,
    TextReader,
    content_type_of,
    is_flagged,
    tool_of,
)
from translate.backend.damage import Damage, is_time, message_in
from translate.backend.errors import error_from_record
from translate.backend.limits import read_limits
from translate.backend.pictures import PictureBook
from translate.backend.turn_facts import TurnFacts
from translate.backend.web_actions import WEB_TOOLS, web_actions
from translate.backend.whereabouts import Whereabouts
from translate.text import (
    BrowserUsed,
    Change,
    CitationsChanged,
    Completed,
    Grew,
    Message,
    Prose,
    Reasoning,
    TookBack,
    ToolFailed,
)
from translate.values import (
    ItemKind,
    JsonObject,
    SentMessage,
    is_slug,
    object_at,
    size_in_memory,
    text_at,
)

Holder = TypeVar("Holder")
MAX_MESSAGES: Final = 1000
"""Messages of one exchange whose state is kept; real turns have a few dozen."""
MAX_ID: Final = 200
"""Characters of a message's id; a longer one is none."""

FINISH_REASONS: Final = {"stop": "stop", "max_tokens": "length", "interrupted": "stop"}
"""OpenAI's reason for each type of the backend's `finish_details` (protocol notes, section 14.3)."""

IGNORED_TYPES: Final = frozenset(
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
        "stream_handoff",
        "search_model_queries",
        "conversation_async_status",
        "writing_blocks_metadata_patch",
        "streaming_parent_patch",
        "safety_review_update",
        "assistant_turn_complete",
        "stop",
        "system_hint_suggestion",
        "toast",
        "ads",
        "beacon_ui_response",
        "perf_stats",
        "instant_answer_debug",
        "survey_campaign_effect",
        "display_crisis_helpline_message",
    )
)
"""Records that change no message (protocol notes, sections 7.3 and 13.3); some are read by `Whereabouts`."""
COMPLETE_TYPES: Final = ("message_stream_complete", "main_stream_complete")
"""Records that say that the turn is over."""
MAX_HEADLINE: Final = 200
"""Characters of a headline that are passed on."""
TEXTLESS_KEYS: Final = frozenset(("conversation_id", "message_id", "is_completion", "error", "error_code"))
"""A record without a type that has none but these holds no text."""
REFERENCES_PATCH: Final = "content_references_patch"
"""The type of a record of references that come beside their message."""
NOT_SHOWN: Final = ("system", "user", "developer")
"""Whose messages are never shown."""


@dataclass(slots=True)
class _Seen:
    """A message of this exchange: what it is, how its text is read, and what is shown of it; hidden if there
    is no `shown`.
    """

    number: int
    """In the order of their beginnings."""
    row: ContentType | None = None
    shown: Message | None = None
    text: TextReader = shown_text_of
    reported: bool = False
    """It is a tool's error that was shown."""
    blank: bool = False
    """It is complete, and has no text; so another answer may stand in its place."""
    never_shown: bool = False
    """It stays hidden, whatever else it may say of itself."""
    browsed: bool = False
    """It is a call of the browser that was told of."""

    @property
    def settled(self) -> bool:
        """What it is stays so."""
        return self.never_shown or (self.shown is not None and self.shown.source.size > 0)


class Interpreter:
    """Give `receive` each envelope and `aside` each other record; at the end of the stream call `release`.

    A record that the fast path takes is not given to it: only the source text of `growing` learns of that.
    """

    __slots__ = (
        "_amid",
        "_answer_number",
        "_answers",
        "_citations",
        "_commentary",
        "_cut_by_status",
        "_headline",
        "_hidden_calls",
        "_kept",
        "_last_finished",
        "_last_id",
        "_last_sent",
        "_last_shown",
        "_pictures",
        "_same_citations",
        "_secrets",
        "_seen",
        "_sent_answers",
        "_sent_ids",
        "_shown_number",
        "damage",
        "facts",
        "growing",
        "whereabouts",
    )

    def __init__(self, sent: Collection[SentMessage], secrets: Sequence[str] = ()) -> None:
        """`secrets` are never quoted in an error."""
        self._secrets = secrets
        self.facts = TurnFacts()
        self.growing: Message | None = None
        """The message that the last envelope showed, if it may go on growing."""
        self._pictures: PictureBook | None = None  # from the first picture on; few answers have any
        self.whereabouts = Whereabouts()
        self.begin(sent)

    @property
    def kept(self) -> int:
        """Bytes of memory that are taken by what is kept of messages, about."""
        text = self._last_shown.source.size if self._last_shown else 0
        pictures = self._pictures.kept if self._pictures is not None else 0
        return self._kept + pictures + text

    @property
    def pictures(self) -> int:
        """How many pictures the turn has brought."""
        return self._pictures.count if self._pictures is not None else 0

    def begin(self, sent: Collection[SentMessage]) -> None:
        """A new stream of the same turn comes, which will echo `sent`, our own messages in order."""
        self.growing = None
        facts = self.facts
        facts.confirmation = None
        facts.end_turn = facts.stream_complete = False
        facts.finish_reason = "stop"
        self._seen: dict[str, _Seen] = {}
        self._last_shown: Message | None = None
        self._answer_number = 0  # of the last message that has some of the answer
        self._shown_number = 0  # of the last message that shows the user something
        self._cut_by_status = False  # its status alone says that it was cut
        self._commentary: Message | None = None  # the last complete words beside the answer
        self._headline = ""
        # These two take less memory than sets would while they are empty.
        self._hidden_calls: dict[str, None] = {}  # tools of `PYTHON` whose last call is not shown
        self._kept = 0  # bytes of this exchange, without the text of `_last_shown`
        self._last_id = ""  # of the last message of any kind
        self._amid = False  # the last message that is shown is not complete
        self._last_finished = False
        self.whereabouts = Whereabouts()
        """Where the rest of this exchange is."""
        self.damage = Damage()
        """What may be missing from this exchange."""
        self._same_citations = False  # in the envelope that is being read
        self._citations: dict[str, CitationReader] = {}  # of each message that has some
        self._answers: dict[str, _Seen] = {}  # the first answer to each message
        self._sent_ids = {message.id for message in sent}
        self._sent_answers = dict.fromkeys(message.text for message in sent if message.role == "assistant")
        self._last_sent = next((message.id for message in reversed(list(sent))), "")

    def begin_anew(self) -> None:
        """What has come of this exchange comes again from its start, and what was not shown with it."""
        self.damage = Damage()
        self.growing = None
        self.facts.finish_reason = "stop"
        self.continue_stream()

    def continue_stream(self) -> None:
        """Another stream brings the rest of this exchange."""
        self.facts.end_turn = self.facts.stream_complete = False
        self.whereabouts.begin()

    def receive(
        self, envelope: JsonObject, *, same_text: bool = False, same_citations: bool = False
    ) -> Iterator[Change]:
        """Take one envelope; sets `growing`. The changes must be consumed one by one, in order.

        With `same_text` the text of the message has not changed since it was last read, and is not read; so
        with `same_citations`, what tells of them.
        """
        self._same_citations = same_citations
        self.growing = None
        if self._failed(envelope):
            return
        if not self.facts.conversation_id:
            self.facts.conversation_id = text_at(envelope, "conversation_id")
        if isinstance(message := envelope.get("message"), dict):
            yield from self._message(message, same_text)
            return
        self.facts.count_unknown("record")
        if message is not None or "message" not in envelope:
            self.lose()

    def rename(self, formerly: str, envelope: JsonObject) -> None:
        """The message of `envelope` had another id, under which it was known."""
        message_id = text_at(object_at(envelope, "message"), "id")
        if not 0 < len(message_id) <= MAX_ID or message_id in self._seen:
            return
        if formerly in self._sent_ids:
            self._sent_ids.add(message_id)
            self._kept += size_in_memory(message_id)
        elif (seen := self._seen.pop(formerly, None)) is not None:
            self._seen[message_id] = seen
            if seen.shown is not None:
                seen.shown.id = message_id

    def aside(self, record: JsonObject) -> bool:
        """Take a record that is no envelope; it does not disturb the message that is growing.

        False if it may be the wreck of one: it has no type, and something that may be a text.
        """
        kind = text_at(record, "type")
        if self._failed(record):
            return True
        if kind:
            self.facts.conversation_id = self.facts.conversation_id or text_at(record, "conversation_id")
            self.whereabouts.take_record(kind, record)
        if isinstance(moderation := record.get("moderation_response"), dict):
            if moderation.get("blocked") and record.get("is_completion"):
                self.facts.finish_reason = "content_filter"
        elif kind in COMPLETE_TYPES:
            self.facts.stream_complete = True
        elif kind == "conversation_detail_metadata":
            self.facts.limits = read_limits(record) or self.facts.limits
        elif kind == "server_ste_metadata":
            self._read_resolved_slug(object_at(record, "metadata"))
        elif kind not in IGNORED_TYPES:
            self.facts.count_unknown("record")
            return bool(kind) or record.keys() <= TEXTLESS_KEYS
        return True

    def patch_references(self, record: JsonObject) -> Iterator[Change]:
        """Take a record of references that come beside their message, and stand for all of its own."""
        seen = self._seen.get(text_at(record, "message_id"))
        if seen is not None and seen.shown is not None and seen.shown.kind is ItemKind.PROSE:
            yield from self._cite(seen.shown, record, CitationReader.patch)

    def known_references(self, message: Message) -> int | None:
        """How many references of its own the message has, as far as they were read; None if all of them must
        be read again.
        """
        reader = self._citations.get(message.id)
        return 0 if reader is None else reader.references

    def change_references(self, message: Message, change: ReferencesChange) -> Iterator[Change]:
        """Only some references of `message`, the one that is growing, have changed."""
        yield from self._cite(message, change, CitationReader.change)

    @property
    def over(self) -> bool:
        """Nothing more is shown: the last message has ended the turn, or the backend says so."""
        return self.facts.end_turn or self.facts.stream_complete

    @property
    def is_amid(self) -> bool:
        """The last message is shown and not complete, and nothing says that the turn is over."""
        return not self.over and self._amid

    def lose_record(self, data: bytes) -> bool:
        """A record cannot be read. False if it is provably none that changes a message.

        One that names a hidden message may have run into the record of the next one.
        """
        if is_time(data):
            return False
        message_id = message_in(data)
        if not self._is_hidden(message_id):
            self.lose(message_id)
        elif not self.over:
            self.damage.lose(message_id, complete=True)
        return True

    def lose(self, message_id: str = "") -> None:
        """A record was lost: of this message, or without an id of the last one, or of one behind that."""
        if self.over:
            return
        if not message_id:
            self.damage.lose(self._last_id, complete=self._last_finished)
        elif not self._is_hidden(message_id):
            self.damage.lose(message_id)

    def hides(self, envelope: JsonObject) -> bool:
        """Whether the message of `envelope` is one that is never shown."""
        message = object_at(envelope, "message")
        role = object_at(message, "author").get("role")
        return role in NOT_SHOWN or self._is_hidden(text_at(message, "id"))

    def _is_hidden(self, message_id: str) -> bool:
        seen = self._seen.get(message_id)
        return message_id in self._sent_ids or (seen is not None and seen.never_shown)

    def _failed(self, record: JsonObject) -> bool:
        says_so = record.get("type") == "error" or (record.get("error_code") and not record.get("message"))
        failed = bool(record.get("error") or says_so)
        if failed and self.facts.error is None:
            self.facts.error = error_from_record(record, self._secrets)
        return failed

    def release(self) -> Iterator[Change]:
        """The stream is over: show what was held back, half characters as U+FFFD, pictures as they are."""
        for seen in self._seen.values():
            if seen.shown is not None:
                yield from _release(seen.shown)
        if self._pictures is not None:
            yield from self._pictures.release()

    def fall_back(self) -> Iterator[Change]:
        """Nothing was shown: show the words that were complete beside the answer, if there are any."""
        if (said := self._commentary) is not None:
            message = Message(said.id, Prose(), citations=said.citations)
            yield Grew(message, said.source.text)
            yield CitationsChanged(message)
            yield Completed(message)

    def _message(self, raw: JsonObject, same_text: bool) -> Iterator[Change]:
        message_id, role = text_at(raw, "id"), object_at(raw, "author").get("role")
        if not 0 < len(message_id) <= MAX_ID:
            self._leave_out("")
            return
        is_ours = message_id in self._sent_ids
        if not is_ours and role not in NOT_SHOWN and not self._can_be_read(raw, message_id, role):
            self._leave_out(message_id)
            return
        if self.damage.pending:
            self.damage.repair(message_id, text_at(object_at(raw, "metadata"), "parent_id"))
        self._last_id, self._last_finished = message_id, is_finished(raw)
        if is_ours:
            if message_id == self._last_sent:
                self._sent_answers.clear()  # the echo is over
            if not self._seen:
                self.damage.repair_all()  # nothing before an echo is shown
            return
        if role not in ("assistant", "tool"):
            return
        if (seen := self._seen.get(message_id)) is None:
            if role == "assistant" and self._is_echo(raw):
                self._sent_ids.add(message_id)
                self._kept += size_in_memory(message_id)
                return
            if len(self._seen) >= MAX_MESSAGES:
                self._leave_out(message_id)
                self.damage.beyond_repair = True
                return
            if self._cut_by_status:
                self._end_with("stop")  # something follows, so it was no cut but a placeholder
            seen = self._seen[message_id] = _Seen(len(self._seen) + 1)
            self._kept += size_in_memory(message_id, text_at(object_at(raw, "metadata"), "parent_id"))
        if not seen.settled:
            self._classify(seen, raw, message_id)
        self.facts.answering = True
        if role == "assistant":
            metadata = object_at(raw, "metadata")
            if slug := text_at(metadata, "model_slug"):
                self.facts.model_slug = slug
            self._read_resolved_slug(metadata)
        self.whereabouts.take_message(raw, shown=seen.shown is not None)
        if role == "tool":
            self._read_confirmation(seen, message_id, raw)
        yield from self._read_headline(raw, message_id)
        if seen.shown is None and not seen.browsed and role == "assistant" and is_finished(raw):
            yield from self._read_browsing(seen, raw, message_id)
        if seen.shown is not None:
            self._amid = not is_finished(raw)
            yield from self._show(seen, seen.shown, raw, same_text)

    def _can_be_read(self, raw: JsonObject, message_id: str, role: object) -> bool:
        """Whether it is clear who says it, to whom, and where its text stands, as far as that matters."""
        if role not in ("assistant", "tool"):
            return isinstance(role, str) and not text_of(object_at(raw, "content"))
        seen = self._seen.get(message_id)
        if seen is not None and (seen.never_shown or (seen.shown and seen.shown.kind is ItemKind.ERROR)):
            return True
        return is_readable(raw)

    def _read_resolved_slug(self, metadata: JsonObject) -> None:
        slug = text_at(metadata, "resolved_model_slug")
        if slug and slug != self.facts.resolved_slug and is_slug(slug):
            self.facts.resolved_slug = slug

    def _leave_out(self, message_id: str) -> None:
        self.facts.count_unknown("message")
        self.lose(message_id)

    def _classify(self, seen: _Seen, raw: JsonObject, message_id: str) -> None:
        """Say what the message is, which may change until its first word has come."""
        row = content_type_of(raw)
        if (tool := tool_of(raw)) in PYTHON:
            row = self._of_python(row, raw, tool)
        parent = text_at(object_at(raw, "metadata"), "parent_id")
        is_prose = row is not None and row.presentation.kind is ItemKind.PROSE
        if is_prose and parent:
            first = self._answers.setdefault(parent, seen)
            if first is seen or first.blank:
                self._answers[parent] = seen
            else:  # an A/B variant
                row, seen.never_shown = None, True
        if row is None and (is_tool(raw) or text_of(object_at(raw, "content"))):
            seen.never_shown = True
        if row is seen.row:
            return
        seen.row, seen.shown = row, None
        if row is not None:
            is_code = row.presentation.kind is ItemKind.CODE
            language = language_of(object_at(raw, "content")) if is_code else ""
            seen.shown = Message(message_id, row.presentation, language)
            seen.text = row.new_reader(seen.shown.source)

    def _of_python(self, row: ContentType | None, raw: JsonObject, tool: str) -> ContentType | None:
        """What a program prints is shown if its code is, wherever both are known."""
        if is_tool(raw):
            return None if tool in self._hidden_calls else row
        if row is None:
            self._hidden_calls[tool] = None
        else:
            self._hidden_calls.pop(tool, None)
        return row

    def _read_headline(self, raw: JsonObject, message_id: str) -> Iterator[Change]:
        """A message may bring a headline of what the model is thinking of; thoughts have their own."""
        headline = text_at(object_at(raw, "metadata"), "reasoning_title").strip()[:MAX_HEADLINE]
        if headline in ("", self._headline) or is_flagged(raw) or "thoughts" in object_at(raw, "content"):
            return
        self._headline = headline
        message = Message(message_id, Reasoning())
        yield Grew(message, f"**{headline}**")
        yield Completed(message)

    def _read_browsing(self, seen: _Seen, raw: JsonObject, message_id: str) -> Iterator[Change]:
        """A hidden message may call the browser."""
        if WEB_TOOLS.fullmatch(tool_of(raw)):
            seen.browsed = True
            for action in web_actions(text_of(object_at(raw, "content")) or ""):
                yield BrowserUsed(message_id, action)

    def _show(self, seen: _Seen, message: Message, raw: JsonObject, same_text: bool) -> Iterator[Change]:
        if (last := self._last_shown) is not message:
            self._last_shown = message
            self._kept -= message.source.size
            if last is not None:
                yield from _release(last)  # the backend may never say that it is complete
                self._kept += last.source.size
        match message.kind:
            case ItemKind.ERROR:
                yield from self._show_error(seen, message, raw)
            case ItemKind.PICTURE:
                self._note_shown(seen, message)
                yield from self._take_pictures(message, raw)
            case _:
                yield from self._show_text(seen, message, raw, same_text)
                if message.kind is ItemKind.OUTPUT or (message.kind is ItemKind.PROSE and has_pictures(raw)):
                    yield from self._take_pictures(message, raw)

    def _take_pictures(self, message: Message, raw: JsonObject) -> Iterator[Change]:
        if self._pictures is None:
            self._pictures = PictureBook()
        yield from self._pictures.take(message, raw)

    def _show_text(self, seen: _Seen, message: Message, raw: JsonObject, same_text: bool) -> Iterator[Change]:
        finished = is_finished(raw)
        if not same_text or _may_be_in_metadata(message):
            taken_back, piece = message.source.become(seen.text(raw))
            if taken_back:
                yield TookBack(message, taken_back)
            if piece:
                yield Grew(message, piece)
        if message.kind is ItemKind.PROSE:
            yield from self._read_citations(message, raw)
            self._read_ending(seen, message, raw)
        elif message.kind is ItemKind.REASONING and finished and text_at(raw, "channel") == "commentary":
            yield from self._read_citations(message, raw)
            self._commentary = message
        seen.blank = finished and message.source.size == 0
        if finished:
            yield from _release(message)
            yield Completed(message)
        else:
            self.growing = message  # one that grows behind its end is read in full

    def _show_error(self, seen: _Seen, message: Message, raw: JsonObject) -> Iterator[Change]:
        if not seen.reported:
            seen.reported = True
            content = object_at(raw, "content")
            yield ToolFailed(message, text_at(content, "name"), text_at(content, "text") or "failed")

    def _read_citations(self, message: Message, raw: JsonObject) -> Iterator[Change]:
        metadata = object_at(raw, "metadata")
        if self._same_citations and self._knows_all(message, metadata):
            return
        if any(metadata.get(key) for key in CITATION_ITEMS):
            yield from self._cite(message, metadata, CitationReader.read)

    def _knows_all(self, message: Message, metadata: JsonObject) -> bool:
        """Whether as many references were read as there are."""
        references = metadata.get("content_references")
        known = self.known_references(message)
        return isinstance(references, list) and len(references) == known

    def _cite(
        self, message: Message, holder: Holder, take: Callable[[CitationReader, Holder], bool]
    ) -> Iterator[Change]:
        """Have `holder` taken by the reader of the message's citations."""
        if (reader := self._citations.get(message.id)) is None:
            reader = self._citations[message.id] = CitationReader()
        before = reader.size
        if take(reader, holder):
            self._kept += reader.size - before
            message.citations = reader.citations
            yield CitationsChanged(message)

    def _read_ending(self, seen: _Seen, message: Message, raw: JsonObject) -> None:
        """Only the last message of the answer says how it ended."""
        facts = self.facts
        if seen.number < self._answer_number:
            return
        if message.source.size > 0:
            if seen.number > self._answer_number:
                self._answer_number = seen.number
                self._end_with("stop")
            facts.last_message_id = message.id
            self._note_shown(seen, message)
            details = object_at(object_at(raw, "metadata"), "finish_details")
            if details:
                # It may come in mid-text, so it is a reason but no end.
                self._end_with(FINISH_REASONS.get(text_at(details, "type"), "stop"))
            elif raw.get("status") == "finished_partial_completion" and seen.number == len(self._seen):
                self._end_with("length", by_status=True)
        facts.end_turn = raw.get("end_turn") is True and is_finished(raw)

    def _note_shown(self, seen: _Seen, message: Message) -> None:
        if seen.number >= self._shown_number:
            self._shown_number, self.facts.last_shown_id = seen.number, message.id

    def _end_with(self, reason: str, *, by_status: bool = False) -> None:
        if self.facts.finish_reason != "content_filter":
            self.facts.finish_reason = reason
        self._cut_by_status = by_status

    def _is_echo(self, raw: JsonObject) -> bool:
        """An answer of the history that we sent, echoed under another id before the last echo.

        An echo is whole at first sight, an answer begins `in_progress`; in May 2023 neither said.
        """
        return text_of(object_at(raw, "content")) in self._sent_answers and raw.get("status") != "in_progress"

    def _read_confirmation(self, seen: _Seen, message_id: str, raw: JsonObject) -> None:
        """A message of a tool that shows no words may ask whether a host may be called."""
        if seen.shown is not None and seen.shown.kind is not ItemKind.PICTURE:
            return
        if (confirmation := confirmation_in(raw, message_id)) is not None:
            self.facts.confirmation = confirmation


def _may_be_in_metadata(message: Message) -> bool:
    """Whether the text to show may be that of an exception, since the program has printed nothing."""
    return message.kind is ItemKind.OUTPUT and not message.source.text.strip()


def _release(message: Message) -> Iterator[Change]:
    """Show what is held back of a message."""
    if piece := message.source.release():
        yield Grew(message, piece)
