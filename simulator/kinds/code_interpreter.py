"""Code interpreter turns: calls to python, their output, an answer (protocol notes, section 8.2)."""

import re
from collections.abc import Iterator
from typing import Any

from simulator.answers import calculate, find_calculation, format_number
from simulator.final_answer import final_answer
from simulator.messages import JsonObject, new_id
from simulator.pictures import chart
from simulator.turn import Turn
from simulator.turn_steps import TurnStep, UpdateMessage

_USER_CODE = re.compile(r"```(?:python|py)?\s*\n(.*?)```", re.DOTALL)
FIGURE_MARK = "<<ImageDisplayed>>"
"""Stands for a figure in the text of an output."""

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
FAULTY_CODE = 'data = {"tea": 3}\nprint(data["coffee"])'
TRACEBACK = """---------------------------------------------------------------------------
KeyError                                  Traceback (most recent call last)
Cell In[2], line 2
      1 data = {"tea": 3}
----> 2 print(data["coffee"])

KeyError: 'coffee'"""


def calculation(turn: Turn) -> Iterator[TurnStep]:
    """One call: the calculation in the question, the code in it, or a count of its words."""
    code, output = _code_for(turn)
    yield from run(turn, code, output)
    last = output.strip().splitlines()[-1]
    yield from final_answer(turn, turn.prompt.localized(f"The result is {last}.", f"结果是 {last}。"))


def several_rounds(turn: Turn) -> Iterator[TurnStep]:
    """Several calls with text between them: a result in two parts, an error, a figure; and an answer."""
    first = turn.prompt.localized("Let me look at this step by step.", "让我一步一步来看。")
    yield from turn.assistant_text(first)
    yield from run(turn, "for n in range(3):\n    print(n, n**2)", "0 0\n1 1\n", "2 4\n")
    yield from turn.assistant_text(turn.prompt.localized("Now the data.", "接下来看数据。"))
    yield from failing_run(turn)
    retry = turn.prompt.localized("That key does not exist; I try again.", "这个键不存在，我再试一次。")
    yield from turn.assistant_text(retry)
    yield from figure_run(turn, before="5 points\n")
    done = turn.prompt.localized("Done: the figure shows the values.", "完成：图中是这些数值。")
    yield from final_answer(turn, done)


def error(turn: Turn) -> Iterator[TurnStep]:
    """Code that raises an exception, and an answer that says so."""
    yield from failing_run(turn)
    sorry = turn.prompt.localized("The code raised a `KeyError`.", "代码抛出了 `KeyError`。")
    yield from final_answer(turn, sorry)


def figure(turn: Turn) -> Iterator[TurnStep]:
    """A chart, and an answer."""
    yield from figure_run(turn)
    yield from final_answer(turn, turn.prompt.localized("Here is the chart. 📈", "这是图表。📈"))


def tool_error(turn: Turn) -> Iterator[TurnStep]:
    """The tool itself fails with system_error, and the model answers without it."""
    yield from turn.tool_call("python", "print(6*7)", "python")
    content = {
        "content_type": "system_error",
        "name": "AceInternalException",
        "text": "Encountered exception: <class 'ace_common.ace_exception.AceInternalException'>.",
    }
    yield turn.start_tool_message("python", content)
    yield from final_answer(
        turn, turn.prompt.localized("Without the tool: 6*7 is 42.", "不用工具也知道：6*7 是 42。")
    )


def run(turn: Turn, code: str, *outputs: str) -> Iterator[TurnStep]:
    """A call and its result; each of the `outputs` is added in a snapshot of its own."""
    yield from turn.tool_call("python", code, "python")
    running = turn.start_tool_message(
        "python", _output(""), running=True, metadata=_result(turn, code, "running")
    )
    yield running
    so_far = ""
    for output in outputs[:-1]:
        so_far += output
        yield UpdateMessage(running.message.id, {"content": _output(so_far)})
    so_far += outputs[-1]
    messages = [_stream_message(turn, text) for text in outputs]
    yield _finished(running.message.id, so_far, _result(turn, code, "success", messages=messages))


def failing_run(turn: Turn) -> Iterator[TurnStep]:
    """A call whose code raises an exception."""
    yield from turn.tool_call("python", FAULTY_CODE, "python")
    running = turn.start_tool_message(
        "python", _output(""), running=True, metadata=_result(turn, FAULTY_CODE, "running")
    )
    yield running
    raised = {"name": "KeyError", "traceback": TRACEBACK.splitlines(), "args": ["'coffee'"], "notes": []}
    status = "failed_with_in_kernel_exception"
    result = _result(turn, FAULTY_CODE, status, in_kernel_exception=raised)
    yield _finished(running.message.id, TRACEBACK, result)


def figure_run(turn: Turn, before: str = "") -> Iterator[TurnStep]:
    """A call that shows a chart of the numbers in the question, after the output `before`."""
    numbers = [float(number) for number in _NUMBER.findall(turn.prompt.plain)][:50]
    values = numbers if len(numbers) > 2 else [1.0, 4.0, 9.0, 16.0, 25.0]
    bars = turn.rng.random() < 0.5
    draw = f"plt.{'bar(range(len(values)), values)' if bars else 'plot(values)'}"
    code = f'import matplotlib.pyplot as plt\n\nvalues = {values}\n{draw}\nplt.title("数值")\nplt.show()'
    file = turn.store_file(f"{new_id()}.png", chart(tuple(values), bars=bars))
    pointer = file.pointer
    yield from turn.tool_call("python", code, "python")
    running = turn.start_tool_message(
        "python", _output(""), running=True, metadata=_result(turn, code, "running")
    )
    yield running
    now = turn.clock()
    image = {
        "message_type": "image",
        "time": now,
        "sender": "server",
        "image_payload": None,
        "image_url": pointer,
    }
    shown = [*([_stream_message(turn, before)] if before else []), image]
    data = {"text/plain": "<Figure size 640x400 with 1 Axes>", "image/vnd.openai.fileservice.png": pointer}
    jupyter = [{"msg_type": "display_data", "parent_header": {"version": "5.3"}, "content": {"data": data}}]
    result = _result(turn, code, "success", messages=shown, jupyter_messages=jupyter)
    yield _finished(running.message.id, f"{before}\n{FIGURE_MARK}", result)


def _code_for(turn: Turn) -> tuple[str, str]:
    """Code, and the output that the simulated tool gives for it."""
    sent = _USER_CODE.search(turn.prompt.question)
    if sent:
        return sent.group(1).rstrip(), turn.prompt.localized("(simulated output)\n", "（模拟输出）\n")
    written = find_calculation(turn.prompt.plain)
    value = calculate(written) if written else None
    if written and value is not None:
        code = written.replace("×", "*").replace("÷", "/").replace(",", "").strip()
        return f"print({code})", f"{format_number(value)}\n"
    words = len(turn.prompt.question.split())
    return f"text = {turn.prompt.question!r}\nprint(len(text.split()))", f"{words}\n"


def _output(text: str) -> JsonObject:
    return {"content_type": "execution_output", "text": text}


def _finished(message_id: str, text: str, result: JsonObject) -> UpdateMessage:
    metadata = {**result, "is_complete": True}
    return UpdateMessage(
        message_id, {"content": _output(text), "metadata": metadata, "status": "finished_successfully"}
    )


def _stream_message(turn: Turn, text: str) -> JsonObject:
    named = {"message_type": "stream", "sender": "server", "stream_name": "stdout"}
    return {**named, "time": turn.clock(), "text": text}


def _result(turn: Turn, code: str, status: str, **more: Any) -> JsonObject:
    """Metadata of the tool message; any `status` but running is final."""
    now = turn.clock()
    result = {
        "status": status,
        "run_id": new_id(),
        "start_time": now,
        "update_time": now,
        "code": code,
        "end_time": None if status == "running" else now,
        "final_expression_output": None,
        "in_kernel_exception": None,
        "system_exception": None,
        "messages": [],
        "jupyter_messages": [],
        "timeout_triggered": None,
    }
    return {"aggregate_result": {**result, **more}}
