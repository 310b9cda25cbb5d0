"""What the readers of a request have in common: errors that name the field, and its type checked."""

from typing import Final

from translate.values import BadRequest, JsonObject

MAX_NAME: Final = 256
"""Characters of a name of a model or a file."""


def wrong(field: str, wanted: str) -> BadRequest:
    """The error for the field `field`, such as `messages.0.content`, which must be `wanted`."""
    return BadRequest(f"{field}: must be {wanted}.", param=field)


def required(data: JsonObject, name: str) -> object:
    """The value of a field that must be there. Raises BadRequest."""
    value = data.get(name)
    if value is None:
        raise BadRequest(f"{name}: this field is required.", param=name)
    return value


def is_integer(value: object) -> bool:
    """Whether `value` is an integer, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)
