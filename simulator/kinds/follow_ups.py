"""Questions about what the conversation has: its last picture drawn in another way, its last output told."""

import re
from collections.abc import Iterator
from dataclasses import replace

from simulator.final_answer import final_answer
from simulator.messages import Message, text_of
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

_CHANGE = re.compile(
    r"\b(?:make|turn|colou?r) (?:it|them|(?:the|that) [\w ]{1,30}?)(?: into| more)? (\w[\w ,-]{1,60})"
    r"|把.{1,10}?(?:变成|改成|换成)(.{1,20})",
    re.IGNORECASE,
)
_RESULT = re.compile(r"\b(?:result|output|printed?)\b|结果|输出", re.IGNORECASE)


def is_redrawn(turn: Turn) -> bool:
    """Whether the question asks for the last picture in another way; then the prompt says which."""
    change = _CHANGE.search(turn.prompt.plain)
    drawn = next(filter(None, map(_drawn_in, reversed(_earlier(turn)))), "") if change else ""
    if not change or not drawn:
        return False
    how = (change[1] or change[2]).strip()
    question = turn.prompt.localized(f"Draw {drawn}, {how}", f"画{drawn}，{how}")
    turn.prompt = replace(turn.prompt, question=question)
    return True


def last_output(turn: Turn) -> Iterator[TurnStep] | None:
    """What the last program of the conversation has printed, if the question asks for it."""
    if not _RESULT.search(turn.prompt.plain):
        return None
    outputs = [each for each in _earlier(turn) if each.content.get("content_type") == "execution_output"]
    if not outputs:
        return None
    printed = text_of(outputs[-1].content) or str(outputs[-1].content.get("text", ""))
    lines = printed.strip().splitlines() or [""]
    return final_answer(
        turn, turn.prompt.localized(f"The program printed {lines[-1]}.", f"程序输出了 {lines[-1]}。")
    )


def _earlier(turn: Turn) -> list[Message]:
    """The messages that the question goes on with."""
    request = turn.request
    return turn.conversation.branch(request.parent_message_id) if request.conversation_id else []


def _drawn_in(message: Message) -> str:
    """What the pictures of a message show; empty if it has none that was drawn."""
    parts = message.content.get("parts") or []
    for part in parts:
        drawn = (part.get("metadata") or {}).get("dalle") if isinstance(part, dict) else None
        if drawn is not None:
            title = message.metadata.get("image_gen_title") or drawn.get("prompt")
            return str(title or "")
    return ""
