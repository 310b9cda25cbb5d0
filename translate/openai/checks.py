"""Checks that the readers of all requests make, and what their errors say."""

from typing import Final

from translate.values import BadRequest

MAX_NAME: Final = 256
"""Characters of a name of a model, a role or a file."""


def expected(name: str, wanted: str) -> str:
    """The error message for the field `name`, which must be `wanted` (such as "a string")."""
    return f"Invalid type for '{name}': expected {wanted}."


def check_length(value: str, name: str, longest: int) -> None:
    """Raise BadRequest, as the official service does, if the field `name` is longer than that."""
    if len(value) > longest:
        raise BadRequest(
            f"Invalid '{name}': string too long. At most {longest} characters are taken, not {len(value)}.",
            param=name,
            code="string_above_max_length",
        )


def check_count(count: int, name: str, most: int) -> None:
    """Raise BadRequest, as the official service does, if the list `name` has more items than that."""
    if count > most:
        raise BadRequest(
            f"Invalid '{name}': array too long. At most {most} items are taken, not {count}.",
            param=name,
            code="array_above_max_length",
        )


def is_integer(value: object) -> bool:
    """Whether `value` is an integer in JSON's sense: no boolean, but perhaps written 1.0."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )
