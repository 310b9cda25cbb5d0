"""Prompts that tell of tools and JSON, in the words of nobody in particular."""

import json
from typing import Any

from simulator import Simulator
from tests.simulator.client import Answer, ask, message

TAG = "call-7f3a9c12"
RESULT = "result-7f3a9c12"
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
SHELL = {"type": "object", "properties": {"cmd": {"type": "string"}}, "required": ["cmd"]}
MUST = "\n\n(You must call at least one tool now.)"
TOOLS: dict[str, dict[str, Any]] = {"get_weather": WEATHER, "exec_command": SHELL}


def tools_text(tools: dict[str, dict[str, Any]] | None = None, tag: str = TAG, more: str = "") -> str:
    """An example of a call, and a list of tools: schemas by name."""
    tools = TOOLS if tools is None else tools
    listed = [
        f"- {name}: It does things.\n  parameters: {json.dumps(schema)}" for name, schema in tools.items()
    ]
    example = f'<{tag} name="tool_name">\n{{"argument": "value"}}\n</{tag}>'
    return "\n".join(
        ["Call tools like this:", "", example, "", more, "The tools:", "", *listed, "", "No others."]
    )


def json_text(schema: dict[str, Any]) -> str:
    """A form that the answer is to have."""
    return f"Answer with only the JSON, no prose.\nIt must fit this JSON schema:\n{json.dumps(schema)}"


def call_of(name: str, body: str, tag: str = TAG) -> str:
    """A call as it should be written."""
    return f'<{tag} name="{name}">\n{body}\n</{tag}>'


OSLO = call_of("get_weather", '{"city": "Oslo"}')


def result_of(name: str, text: str) -> str:
    """A result as the service writes it."""
    return f'<{RESULT} name="{name}" id="call_1">\n{text}\n</{RESULT}>'


async def ask_with_tools(simulator: Simulator, question: str, **fields: Any) -> Answer:
    """A question after the text of `tools_text`."""
    return await ask(simulator, message(tools_text(), "system"), question, **fields)


async def go_on(simulator: Simulator, answer: Answer, *said: Any, after: Answer | None = None) -> Answer:
    """Post in the conversation of `answer`, after its answer or that of another one."""
    return await ask(
        simulator,
        *said,
        conversation_id=answer.records[0]["conversation_id"],
        parent_message_id=(after or answer).messages[-1]["id"],
    )
