"""The last message of a turn: its text, with all that may come in between."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import itemgetter

from simulator.answers import title_for
from simulator.conversations import NEW_TITLE
from simulator.faults import FAULTS
from simulator.messages import JsonObject, new_id, text_content
from simulator.steps import Break, Grow, Note, Pause, Revise, Step
from simulator.tokens import split_tokens
from simulator.turn import Turn

UNKNOWN_RECORDS: tuple[JsonObject, ...] = (
    {},
    {"type": "sim_future_record", "payload": {"message": "not one"}},
    {"conversation_id": "00000000-0000-0000-0000-000000000000"},
    {"type": "url_moderation", "url_moderation_result": {"full_url": "https://x.example/", "is_safe": True}},
)

Interlude = tuple[int, list[Step]]
"""Steps that come before the piece which holds the character at that offset."""


def answer(turn: Turn, text: str, metadata: Iterable[tuple[int, JsonObject]] = ()) -> Iterator[Step]:
    """The empty message, its growth, its end.

    ``metadata`` is attached quietly before the piece that holds the character at its offset, so that it is
    first seen together with that piece.
    """
    turn.answered = True
    text, rest = _cut_by_length(turn, text)
    begin = turn.begin_assistant(text_content(""))
    message_id = begin.message.id
    if rest:
        turn.conversation.rest[message_id] = rest
    attached: list[Interlude] = [
        (offset, [Revise(message_id, {"metadata": more}, quiet=True)]) for offset, more in metadata
    ]
    yield begin
    yield from _grow(turn, message_id, text, [*attached, *_interludes(turn, message_id, len(text))])
    if turn.knobs.moderation == "passed":
        yield _moderation(turn, message_id, blocked=False)
    usual = turn.age.finished or turn.dialect == "delta"
    if usual if turn.knobs.finished is None else turn.knobs.finished:
        yield turn.finish(message_id, end_turn=not rest, how=_how_it_ends(turn))


def _how_it_ends(turn: Turn) -> str:
    """A continuation says the rest, so it is not cut again."""
    cut = turn.knobs.finish == "max_tokens"
    return "stop" if cut and turn.request.action == "continue" else turn.knobs.finish


def _cut_by_length(turn: Turn, text: str) -> tuple[str, str]:
    """With ``finish=max_tokens`` an answer stops half way; the rest is for a ``continue``."""
    if turn.knobs.finish != "max_tokens" or turn.request.action == "continue":
        return text, ""
    tokens = split_tokens(text)
    half = (len(tokens) + 1) // 2
    return "".join(tokens[:half]), "".join(tokens[half:])


def _grow(turn: Turn, message_id: str, text: str, interludes: list[Interlude]) -> Iterator[Step]:
    grow = turn.grow(message_id, text)
    ends = list(accumulate(map(len, grow.pieces)))
    done = 0
    for offset, steps in sorted(interludes, key=itemgetter(0)):
        # Never before the first piece: these records come after the first text.
        here = max(1, bisect_right(ends, offset))
        if here > done:
            yield Grow(message_id, grow.pieces[done:here], grow.tokens)
            done = here
        yield from steps
        if any(isinstance(step, Revise) and "content" in step.changes for step in steps):
            return  # moderation emptied the text; nothing more is said
    if done < len(grow.pieces):
        yield Grow(message_id, grow.pieces[done:], grow.tokens)


def _interludes(turn: Turn, message_id: str, length: int) -> Iterator[Interlude]:
    """What the knobs want between the pieces."""
    knobs = turn.knobs
    if knobs.title and turn.conversation.title == NEW_TITLE and not turn.conversation.temporary:
        yield length * 3 // 10, [_title(turn)]
    if knobs.unknown:
        for index, record in enumerate(UNKNOWN_RECORDS, start=1):
            yield length * index // 5, [Note(record)]
    if knobs.silence:
        yield length // 2, [Pause(knobs.silence)]
    fault = FAULTS.get(knobs.fault)
    if fault and fault.place == "mid":
        # Whatever the language, the next piece has a character to be cut.
        cut: list[Step] = [Grow(message_id, ("é🙂",))] if fault.action == "cut_character" else []
        yield length // 2, [Break(fault), *cut]
    if knobs.moderation == "blocked":
        yield length * 6 // 10, [_moderation(turn, message_id, blocked=True)]
    if knobs.moderation == "blanked":
        emptied = Revise(message_id, {"content": text_content("")})
        yield length * 6 // 10, [_moderation(turn, message_id, blocked=True), emptied]
    if turn.age.early_finish:
        early = {"metadata": {"finish_details": turn.finish_details(_how_it_ends(turn))}}
        yield max(0, length - 5 * turn.age.early_finish), [Revise(message_id, early, quiet=True)]


def _title(turn: Turn) -> Note:
    turn.conversation.title = title_for(turn.prompt)
    record = {"type": "title_generation", "title": turn.conversation.title}
    return Note({**record, "conversation_id": turn.conversation.id})


def _moderation(turn: Turn, message_id: str, *, blocked: bool) -> Note:
    kind = {"type": "moderation"} if turn.age.typed_moderation else {}
    verdict = {"flagged": blocked, "blocked": blocked, "moderation_id": f"modr-{new_id()}"}
    about = {"conversation_id": turn.conversation.id, "message_id": message_id, "is_completion": True}
    return Note({**kind, **about, "moderation_response": verdict})
