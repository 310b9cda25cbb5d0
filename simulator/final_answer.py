"""The last message of a turn: its text, and what the knobs insert between the pieces of it."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from operator import itemgetter

from simulator.answers import title_for
from simulator.conversations import NEW_TITLE
from simulator.faults import FAULTS
from simulator.frame_2026 import handoff, presentation
from simulator.messages import JsonObject, new_id, text_content
from simulator.tokens import split_tokens
from simulator.turn import Turn
from simulator.turn_steps import AppendText, Pause, SendRecord, TriggerFault, TurnStep, UpdateMessage

UNKNOWN_RECORDS: tuple[JsonObject, ...] = (
    {},
    {"type": "sim_future_record", "payload": {"message": "not one"}},
    {"conversation_id": "00000000-0000-0000-0000-000000000000"},
    {"type": "url_moderation", "url_moderation_result": {"full_url": "https://x.example/", "is_safe": True}},
)
"""What the knob `unknown` inserts: records that no client has to know."""

Insertion = tuple[int, list[TurnStep]]
"""A character offset in the text, and the steps that come before the piece which holds that character."""


def final_answer(
    turn: Turn,
    text: str,
    metadata: Iterable[tuple[int, JsonObject]] = (),
    *,
    insertions: Callable[[str], Iterable[Insertion]] = lambda message_id: (),
    start: JsonObject | None = None,
) -> Iterator[TurnStep]:
    """The empty message, its growth, its end.

    `metadata` are pairs of a character offset and metadata of the message, which snapshots show first
    together with the piece that holds the character. `insertions` makes what comes between the pieces from
    the message's id; `start` are fields of `Message`.
    """
    turn.is_answered = True
    text, unsent = _split_by_length(turn, text)
    begun = turn.start_assistant_message(text_content(""), **(start or {}))
    message_id = begun.message.id
    if unsent:
        turn.conversation.unsent_text[message_id] = unsent
    attached: list[Insertion] = [
        (offset, [UpdateMessage(message_id, {"metadata": more}, deferred=True)]) for offset, more in metadata
    ]
    yield begun
    between = [*attached, *insertions(message_id), *_insertions(turn, message_id, len(text))]
    yield from _growth(turn, message_id, text, between)
    if turn.knobs.moderation == "passed":
        yield _moderation(turn, message_id, blocked=False)
    if _has_end(turn):
        yield turn.finish_message(message_id, end_turn=not unsent, reason=_finish_reason(turn))


def _has_end(turn: Turn) -> bool:
    """Whether the message is said to be finished; the knob `finished` overrides the protocol version."""
    if turn.knobs.finished is not None:
        return turn.knobs.finished
    return turn.version.has_finished_snapshot or turn.dialect == "delta"


def _finish_reason(turn: Turn) -> str:
    is_rest = turn.knobs.finish == "max_tokens" and turn.request.action == "continue"
    return "stop" if is_rest else turn.knobs.finish


def _split_by_length(turn: Turn, text: str) -> tuple[str, str]:
    """What is sent, and what is left for a `continue`; with the knob `finish=max_tokens` half of the text."""
    if turn.knobs.finish != "max_tokens" or turn.request.action == "continue":
        return text, ""
    tokens = split_tokens(text)
    half = (len(tokens) + 1) // 2
    return "".join(tokens[:half]), "".join(tokens[half:])


def _growth(turn: Turn, message_id: str, text: str, insertions: list[Insertion]) -> Iterator[TurnStep]:
    whole = turn.append_text(message_id, text)
    ends = list(accumulate(map(len, whole.pieces)))
    done = 0
    for offset, steps in sorted(insertions, key=itemgetter(0)):
        # Never before the first piece: these records come after the first text.
        until = max(1, bisect_right(ends, offset))
        if until > done:
            yield AppendText(message_id, whole.pieces[done:until], whole.tokens)
            done = until
        yield from steps
        if any(isinstance(step, UpdateMessage) and "content" in step.changes for step in steps):
            return  # moderation emptied the text, and nothing more is added to it
    if done < len(whole.pieces):
        yield AppendText(message_id, whole.pieces[done:], whole.tokens)


def _insertions(turn: Turn, message_id: str, length: int) -> Iterator[Insertion]:
    knobs = turn.knobs
    if needs_title(turn) and not turn.version.is_2026:
        yield length * 3 // 10, [title_record(turn)]
    if knobs.unknown:
        records = presentation(turn.conversation.id) if turn.exchange else list(UNKNOWN_RECORDS)
        for index, record in enumerate(records, start=1):
            yield length * index // (len(records) + 1), [SendRecord(record)]
    if knobs.silence:
        yield length // 2, [Pause(knobs.silence)]
    if turn.exchange and knobs.handoff in ("mid", "silent"):
        yield length // 2, [handoff(turn.exchange, turn.conversation.id, knobs)]
    fault = FAULTS.get(knobs.fault)
    if fault and fault.position == "mid":
        # In any language the next piece then has a character of several bytes, which can be cut.
        cut: list[TurnStep] = [AppendText(message_id, ("é🙂",))] if fault.action == "cut_character" else []
        yield length // 2, [TriggerFault(fault), *cut]
    if knobs.moderation == "blocked":
        yield length * 6 // 10, [_moderation(turn, message_id, blocked=True)]
    if knobs.moderation == "blanked":
        emptied = UpdateMessage(message_id, {"content": text_content("")})
        yield length * 6 // 10, [_moderation(turn, message_id, blocked=True), emptied]
    if turn.version.early_finish_tokens:
        early = {"metadata": {"finish_details": turn.finish_details(_finish_reason(turn))}}
        offset = max(0, length - 5 * turn.version.early_finish_tokens)
        yield offset, [UpdateMessage(message_id, early, deferred=True)]


def needs_title(turn: Turn) -> bool:
    """Whether the turn gives its conversation a title."""
    is_new = turn.conversation.title == NEW_TITLE and not turn.conversation.temporary
    return turn.knobs.title and is_new


def title_record(turn: Turn) -> SendRecord:
    """The record that gives the conversation its title."""
    turn.conversation.title = title_for(turn.prompt)
    record = {"type": "title_generation", "title": turn.conversation.title}
    return SendRecord({**record, "conversation_id": turn.conversation.id})


def _moderation(turn: Turn, message_id: str, *, blocked: bool) -> SendRecord:
    kind = {"type": "moderation"} if turn.version.moderation_has_type else {}
    verdict = {"flagged": blocked, "blocked": blocked, "moderation_id": f"modr-{new_id()}"}
    about = {"conversation_id": turn.conversation.id, "message_id": message_id, "is_completion": True}
    return SendRecord({**kind, **about, "moderation_response": verdict})
