"""What comes before the answer of a model that thinks: its context, its thoughts, a recap."""

from collections.abc import Iterator

from simulator.messages import JsonObject, new_id
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import TurnStep


def thoughts(turn: Turn) -> Iterator[TurnStep]:
    """Thoughts on the analysis channel and the time they took; nothing of it belongs to the answer."""
    context: JsonObject = {"content_type": "model_editable_context", "model_set_context": "PRIVATE-CONTEXT"}
    yield turn.start_assistant_message({**context, "repository": None}, **FINISHED)
    thought = {"summary": turn.prompt.localized("Reading the question", "阅读问题"), "content": ""}
    content: JsonObject = {
        "content_type": "thoughts",
        "thoughts": [thought],
        "source_analysis_msg_id": new_id(),
    }
    start = turn.start_assistant_message(content, channel="analysis")
    yield start
    beginning = turn.prompt.localized("The user asks about ", "用户问的是")
    yield turn.append_text(start.message.id, f"THOUGHT: {beginning}{turn.prompt.topic}.")
    yield turn.finish_message(start.message.id, end_turn=False)
    recap = turn.prompt.localized("Thought for 2 seconds", "已思考 2 秒")
    yield turn.start_assistant_message({"content_type": "reasoning_recap", "content": recap}, **FINISHED)
