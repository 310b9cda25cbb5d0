"""How a model writes its calls and its JSON, by its habit (see `habit_names`)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.agents.decision import Call
from simulator.agents.instructions import Instructions
from simulator.agents.json_forms import JSON_FORMS, well, with_text
from simulator.messages import JsonObject

BEFORE = "I will look that up."
AFTER = "The tool says that all is well: 21 degrees, and no clouds. Is there anything else?"
BETWEEN = "And now the other one."
OTHER_TAG = "call-00c0ffee"
UNKNOWN_TOOL = "no_such_tool"
MANY = 1000


@dataclass(frozen=True, slots=True)
class Habit:
    """A habit by its name; `size` is the knob `tokens`, 0 for any."""

    name: str = ""
    size: int = 0


def written_calls(calls: Sequence[Call], asked: Instructions, habit: Habit) -> str:
    """The whole answer that makes these calls; there is at least one."""
    if habit.name in ("twice", "between") and len(calls) == 1:
        calls = [*calls, *calls]
    if habit.name == "openers":
        return f'<{asked.tag} name="{calls[0].name}">\n' * (habit.size or MANY)
    pieces = [_envelope(call, asked.tag, habit) for call in calls]
    if habit.name == "cut":
        return pieces[0]
    if habit.name == "between":
        return f"\n{BETWEEN}\n".join(pieces)
    return _set_in(habit.name, "\n".join(pieces))


def written_json(value: Any, schema: JsonObject, habit: Habit) -> str:
    """The whole answer that is this value in JSON."""
    if habit.name == "huge":
        value = with_text(value, schema, "x" * (1000 * (habit.size or MANY)))
    text = JSON_FORMS.get(habit.name, well)(value, schema)
    if habit.name in ("twice", "between"):
        other = well(with_text(value, schema, ", or another"), schema)
        return f"{text}\n{BETWEEN if habit.name == 'between' else ''}\n{other}"
    return _set_in(habit.name, text)


def _set_in(habit: str, text: str) -> str:
    """`text` with what a habit puts around it."""
    around: dict[str, Callable[[], str]] = {
        "before": lambda: f"{BEFORE}\n\n{text}",
        "after": lambda: f"{text}\n\n{AFTER}",
        "fenced": lambda: f"```\n{text}\n```",
        "quoted": lambda: f"It would look like this:\n\n```\n{text}\n```\n\nShall I?",
        "inline": lambda: f"I would write `{' '.join(text.split())}` for that.",
        "entities": lambda: text.replace("<", "&lt;").replace(">", "&gt;"),
    }
    return around.get(habit, lambda: text)()


def _envelope(call: Call, tag: str, habit: Habit) -> str:
    body = _body(call, tag, habit)
    tag = OTHER_TAG if habit.name == "wrong_tag" else tag
    name = "" if habit.name == "nameless" else f' name="{_name(call.name, habit.name)}"'
    opening = f"<{tag}{name}{' raw' if call.tool.raw else ''}>"
    closing = "" if habit.name in ("unclosed", "cut") else f"</{tag}>"
    space = "" if habit.name == "one_line" else "\n"
    whole = f"{opening}{space}{body}{space}{closing}".rstrip("\n")
    if habit.name == "false_start":
        return f"{opening}\n{body[: len(body) // 2]}\n{whole}"
    return whole


def _name(name: str, habit: str) -> str:
    if habit == "unknown":
        return UNKNOWN_TOOL
    if habit == "near_name":
        return name.removesuffix("s") if name.endswith("s") else f"{name}s"
    if habit == "wrong_case":
        return name.upper() if name == name.lower() else name.lower()
    return f"functions.{name}" if habit == "prefixed" else name


def _body(call: Call, tag: str, habit: Habit) -> str:
    more = ""
    if habit.name == "closing_inside":
        more = f" </{tag}> and on"
    elif habit.name == "huge":
        more = "x" * (1000 * (habit.size or MANY))
    if call.tool.raw:
        text = f"{call.arguments}{more}"
        return text[: len(text) // 2] if habit.name == "cut" else text
    schema = call.tool.schema
    value = with_text(call.arguments, schema, more) if more else call.arguments
    return JSON_FORMS.get(habit.name, well)(value, schema)
