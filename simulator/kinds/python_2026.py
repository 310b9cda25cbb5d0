"""Python of 2026: private on the analysis channel, or meant to be seen (protocol notes, section 20.5)."""

from collections.abc import Iterator

from simulator.final_answer import final_answer
from simulator.messages import JsonObject, code_content, new_id
from simulator.pictures import chart
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

PRIVATE, SHOWN = "python", "python_user_visible"


def hidden(turn: Turn) -> Iterator[TurnStep]:
    """A private calculation, and an answer that says nothing of it."""
    yield from run_privately(turn, 'print(len("SECRET-CODE"))', "11\n")
    yield from final_answer(turn, turn.prompt.localized("Eleven letters.", "十一个字母。"))


def shown(turn: Turn) -> Iterator[TurnStep]:
    """Code and output for the user, a chart as a picture of the tool, and an answer."""
    yield from _run(turn, SHOWN, "commentary", "print(6*7)", "42\n")
    file = turn.store_file(f"{new_id()}.png", chart((1.0, 4.0, 9.0), bars=True), sediment=True)
    picture = {
        "content_type": "image_asset_pointer",
        "asset_pointer": file.pointer,
        "size_bytes": file.size,
        "width": 640,
        "height": 400,
        "metadata": None,
    }
    content: JsonObject = {"content_type": "multimodal_text", "parts": [picture]}
    yield from _call(turn, SHOWN, "commentary", "plt.bar(range(3), [1, 4, 9])\nplt.show()")
    yield turn.start_tool_message(SHOWN, content, channel="commentary")
    yield from final_answer(turn, turn.prompt.localized("It is 42, see the chart.", "结果是 42，见图。"))


def run_privately(turn: Turn, code: str, output: str) -> Iterator[TurnStep]:
    """A call that nobody sees, and its result."""
    yield from _run(turn, PRIVATE, "analysis", code, output)


def _run(turn: Turn, tool: str, channel: str, code: str, output: str) -> Iterator[TurnStep]:
    yield from _call(turn, tool, channel, code)
    content: JsonObject = {"content_type": "execution_output", "text": output}
    result = {"aggregate_result": {"status": "success", "code": code, "messages": []}}
    yield turn.start_tool_message(tool, content, channel=channel, metadata=result)


def _call(turn: Turn, tool: str, channel: str, code: str) -> Iterator[TurnStep]:
    start = turn.start_assistant_message(code_content("", "unknown"), recipient=tool, channel=channel)
    yield start
    yield turn.append_text(start.message.id, code)
    yield turn.finish_message(start.message.id, end_turn=False)
