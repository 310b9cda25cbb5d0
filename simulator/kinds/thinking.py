"""What comes before the answer since models think: their context, their thoughts, a recap."""

from collections.abc import Iterator

from simulator.messages import JsonObject, new_id
from simulator.steps import Step
from simulator.turn import DONE, Turn


def thinking(turn: Turn) -> Iterator[Step]:
    """Thoughts on the analysis channel and how long they took; nothing of it is the answer."""
    context: JsonObject = {"content_type": "model_editable_context", "model_set_context": "PRIVATE-CONTEXT"}
    yield turn.begin_assistant({**context, "repository": None}, **DONE)
    thought = {"summary": turn.prompt.either("Reading the question", "阅读问题"), "content": ""}
    content: JsonObject = {
        "content_type": "thoughts",
        "thoughts": [thought],
        "source_analysis_msg_id": new_id(),
    }
    begin = turn.begin_assistant(content, channel="analysis")
    yield begin
    said = turn.prompt.either("The user asks about ", "用户问的是")
    yield turn.grow(begin.message.id, f"THOUGHT: {said}{turn.prompt.topic}.")
    yield turn.finish(begin.message.id, end_turn=False)
    recap = turn.prompt.either("Thought for 2 seconds", "已思考 2 秒")
    yield turn.begin_assistant({"content_type": "reasoning_recap", "content": recap}, **DONE)
