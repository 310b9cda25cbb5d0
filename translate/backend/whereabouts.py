"""Where the rest of a turn's answer is: what its stream has told of that (protocol notes, section 20.7)."""

from typing import Final

from translate.backend.content import has_pictures, is_finished, is_tool
from translate.backend.pictures import shows_last_revision
from translate.values import (
    Elsewhere,
    ElsewhereKind,
    ElsewhereWay,
    JsonObject,
    object_at,
    objects_at,
    text_at,
)

MAX_TOKEN: Final = 8192
"""Characters of a token; a longer one is none."""
MAX_TOPIC: Final = 200
"""Characters of the id of a topic or a task."""
MAX_TASKS: Final = 100
"""Tasks of one turn that are remembered; real turns have one."""
TOPIC: Final = "conversation-turn-"
"""How the topic of a turn begins; its `turn_exchange_id` follows."""
TASKS: Final = {"research": ElsewhereKind.RESEARCH, "pro_mode": ElsewhereKind.PRO}
"""The long tasks that `async_task_type` names, and which bring words."""
PICTURE_CARD: Final = ("image_gen_task_id", "image_gen_multi_stream", "image_gen_async", "trigger_async_ux")
"""Any of these in a tool's message of text says that a picture will come."""
RESEARCH_CALL: Final = "/Deep Research App/start"
"""What the model calls to begin a research, since September 2026."""


class Whereabouts:
    """Give it all typed records and all messages of the backend's own, in order."""

    __slots__ = (
        "_done",
        "_following",
        "_offered",
        "_tasks",
        "_token",
        "_topic_id",
        "_words_before",
        "handed_off",
    )

    def __init__(self) -> None:
        self.handed_off = False
        """The backend has said that this stream does not bring the rest."""
        self._token = ""
        self._topic_id = ""
        self._offered: tuple[ElsewhereWay, ...] = ()
        self._tasks: dict[str, ElsewhereKind] = {}
        self._done: dict[str, None] = {}  # takes less memory than a set while it is empty, as the next one
        self._following = False
        self._words_before: dict[str, None] = {}  # ids of complete messages of the first stream

    def begin(self) -> None:
        """Another stream begins: what the last one said of handing off is past."""
        self.handed_off = False
        self._following = True

    def take_record(self, kind: str, record: JsonObject) -> None:
        """Take a typed record."""
        if kind == "resume_conversation_token":
            token = text_at(record, "token")
            self._token = token if len(token) <= MAX_TOKEN else ""
        elif kind == "server_ste_metadata":
            self._set_turn(text_at(object_at(record, "metadata"), "turn_exchange_id"))
        elif kind == "stream_handoff":
            self.handed_off = True
            self._set_turn(text_at(record, "turn_exchange_id"))
            options = objects_at(record, "options")[: len(ElsewhereWay) * 2]
            names = {way.value: way for way in ElsewhereWay}
            found = (names.get(text_at(option, "type")) for option in options)
            self._offered = tuple(dict.fromkeys(way for way in found if way is not None))
            for option in options:
                self._set_topic(text_at(option, "topic_id"))

    def offer_token(self, token: str) -> None:
        """Take a token that came beside the stream; one of the stream itself counts more."""
        self._token = self._token or token

    def take_message(self, raw: JsonObject, *, shown: bool) -> None:
        """Take a message; `shown` says that it is words or a picture for the user."""
        metadata = object_at(raw, "metadata")
        task_id = text_at(metadata, "async_task_id")[:MAX_TOPIC]
        kind = TASKS.get(text_at(metadata, "async_task_type"))
        if is_tool(raw):
            if any(metadata.get(name) for name in PICTURE_CARD):
                kind, task_id = ElsewhereKind.PICTURE, text_at(metadata, "image_gen_task_id")[:MAX_TOPIC]
            if kind is not None:
                self._begin_task(kind, task_id)
            elif shown and (shows_last_revision(raw) if has_pictures(raw) else is_finished(raw)):
                self._end_tasks(ElsewhereKind.PICTURE, task_id)
        elif RESEARCH_CALL in text_at(object_at(raw, "content"), "text"):
            self._begin_task(ElsewhereKind.RESEARCH, "")
        elif shown and is_finished(raw):
            self._end_tasks(ElsewhereKind.PRO)
            self._take_words(raw)
            if metadata.get("is_async_task_result_message") is True:
                self._end_tasks(ElsewhereKind.RESEARCH)

    def _take_words(self, raw: JsonObject) -> None:
        """Words that end the turn come in place of a picture, unless they came with what announced it."""
        message_id = text_at(raw, "id")
        if not self._following:
            self._words_before[message_id] = None
        elif raw.get("end_turn") is True and message_id not in self._words_before:
            self._end_tasks(ElsewhereKind.PICTURE)

    def elsewhere(
        self, conversation_id: str, records: int, *, broken: bool, answered: bool, unfinished: bool
    ) -> Elsewhere | None:
        """Where the rest is, once the stream has ended; None if there is none, or nobody can say where.

        `records` have come of the stream. `broken` says that it ended before the turn did, `answered` that
        the last message has ended the turn, `unfinished` that there is nothing to show, or half a message.
        """
        running = [task for task in self._tasks if task not in self._done]
        kind = self._tasks[running[-1]] if running else None
        handed_off = self.handed_off and not answered
        if kind is None and (handed_off or (unfinished and not broken and self._topic_id)):
            kind = ElsewhereKind.HANDOFF
        elif kind is None and broken and (self._token or self._topic_id):
            kind = ElsewhereKind.BROKEN
        if kind is None or not conversation_id:
            return None
        return Elsewhere(
            kind,
            conversation_id,
            topic_id=self._topic_id,
            token=self._token,
            records=records if broken and not handed_off else None,
            offered=self._offered,
            task_id=running[-1] if running else "",
        )

    def _set_turn(self, turn_exchange_id: str) -> None:
        if turn_exchange_id:
            self._set_topic(f"{TOPIC}{turn_exchange_id}")

    def _set_topic(self, topic_id: str) -> None:
        if 0 < len(topic_id) <= MAX_TOPIC:
            self._topic_id = topic_id

    def _begin_task(self, kind: ElsewhereKind, task_id: str) -> None:
        if len(self._tasks) < MAX_TASKS:
            self._tasks.setdefault(task_id or kind.value, kind)

    def _end_tasks(self, kind: ElsewhereKind, task_id: str = "") -> None:
        """The task of this kind and id is done; all of the kind, if none of them has the id."""
        if self._tasks.get(task_id) is kind:
            self._done[task_id] = None
        else:
            self._done |= dict.fromkeys(task for task, its_kind in self._tasks.items() if its_kind is kind)
