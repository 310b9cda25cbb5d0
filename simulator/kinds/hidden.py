"""Turns whose messages are mostly not for the user (protocol notes, sections 20.2 and 20.5).

All that must stay hidden holds the word SECRET.
"""

from collections.abc import Iterator

from simulator.final_answer import final_answer
from simulator.kinds.marked_text import mark
from simulator.messages import JsonObject, code_content, text_content
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import TurnStep


def hidden(turn: Turn) -> Iterator[TurnStep]:
    """A message for each sign by which one is hidden, a shell, an unknown tool, and the answer."""
    signs: tuple[JsonObject, ...] = (
        {"metadata": {"is_visually_hidden_from_conversation": True}},
        {"weight": 0.0},
        {"metadata": {"reasoning_status": "is_reasoning"}},
        {"metadata": {"is_thinking_preamble_message": True}},
        {"channel": "commentary"},
        {"channel": "analysis"},
        {"recipient": "bio"},
    )
    for number, sign in enumerate(signs):
        fields = {"channel": None, "end_turn": False, **sign}
        yield turn.start_assistant_message(text_content(f"SECRET {number}"), **fields, **FINISHED)
    yield turn.start_assistant_message(
        code_content('{"cmd":["bash","-lc","ls SECRET"]}', "unknown"),
        recipient="container.exec",
        channel="analysis",
        **FINISHED,
    )
    output: JsonObject = {"content_type": "execution_output", "text": "SECRET\n"}
    yield turn.start_tool_message("container.exec", output)
    yield turn.start_tool_message("q7dr546", text_content("Saved to memory: SECRET"))
    yield turn.start_tool_message("hologram.show", text_content("SECRET of an unknown tool"))
    yield from final_answer(turn, turn.prompt.localized("That is all.", "就是这些。"))


def placeholder(turn: Turn) -> Iterator[TurnStep]:
    """A widget's message that ends in part, which is no cut by length, and the answer after it."""
    partial: JsonObject = {"status": "finished_partial_completion", "end_turn": False}
    yield turn.start_assistant_message(text_content(mark("genui", "N0Ws")), **partial)
    yield from final_answer(turn, turn.prompt.localized("\n\nThat comes out to 4.", "\n\n结果是 4。"))


def two_answers(turn: Turn) -> Iterator[TurnStep]:
    """An answer, a call, and another answer; both are for the user."""
    yield from turn.assistant_text(turn.prompt.localized("First, it is a drink.", "首先，它是一种饮料。"))
    yield from turn.tool_call("web.run", '{"search_query":[{"q":"tea"}]}', "unknown")
    yield turn.start_tool_message("web.run", text_content("SECRET results"))
    yield from final_answer(turn, turn.prompt.localized("Second, it is hot.", "其次，它是热的。"))


def commentary_only(turn: Turn) -> Iterator[TurnStep]:
    """Words on the way, and nothing after them."""
    start = turn.start_assistant_message(text_content(""), channel="commentary")
    yield start
    yield turn.append_text(start.message.id, turn.prompt.localized("I am looking.", "我正在看。"))
    yield turn.finish_message(start.message.id, end_turn=True)
