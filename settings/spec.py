"""How a setting is declared: a dataclass field that carries everything known about the setting."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast

T = TypeVar("T")
_SPEC = "spec"


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """What is known about one setting.

    `name` is its environment variable, `default` the text that stands for it while it is unset, and
    `sentence` explains it to operators. `parse` turns a text into the value and raises ValueError that says
    what the text must be. A `secret` is masked in logs and can be given in a file. A malformed text is
    repeated in the error message only with `echo`. `old_name` is the variable's name in an older version,
    or empty: it is refused, so that it is not silently ignored.
    """

    name: str
    default: str
    parse: Callable[[str], object]
    sentence: str
    secret: bool
    echo: bool
    old_name: str


def setting(
    name: str,
    default: str,
    parse: Callable[[str], T],
    sentence: str,
    *,
    secret: bool = False,
    may_hold_password: bool = False,
    old_name: str = "",
) -> T:
    """The dataclass field of one setting.

    Like `dataclasses.field` it is typed as the field's value, so that the type checker compares the field
    with its parser. A text that `may_hold_password` is not repeated in error messages, nor is a `secret`.
    """
    echo = not (secret or may_hold_password)
    spec = SettingSpec(name, default, parse, sentence, secret, echo, old_name)
    return cast(T, field(metadata={_SPEC: spec}, repr=not secret))


def specs_of(table: type[Any]) -> dict[str, SettingSpec]:
    """The settings of a dataclass made with `setting`: attribute to spec, in the order of the class."""
    return {item.name: item.metadata[_SPEC] for item in fields(table)}
