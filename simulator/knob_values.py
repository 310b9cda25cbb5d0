"""What the value of a knob may be: functions from the text that was given, and the knob itself."""

from collections.abc import Callable, Mapping
from dataclasses import field, fields, replace
from typing import Any, TypeVar

from simulator.faults import FAULTS
from simulator.refusals import REFUSALS, named_refusal

Table = TypeVar("Table")
"""A dataclass whose fields are knobs."""


class InvalidKnob(ValueError):
    """No such knob, or a value that it cannot have. The text names the knob and what it accepts."""


def number(text: str) -> float:
    """A number of 0 or more. Raises ValueError, as all of these do."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError("must be 0 or more")
    return value


def count(text: str) -> int:
    """A whole number of 0 or more; what is behind the point is dropped."""
    return int(number(text))


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = number(text)
    if value > 1:
        raise ValueError("must be at most 1")
    return value


def switch(text: str) -> bool:
    """On or off."""
    if text.lower() in ("1", "true", "on", "yes"):
        return True
    if text.lower() in ("0", "false", "off", "no"):
        return False
    raise ValueError("must be 1 or 0")


def one_of(*choices: str) -> Callable[[str], str]:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError("must be one of " + ", ".join(choices))
        return text

    return parse


def or_age(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Accepts the word `age` too, for what is usual in the protocol version; its value is None."""
    return lambda text: None if text == "age" else parse(text)


def fault_name(text: str) -> str:
    """The name of a fault or refusal, or nothing."""
    if text and text not in FAULTS and named_refusal(text) is None:
        raise ValueError("must be one of " + ", ".join((*FAULTS, *REFUSALS, "status_NNN")))
    return text


def refusal_name(text: str) -> str:
    """The name of a refusal, or nothing."""
    if text and named_refusal(text) is None:
        raise ValueError("must be one of " + ", ".join((*REFUSALS, "status_NNN")))
    return text


def knob(default: Any, parse: Callable[[str], Any], help: str) -> Any:
    """A field of a dataclass that is a knob."""
    return field(default=default, metadata={"parse": parse, "help": help})


def with_values(table: Table, settings: Mapping[str, object]) -> Table:
    """A copy of a dataclass of knobs with some of them changed: values as text, number or boolean.

    Raises InvalidKnob for a wrong name or value.
    """
    known = {each.name: each for each in fields(table)}  # type: ignore[arg-type]
    changes: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in known:
            raise InvalidKnob(f"no knob named {name!r}; there are: {', '.join(known)}")
        text = "age" if value is None else str(value)
        try:
            changes[name] = known[name].metadata["parse"](text)
        except ValueError as problem:
            raise InvalidKnob(f"knob {name!r} cannot be {text!r}: {problem}") from None
    return replace(table, **changes)  # type: ignore[type-var]
