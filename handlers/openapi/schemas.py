"""JSON schemas, in the words of the families of routes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from translate.values import BUILT_IN, JsonObject

Schema = JsonObject
"""A schema of JSON Schema 2020-12, which is that of OpenAPI 3.1."""


SAID: Final[Sequence[JsonObject]] = ({"role": "user", "content": "Hello"},)
"""The messages of examples."""


def ref(name: str) -> Schema:
    """The schema of that name in the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(about: str = "", **more: Any) -> Schema:
    """A string; `more` are other keywords of the schema."""
    return _about(about, {"type": "string", **more})


def integer(about: str = "", **more: Any) -> Schema:
    """A whole number."""
    return _about(about, {"type": "integer", **more})


def number(about: str = "", **more: Any) -> Schema:
    """A number."""
    return _about(about, {"type": "number", **more})


def boolean(about: str = "") -> Schema:
    """True or false."""
    return _about(about, {"type": "boolean"})


def one_of(about: str, *values: str) -> Schema:
    """One of these strings."""
    return text(about, enum=list(values))


def array(items: Schema | None = None, about: str = "", **more: Any) -> Schema:
    """A list, of anything without `items`."""
    return _about(about, {"type": "array", **({"items": items} if items is not None else {}), **more})


def record(
    properties: Mapping[str, Schema] | None = None, about: str = "", *, required: Sequence[str] = ()
) -> Schema:
    """An object that may have other fields too."""
    schema: Schema = {"type": "object"}
    if properties:
        schema["properties"] = dict(properties)
    if required:
        schema["required"] = list(required)
    return _about(about, schema)


def whole(properties: Mapping[str, Schema], about: str = "", *, without: Sequence[str] = ()) -> Schema:
    """An object of an answer, that has all of these fields but perhaps those in `without`."""
    return record(properties, about, required=[name for name in properties if name not in without])


def anything(about: str = "") -> Schema:
    """Any value: what cannot be read is ignored."""
    return _about(about, {})


def nullable(schema: Schema) -> Schema:
    """The same, or null, which is what a field that is left out means."""
    if isinstance(kind := schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def either(*schemas: Schema, about: str = "") -> Schema:
    """What any of these schemas takes."""
    return _about(about, {"anyOf": list(schemas)})


def model_name() -> Schema:
    """The name of a model, in a request that needs one."""
    about = "A name that `GET /v1/models` lists, or another one that stands for it."
    return text(about, minLength=1, examples=[BUILT_IN[0].name])


def question(**fields: Any) -> JsonObject:
    """A request with one message, which examples are made of."""
    return {"model": BUILT_IN[0].name, "messages": list(SAID), **fields}


def page_of(items: Schema) -> Schema:
    """A page of a list."""
    ends = nullable(text())
    return whole(
        {
            "object": {"const": "list"},
            "data": array(items),
            "first_id": ends,
            "last_id": ends,
            "has_more": boolean(),
        }
    )


def _about(about: str, schema: Schema) -> Schema:
    return {"description": about, **schema} if about else schema
