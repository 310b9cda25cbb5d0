"""JSON schemas of the client's: nothing is fetched for them, and no value takes long to check.

`jsonschema_rs` compiles and checks: JSON Schema 2020-12, or the draft that a schema names. It takes 8 MB, so
it is loaded when the first schema comes. Formats are not checked, as the standard has it. Patterns are
matched in linear time; those that cannot be, with references or a look around, are not checked, nor very
large ones, nor more than some.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from translate.tools.schema_cost import Endless, SchemaCost, extent
from translate.values import JsonObject

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

MAX_DEPTH: Final = 200
"""Objects and lists in each other, in a schema."""
MAX_WHY: Final = 300
"""Characters of the reason why a value does not fit."""
MAX_SHOWN_INSTANCE: Final = 1000
"""A reason that quotes more characters of the value than this is told without it."""
MAX_STEPS: Final = 20_000_000
"""Looks at parts of a value, each some nanoseconds; what may take more is not checked."""
MAX_STEPS_OF_REASON: Final = 50_000
"""The same for the reason why a value does not fit, each some microseconds."""
MAX_PATTERNS: Final = 30
"""Patterns of one schema that are checked."""
MAX_PATTERN_BYTES: Final = 1 << 16
"""Of a pattern when it is compiled, which takes a part of a millisecond then."""
REPEATED: Final = re.compile(r"\{[0-9]")
DATA: Final = ("const", "default", "enum", "examples")
"""Keywords whose values are no schemas."""
KNOWN_DRAFTS: Final = ("http://json-schema.org/", "https://json-schema.org/")


class SchemaError(ValueError):
    """The schema cannot be used; the text says why, in words for the client."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a value does not fit (such as `items[0].name`, empty for the whole), and why.

    `place` is the same as keys and indexes; with `wants_number` a number must stand there, and no text may.
    """

    path: str
    why: str
    place: Sequence[str | int] = ()
    wants_number: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.why}" if self.path else self.why


class Schema:
    """A schema, ready for use. Raises SchemaError if it cannot be used."""

    def __init__(self, schema: JsonObject) -> None:
        import jsonschema_rs

        linear = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES)
        kept = _EasyPatterns().copy(schema)
        draft = kept.get("$schema")
        if not (isinstance(draft, str) and draft.startswith(KNOWN_DRAFTS)):
            kept.pop("$schema", None)
        try:
            self._validator = jsonschema_rs.validator_for(
                kept, retriever=_nothing, pattern_options=linear, validate_formats=False
            )
        except ValueError as error:
            raise SchemaError(_first_line(error)) from None
        self._cost = SchemaCost(kept)
        self._looks(0)

    def misfit(self, value: Any) -> Misfit | None:
        """The first thing in `value` that does not fit; None if all fits."""
        depth, count = extent(value)
        try:
            steps = self._looks(depth) * count
        except SchemaError:
            steps = MAX_STEPS + 1
        if steps > MAX_STEPS:
            return Misfit("", "it is too large or too deep to be checked")
        if self._validator.is_valid(value):
            return None
        if steps > MAX_STEPS_OF_REASON:
            return Misfit("", "it does not fit the schema")
        error = next(self._validator.iter_errors(value))
        place = tuple(error.instance_path)
        path = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in place).removeprefix(".")
        types = getattr(error.kind, "types", ())
        wants_number = "string" not in types and not {"number", "integer"}.isdisjoint(types)
        return Misfit(path[:MAX_WHY], _why(error), place, wants_number)

    def _looks(self, depth: int) -> int:
        try:
            looks = self._cost.looks(depth)
        except Endless:
            raise SchemaError("it refers to itself without end") from None
        except RecursionError:
            raise SchemaError("it is nested too deeply") from None
        if looks > MAX_STEPS:
            raise SchemaError("it has too many alternatives")
        return looks


def usable(schema: JsonObject | None) -> Schema | None:
    """The schema, ready for use; None if there is none, or it cannot be used."""
    try:
        return Schema(schema) if schema else None
    except SchemaError:
        return None


def _why(error: "ValidationError") -> str:
    message = error.message
    if len(message) > MAX_WHY:
        message = f'it does not fit "{error.kind.name}"'
    return message


def _nothing(uri: str, /) -> None:
    raise ValueError("nothing is fetched")


def _first_line(error: ValueError) -> str:
    return str(error).partition("\n")[0][:MAX_WHY] or "it is not a valid schema"


class _EasyPatterns:
    """Copies a schema without what is not matched in linear time, or costs much to compile."""

    def __init__(self) -> None:
        self._left = MAX_PATTERNS

    def copy(self, schema: Any, depth: int = 0) -> Any:
        """A copy of a schema, or of a part of it. Raises SchemaError."""
        if depth > MAX_DEPTH:
            raise SchemaError("it is nested too deeply")
        if isinstance(schema, list):
            return [self.copy(item, depth + 1) for item in schema]
        if not isinstance(schema, dict):
            return schema
        copy = {key: value if key in DATA else self.copy(value, depth + 1) for key, value in schema.items()}
        if isinstance(pattern := copy.get("pattern"), str) and not self._is_easy(pattern):
            del copy["pattern"]
        if isinstance(patterns := copy.get("patternProperties"), dict):
            easy = {key: value for key, value in patterns.items() if self._is_easy(key)}
            copy["patternProperties"] = easy
            if len(easy) < len(patterns):  # it is not known which properties are others
                copy.pop("additionalProperties", None)
                copy.pop("unevaluatedProperties", None)
        return copy

    def _is_easy(self, pattern: str) -> bool:
        """Raises SchemaError if it is no pattern."""
        import jsonschema_rs

        self._left -= 1
        if self._left < 0:
            return False
        linear = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES)
        any_kind = jsonschema_rs.FancyRegexOptions(size_limit=MAX_PATTERN_BYTES)
        for options in (linear, any_kind):
            try:
                jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=options)
            except ValueError:
                if REPEATED.search(pattern):  # it may be too large
                    return False
                continue
            return options is linear
        raise SchemaError(f"'{pattern[:100]}' is not a pattern")
