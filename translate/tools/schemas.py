"""JSON schemas of the client's, which nothing is fetched for and no pattern of which takes long.

`jsonschema_rs` compiles and checks: JSON Schema 2020-12, or the draft that a schema names. It takes 8 MB, so
it is loaded when the first schema comes.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from translate.values import JsonObject

MAX_BACKTRACKS: Final = 100_000
"""Steps of one pattern that is matched by trying."""
MAX_DEPTH: Final = 100
"""How deeply a schema may be nested."""


class SchemaError(ValueError):
    """The schema cannot be used; the text says why, in words for the client."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where a value does not fit (such as `items[0].name`, empty for the whole), and why."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}" if self.path else self.why


class Schema(Protocol):
    """A schema that was compiled."""

    def misfit(self, value: Any) -> Misfit | None:
        """The first thing in `value` that does not fit; None if all fits."""
        ...


class _Compiled:
    def __init__(self, schema: JsonObject) -> None:
        import jsonschema_rs

        def nothing(uri: str, /) -> None:
            raise SchemaError(f"it refers to {uri[:200]}, and nothing is fetched")

        try:
            self._validator = jsonschema_rs.validator_for(
                schema,
                retriever=nothing,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS),
                validate_formats=False,
            )
        except (ValueError, jsonschema_rs.ReferencingError) as error:
            raise SchemaError(str(error)[:500]) from None
        self._error = jsonschema_rs.ValidationError

    def misfit(self, value: Any) -> Misfit | None:
        try:
            self._validator.validate(value)
        except self._error as error:
            path = "".join(f"[{at}]" if isinstance(at, int) else f".{at}" for at in error.instance_path)
            return Misfit(path.removeprefix(".")[:200], error.message[:300])
        return None


def compiled(schema: JsonObject) -> Schema:
    """The schema, ready for use. Raises SchemaError."""
    return _Compiled(schema)
