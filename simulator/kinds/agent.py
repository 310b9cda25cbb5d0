"""Turns of a model that was told of tools to call, or of JSON to answer with."""

from collections.abc import Iterator

from simulator.agents import (
    Habit,
    Result,
    instance_of,
    question_of,
    result_as_text,
    wanted_calls,
    written_calls,
    written_json,
)
from simulator.answers import compose_answer
from simulator.conversations import Disobedience
from simulator.final_answer import final_answer
from simulator.kinds import code_interpreter, python_2026
from simulator.turn import Turn
from simulator.turn_steps import StartMessage, TurnStep


def agent(turn: Turn) -> Iterator[TurnStep] | None:
    """Calls of the client's tools, JSON, or words; None for words where the backend's own tools may do it."""
    asked, habit = turn.asked, Habit(turn.habit, turn.knobs.tokens)
    calls = wanted_calls(asked)
    if not calls and not asked.wants_json:
        if asked.results:
            return final_answer(turn, _about(turn, asked.results))
        request = turn.request
        own = asked.own_too or request.system_hints or request.attached_file_ids or turn.gizmo
        return None if own else final_answer(turn, compose_answer(turn.prompt))
    if habit.name == "python":
        return _with_own_python(turn)
    if habit.name in ("prose", "refuse", "blank"):
        return _answer(turn, _instead(turn, habit.name, forced=bool(calls)))
    if calls:
        return _answer(turn, written_calls(calls, asked, habit))
    schema = asked.schema or {"type": "object", "properties": {"answer": {}}}
    value = instance_of(schema, question_of(asked))
    return _answer(turn, written_json(value, schema, habit))


def _answer(turn: Turn, text: str) -> Iterator[TurnStep]:
    """An answer that may not be what was asked for, which is remembered for when it is asked for again."""
    for step in final_answer(turn, text):
        if turn.habit and isinstance(step, StartMessage):
            turn.conversation.remember(
                step.message.id, Disobedience(turn.habit, turn.knobs.amends, turn.asked)
            )
        yield step


def _instead(turn: Turn, habit: str, *, forced: bool) -> str:
    if habit == "blank":
        return "\n\n"
    if habit == "refuse":
        what = "tools of that kind" if forced else "answers in that form"
        return turn.prompt.localized(f"I'm sorry, but I have no {what} here.", "抱歉，我这里没有这样的工具。")
    return compose_answer(turn.prompt)


def _with_own_python(turn: Turn) -> Iterator[TurnStep]:
    run = python_2026.run_privately if turn.exchange else code_interpreter.run
    yield from run(turn, "import os\nprint(os.getcwd())", "/home/sandbox\n")
    said = turn.prompt.localized(
        "Done: I ran it here, in `/home/sandbox`.", "完成：我在 `/home/sandbox` 里运行了。"
    )
    yield from _answer(turn, said)


def _about(turn: Turn, results: tuple[Result, ...]) -> str:
    """Words that tell what tools have given."""
    localized = turn.prompt.localized
    lines = []
    for result in results:
        fared = localized("failed", "失败了") if result.failed else localized("gave", "的结果")
        lines.append(
            f"{localized('The tool', '工具')} `{result.name}` {fared}: {result_as_text(result.text, 4000)}"
        )
    return "\n".join(lines)
