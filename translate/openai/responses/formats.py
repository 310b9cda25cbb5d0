"""A response as its client gets it: one object, or the events of a stream.

Framing rules: each event has a line `event:` and a line `data:` that repeat its type, is written in one go,
and counts on; items come one after the other, each under one id; the stream ends with `[DONE]`, which Open
Responses demands and nobody minds.
"""

from collections.abc import Sequence
from typing import Final

from translate.openai.errors import envelope
from translate.openai.responses.draft import ResponseDraft, failure_code
from translate.openai.responses.native import Added, NativeItems, Step, Told
from translate.openai.whole import WholeAnswer
from translate.text import escaped
from translate.values import AnswerEnd, ApiError, Event, JsonObject, ReasoningDelta, TextDelta, json_bytes

PING: Final = b": ping\n\n"
DONE: Final = b"data: [DONE]\n\n"
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"
JSON: Final = "application/json"
OPENING_EVENTS: Final = 2
"""Events that `open` writes; what comes after them counts from there."""
EVENT: Final = b'event: %b\ndata: {"type":"%b","sequence_number":%d,%b}\n\n'


class ResponseStream:
    """The events of a response."""

    streams = True
    content_type = EVENT_STREAM

    def __init__(self, draft: ResponseDraft) -> None:
        self._draft = draft
        self._next = OPENING_EVENTS
        self._opened = False
        self._index = 0  # of the item that is open, or comes next
        self._thinking = self._writing = False
        self._thought = False  # all that is passed on of the thoughts was
        self._delta = b""  # with room for a number and a piece of text

    def open(self) -> bytes:
        """The first two events."""
        self._opened = True
        response = b'"response":' + self._draft.begun()
        return _event("response.created", 0, response) + _event("response.in_progress", 1, response)

    def encode(self, event: Event) -> bytes:
        """An event for each piece of text or reasoning. Calls and refusals are written at the end."""
        if type(event) is TextDelta:
            if self._draft.native is not None:
                event = TextDelta(self._words_of(event))
                if not event.pieces:
                    return b""
            begun = b"" if self._writing else self._close_items() + self._begin_message()
            template, first = self._delta, self._next
            if len(event.pieces) == 1 and not begun:
                self._next = first + 1
                return template % (first, event.pieces[0])
            self._next = first + len(event.pieces)
            return begun + b"".join(
                [template % (number, piece) for number, piece in enumerate(event.pieces, first)]
            )
        if type(event) is ReasoningDelta:
            over = self._writing or self._thought
            return b"" if over else self._close_items() + self._reason(event)
        self._draft.take(event)
        return b"" if self._draft.native is None else self._encode_item(self._draft.native, event)

    def idle(self, *, visible: bool) -> bytes:
        """A comment; with `visible` the event that says that it goes on, since some count events alone."""
        if not (visible and self._opened):
            return PING
        return self._said("response.in_progress", b'"response":' + self._draft.begun())

    def fail(self, error: ApiError) -> bytes:
        """The error in the two forms that clients read, and the failed response."""
        if not self._opened:
            self._next = OPENING_EVENTS  # nothing of what was written before is sent
        code = failure_code(error)
        flat: JsonObject = {"code": code, "message": error.message, "param": error.param}
        nested = {"type": error.type, **flat}
        said = self._said("error", json_bytes({**flat, "error": nested})[1:-1])
        return said + self._said("response.failed", b'"response":' + self._draft.failed(error))

    def finish(self, end: AnswerEnd) -> bytes:
        """The end of what is open, the calls, and the whole response."""
        draft, out = self._draft, [self._close_items()]
        if draft.refusal:
            out.append(self._refuse(end))
        elif draft.has_message(end):
            if not self._writing:
                out.append(self._begin_message())
            out.append(self._end_message(end))
        else:
            out.append(self._end_reasoning())
        out += (self._call(item) for item in draft.calls)
        last = "response.incomplete" if end.reason in ("length", "content_filter") else "response.completed"
        out.append(self._said(last, b'"response":' + draft.finished(end)))
        return b"".join((*out, DONE))

    def _said(self, kind: str, fields: bytes) -> bytes:
        number, self._next = self._next, self._next + 1
        return _event(kind, number, fields)

    def _added(self, item: bytes) -> bytes:
        return self._said("response.output_item.added", b'"output_index":%d,"item":%b' % (self._index, item))

    def _ended(self, item: bytes) -> bytes:
        """The open item is complete; the next one has the next place."""
        index, self._index = self._index, self._index + 1
        return self._said("response.output_item.done", b'"output_index":%d,"item":%b' % (index, item))

    def _place(self, id: str, part: bytes = b"") -> bytes:
        return b'"item_id":"%b","output_index":%d%b' % (id.encode(), self._index, part)

    # The message.

    def _begin_message(
        self, part: bytes = b'{"type":"output_text","text":"","annotations":[],"logprobs":[]}'
    ) -> bytes:
        begun = self._end_reasoning()
        id = self._draft.message_id
        self._writing = True
        item = (
            b'{"id":"%b","type":"message","status":"in_progress","role":"assistant","content":[]}'
            % id.encode()
        )
        begun += self._added(item)
        place = self._place(id, b',"content_index":0')
        begun += self._said("response.content_part.added", place + b',"part":' + part)
        kind = b"response.output_text.delta"
        self._delta = (
            b'event: %b\ndata: {"type":"%b","sequence_number":%%d,%b,"delta":"%%b","logprobs":[]}\n\n'
            % (kind, kind, place)
        )
        return begun

    def _end_message(self, end: AnswerEnd | None) -> bytes:
        """Its annotations, and its end; without `end`, another item follows."""
        draft = self._draft
        place = self._place(draft.message_id, b',"content_index":0')
        noted = [
            self._said(
                "response.output_text.annotation.added",
                place + b',"annotation_index":%d,"annotation":%b' % (index, json_bytes(annotation)),
            )
            for index, annotation in enumerate(draft.annotations(end))
        ]
        text = self._said(
            "response.output_text.done", place + b',"text":"%b","logprobs":[]' % draft.text(end)
        )
        return b"".join(noted) + text + self._close_message(end, place)

    def _close_message(self, end: AnswerEnd | None, place: bytes) -> bytes:
        part = b',"part":' + self._draft.message_part(end)
        done = self._said("response.content_part.done", place + part)
        return done + self._ended(self._draft.message_item(end))

    def _refuse(self, end: AnswerEnd) -> bytes:
        words = escaped(self._draft.refusal)
        begun = self._begin_message(b'{"type":"refusal","refusal":""}')
        place = self._place(self._draft.message_id, b',"content_index":0')
        said = self._said("response.refusal.delta", place + b',"delta":"%b"' % words)
        said += self._said("response.refusal.done", place + b',"refusal":"%b"' % words)
        return begun + said + self._close_message(end, place)

    # Items of the backend's own abilities, which may stand between two messages.

    def _words_of(self, event: TextDelta) -> Sequence[bytes]:
        """The pieces of an event, without the empty lines that part one item from the next."""
        pieces = list(event.pieces)
        while pieces and not self._writing and not pieces[0].replace(rb"\n", b""):
            del pieces[0]
        self._draft.write(pieces)
        return pieces

    def _encode_item(self, native: NativeItems, event: Event) -> bytes:
        """The steps that an event makes; what is open ends before an item begins."""
        out = []
        for step in native.take(event):
            if isinstance(step, Added):
                out.append(self._interrupted())
            out.append(self._step(step))
        return b"".join(out)

    def _close_items(self) -> bytes:
        native = self._draft.native
        return b"" if native is None else b"".join([self._step(step) for step in native.close()])

    def _interrupted(self) -> bytes:
        """The end of the thoughts or the message, behind which another item comes."""
        if not self._writing:
            return self._end_reasoning()
        ended = self._end_message(None)
        self._draft.add_message()
        self._writing = False
        return ended

    def _step(self, step: Step) -> bytes:
        if isinstance(step, Added):
            return self._added(step.item)
        if isinstance(step, Told):
            return self._said(step.kind, self._place(step.id) + step.fields)
        self._draft.add(step.item)
        return self._ended(step.item)

    # Calls.

    def _call(self, item: JsonObject) -> bytes:
        custom = item["type"] == "custom_tool_call"
        field = "input" if custom else "arguments"
        kind = "response.custom_tool_call_input" if custom else "response.function_call_arguments"
        said = str(item[field])
        place = self._place(str(item["id"]))
        whole: JsonObject = {field: said} if custom else {field: said, "name": item["name"]}
        return b"".join(
            (
                self._added(json_bytes({**item, "status": "in_progress", field: ""})),
                self._said(f"{kind}.delta", place + b',"delta":"%b"' % escaped(said)),
                self._said(f"{kind}.done", place + b"," + json_bytes(whole)[1:-1]),
                self._ended(json_bytes(item)),
            )
        )

    # Thoughts.

    def _reason(self, event: ReasoningDelta) -> bytes:
        self._draft.take(event)
        begun = b"" if self._thinking else self._begin_reasoning()
        place = self._place(self._draft.reasoning_id, b',"summary_index":0')
        kind = "response.reasoning_summary_text.delta"
        return begun + b"".join(
            [self._said(kind, place + b',"delta":"%b"' % piece) for piece in event.pieces]
        )

    def _begin_reasoning(self) -> bytes:
        self._thinking = True
        id = self._draft.reasoning_id
        item = b'{"id":"%b","type":"reasoning","status":"in_progress","summary":[]}' % id.encode()
        place = self._added(item), self._place(id, b',"summary_index":0')
        part = b',"part":{"type":"summary_text","text":""}'
        return place[0] + self._said("response.reasoning_summary_part.added", place[1] + part)

    def _end_reasoning(self) -> bytes:
        """Nothing more is thought aloud; what comes after the first words is dropped."""
        if not self._thinking:
            return b""
        self._thinking, self._thought = False, True
        place = self._place(self._draft.reasoning_id, b',"summary_index":0')
        thought = bytes(self._draft.reasoning)
        done = self._said("response.reasoning_summary_text.done", place + b',"text":"%b"' % thought)
        part = b',"part":{"type":"summary_text","text":"%b"}' % thought
        done += self._said("response.reasoning_summary_part.done", place + part)
        return done + self._ended(self._draft.add_reasoning())


class WholeResponse(WholeAnswer):
    """One response object."""

    content_type = JSON

    def __init__(self, draft: ResponseDraft) -> None:
        self._draft = draft
        self._stream = ResponseStream(draft)

    def encode(self, event: Event) -> bytes:
        """Keep calls, refusals and reasoning; the text itself is kept by the conversation, but where items
        of the backend's own abilities may part it: then the stream tells in which order all comes.
        """
        if self._draft.native is None:
            self._draft.take(event)
        else:
            self._stream.encode(event)
        return b""

    def fail(self, error: ApiError) -> bytes:
        """OpenAI's envelope."""
        return envelope(error)

    def finish(self, end: AnswerEnd) -> bytes:
        """The response."""
        return self._draft.finished(end)


def _event(kind: str, number: int, fields: bytes) -> bytes:
    return EVENT % (kind.encode(), kind.encode(), number, fields)
