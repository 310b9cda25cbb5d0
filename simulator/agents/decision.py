"""Which tools a model calls, and with what: when it must, and when the user's words ask for it."""

import json
import re
from dataclasses import dataclass
from typing import Any

from simulator.agents.instructions import Instructions, OfferedTool
from simulator.agents.question import Question
from simulator.agents.schema_instances import instance_of

SHELLS = ("exec_command", "shell", "bash", "run_shell_command", "local_shell", "execute_command", "terminal")
_READ = 10_000
"""Characters of the beginning and of the end of a question that are read."""
_MOST = 8
"""Calls of one answer."""
_WORD = re.compile(r"[a-z]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_WORDS = frozenset(
    _WORD.findall(
        "the and for with from this that your you one any all use used using can will not are into"
        " when what which who how get set list read write edit run make create update delete find"
        " fetch call tool tools function execute exec show send add new user users text value values"
        " name names item items file files result results input output given returns return current"
        " data information info task tasks message messages question answer tell about please know web"
        " code mcp plan view image agent agents final"
    )
)
"""Words that say nothing of what a tool is for."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is to be written; `arguments` is a text for a raw tool."""

    tool: OfferedTool
    arguments: Any

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.tool.name


def question_of(asked: Instructions) -> Question:
    """The question, as far as it is read, and what tools have given."""
    text = asked.question
    text = text if len(text) <= 2 * _READ else f"{text[:_READ]}\n{text[-_READ:]}"
    return Question(text, tuple(result_as_text(result.text, 200) for result in asked.results))


def result_as_text(text: str, most: int) -> str:
    """What a tool has given in a form that can stand in an answer: JSON without line breaks, and no more than
    about `most` characters.
    """
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = text.strip()
    return text if len(text) <= most else f"{text[: most // 2]} … {text[-most // 2 :]}"


def wanted_calls(asked: Instructions) -> tuple[Call, ...]:
    """The calls that an obeying model makes; none if it is to answer in words."""
    tools = [tool for tool in asked.tools if not asked.allowed or tool.name in asked.allowed]
    question = question_of(asked)
    if not tools or asked.forbidden or (asked.results and not asked.must):
        return ()
    if asked.results:  # what was called has answered, so another one is meant
        tools = [tool for tool in tools if tool.name not in asked.called] or tools
    chosen = [] if question.wants_no_tools and not asked.must else _wished(tools, question)
    if not chosen and asked.must:
        chosen = tools[:1]
    if asked.single:
        chosen = chosen[:1]
    return _with_arguments(chosen, question, single=asked.single or bool(asked.results))


def _wished(tools: list[OfferedTool], question: Question) -> list[OfferedTool]:
    """The tools that the question names, or the one that its words or its command are about."""
    named = [tool for tool in tools if _is_named(tool, question)]
    if named:
        return named
    if question.command:
        shells = [tool for tool in tools if tool.name.lower() in SHELLS]
        if shells:
            return shells[:1]
    rated = [(_likeness(tool, question), -at) for at, tool in enumerate(tools)]
    best, at = max(rated)
    return [tools[-at]] if best >= 2 else []


def _is_named(tool: OfferedTool, question: Question) -> bool:
    """Whether the question has the tool's name: in any form if nobody says it by chance."""
    if re.search(r"[_\d.-]|(?<=[a-z])[A-Z]", tool.name):
        return question.names(tool.name)
    name = re.escape(tool.name)
    told = rf"\b(?:use|call|invoke|with)\s+(?:the\s+)?[`\"']?{name}\b|\b{name} tool\b"
    return tool.name in question.quoted or bool(re.search(told, question.text, re.IGNORECASE))


def _likeness(tool: OfferedTool, question: Question) -> int:
    """2 for each telling word of the name that the question has, 1 for each of the description's first."""
    said = _telling(question.text)
    if not said:
        return 0
    name = _telling(_CAMEL.sub(" ", tool.name))
    about = _telling(re.split(r"[.\n]", tool.description, maxsplit=1)[0][:300]) - name
    return 2 * len(name & said) + len(about & said)


def _telling(text: str) -> set[str]:
    words = {word.removesuffix("s") if len(word) > 3 else word for word in _WORD.findall(text.lower())}
    return {word for word in words if len(word) > 2 and word not in _PLAIN_WORDS}


def _with_arguments(chosen: list[OfferedTool], question: Question, *, single: bool) -> tuple[Call, ...]:
    if len(chosen) == 1 and not single:
        # One call for each of several places, or as many as it asks for.
        chosen = chosen * min(max(question.calls, len(question.places), 1), _MOST)
    return tuple(_call(tool, question.beginning_at(at)) for at, tool in enumerate(chosen))


def _call(tool: OfferedTool, question: Question) -> Call:
    if tool.raw:
        text = next(iter(question.quoted), question.topic)
        return Call(tool, _patch(question, text) if "patch" in tool.name else question.command or text)
    return Call(tool, instance_of(tool.schema or {"type": "object"}, question))


def _patch(question: Question, text: str) -> str:
    """A new file with that text, as agents have changes of files written."""
    name = next(iter(question.paths), "notes.txt")
    added = "\n".join(f"+{line}" for line in text.splitlines())
    return f"*** Begin Patch\n*** Add File: {name}\n{added}\n*** End Patch"
