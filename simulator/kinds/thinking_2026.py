"""Thoughts of a model of 2026: headlines, contents that grow, a preamble (protocol notes, section 20.2)."""

from collections.abc import Iterator

from simulator.answers import compose_answer
from simulator.final_answer import final_answer
from simulator.messages import Edit, JsonObject, new_id, text_content
from simulator.tokens import split_tokens
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import EditMessage, TurnStep

SECONDS = 4
"""How long all thoughts are said to have taken."""


def thoughts_2026(turn: Turn) -> Iterator[TurnStep]:
    """The hidden context, two thoughts that grow, and how long they took."""
    context: JsonObject = {"content_type": "model_editable_context", "model_set_context": "PRIVATE-CONTEXT"}
    yield turn.start_assistant_message(
        {**context, "repository": None, "repo_summary": None, "structured_context": None},
        channel=None,
        metadata={"is_visually_hidden_from_conversation": True},
        **FINISHED,
    )
    yield from grown_thoughts(turn, _thoughts_about(turn))
    yield recap(turn)


def thinking(turn: Turn) -> Iterator[TurnStep]:
    """A preamble, thoughts unless the model has had them already, and an answer."""
    localized = turn.prompt.localized
    yield from preamble(turn, localized("I will think about it first.", "我先想一想。"))
    if not turn.of_2026.thinks:
        yield from thoughts_2026(turn)
    yield from final_answer(turn, compose_answer(turn.prompt))


def preamble(turn: Turn, text: str) -> Iterator[TurnStep]:
    """Words on the way, which are no part of the answer."""
    start = turn.start_assistant_message(
        text_content(""), channel="commentary", metadata={"is_thinking_preamble_message": True}
    )
    yield start
    yield turn.append_text(start.message.id, text)
    yield turn.finish_message(start.message.id, end_turn=False)


def grown_thoughts(turn: Turn, thoughts: list[tuple[str, str]]) -> Iterator[TurnStep]:
    """A message of thoughts, pairs of headline and content, which begins without any."""
    content: JsonObject = {"content_type": "thoughts", "thoughts": [], "source_analysis_msg_id": new_id()}
    start = turn.start_assistant_message(
        content, channel="analysis", metadata={"reasoning_status": "is_reasoning"}
    )
    yield start
    message_id = start.message.id
    for number, (summary, text) in enumerate(thoughts):
        empty = {"summary": summary, "content": "", "chunks": [], "finished": False}
        yield EditMessage(message_id, (Edit(("content", "thoughts"), "append", [empty]),))
        for piece in split_tokens(text):
            grown = Edit(("content", "thoughts", number, "content"), "append", piece)
            yield EditMessage(message_id, (grown,), tokens=1.0)
        yield EditMessage(message_id, (Edit(("content", "thoughts", number, "finished"), "replace", True),))
    yield turn.finish_message(message_id, end_turn=False)


def recap(turn: Turn) -> TurnStep:
    """How long the thoughts took."""
    text = turn.prompt.localized(f"Thought for {SECONDS}s", f"已思考 {SECONDS} 秒")
    return turn.start_assistant_message(
        {"content_type": "reasoning_recap", "content": text},
        channel=None,
        end_turn=False,
        metadata={"reasoning_status": "reasoning_ended", "finished_duration_sec": SECONDS},
        **FINISHED,
    )


def _thoughts_about(turn: Turn) -> list[tuple[str, str]]:
    localized, topic = turn.prompt.localized, turn.prompt.topic
    return [
        (
            localized("Reading the question", "阅读问题"),
            f"THOUGHT: {localized('it is about', '问的是')} {topic}.",
        ),
        (
            localized("Choosing words", "斟酌措辞"),
            f"THOUGHT: {localized('a short answer will do', '简短即可')}.",
        ),
    ]
