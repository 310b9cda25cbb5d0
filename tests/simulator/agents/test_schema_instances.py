"""Instances of schemas: they fit, and have the question's words where these are simple to find."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.agents.question import Question
from simulator.agents.schema_instances import instance_of

SCHEMAS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an object of nothing": {"type": "object"},
    "all types": {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "whole": {"type": "integer"},
            "part": {"type": "number"},
            "yes": {"type": "boolean"},
            "none": {"type": "null"},
            "list": {"type": "array", "items": {"type": "string"}},
            "inner": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        },
        "required": ["text", "whole", "part", "yes", "none", "list", "inner"],
        "additionalProperties": False,
    },
    "choices": {
        "type": "object",
        "properties": {"a": {"enum": ["x", 2]}, "b": {"const": {"k": 1}}, "c": {"type": ["null", "string"]}},
        "required": ["a", "b", "c"],
    },
    "ways": {
        "type": "object",
        "properties": {
            "any": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "one": {"oneOf": [{"type": "object", "required": ["k"], "properties": {"k": {"const": "a"}}}]},
            "all": {
                "allOf": [{"required": ["p"]}, {"properties": {"p": {"type": "number"}}}],
                "required": ["q"],
            },
        },
        "required": ["any", "one", "all"],
    },
    "bounds": {
        "type": "object",
        "properties": {
            "short": {"type": "string", "maxLength": 2},
            "long": {"type": "string", "minLength": 50},
            "low": {"type": "integer", "minimum": 7},
            "high": {"type": "number", "maximum": -3},
            "above": {"type": "integer", "exclusiveMinimum": 4},
            "below": {"type": "integer", "exclusiveMaximum": -4},
            "step": {"type": "integer", "multipleOf": 5, "minimum": 3},
            "three": {"type": "array", "minItems": 3, "items": {"type": "boolean"}},
            "none": {"type": "array", "maxItems": 0},
            "pair": {
                "type": "array",
                "prefixItems": [{"type": "string"}, {"type": "integer"}],
                "minItems": 2,
            },
        },
        "required": ["short", "long", "low", "high", "above", "below", "step", "three", "none", "pair"],
    },
    "patterns": {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[A-Z]{2}-\\d{3,5}$"},
            "choice": {"type": "string", "pattern": "^(red|green)\\.(?:x|y)?$"},
            "odd": {"type": "string", "pattern": r"^\w+\s[^a]+\(\S\)$"},
            "any": {"type": "string", "pattern": "o"},
        },
        "required": ["code", "choice", "odd", "any"],
    },
    "a tree": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    "more": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["name", "left", "more"],
            }
        },
        "$ref": "#/$defs/node",
    },
}


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("question", ["hello", 'In Oslo at 3, "say so" to a.txt', ""])
def test_an_instance_fits(name: str, question: str) -> None:
    value = instance_of(SCHEMAS[name], Question(question))
    jsonschema_rs.Draft202012Validator(SCHEMAS[name]).validate(value)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"type": "array", "minItems": 100, "items": {"$ref": "#"}},
        {"$ref": "https://example.com/schema"},
        {"type": "string", "pattern": "(("},
        {"type": "object", "properties": {"a": True}, "required": ["a", "b"]},
    ],
)
def test_a_schema_without_sense_gives_something_soon(schema: dict[str, Any]) -> None:
    assert len(str(instance_of(schema, Question("hello")))) < 100_000


SIMPLE = st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "boolean", "null"])})
NESTED = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
        st.dictionaries(st.sampled_from(["city", "path", "n", "command"]), inner, max_size=3).map(
            lambda each: {"type": "object", "properties": each, "required": list(each)}
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(NESTED, st.text(max_size=60))
def test_an_instance_of_any_simple_schema_fits_whatever_is_asked(schema: dict[str, Any], text: str) -> None:
    jsonschema_rs.Draft202012Validator(schema).validate(instance_of(schema, Question(text)))


def test_values_are_the_words_of_the_question() -> None:
    names = {
        "city": {"type": "string"},
        "unit": {"enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer"},
        "file_path": {"type": "string"},
        "text": {"type": "string"},
    }
    schema = {"type": "object", "properties": names, "required": list(names)}
    question = 'In São Paulo for 3 days in Fahrenheit, write "so it is" to out/a.txt'
    assert instance_of(schema, Question(question)) == {
        "city": "São Paulo",
        "unit": "fahrenheit",
        "days": 3,
        "file_path": "out/a.txt",
        "text": "so it is",
    }


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("weather in Oslo, Rome and San Francisco?", ("Oslo", "Rome", "San Francisco")),
        ("weather in San Francisco, CA", ("San Francisco, CA",)),
        ("from Oslo to Rome", ("Oslo", "Rome")),
        ("weather in tokyo", ("tokyo",)),
        ("北京今天的天气", ("北京",)),
        ("What do I need?", ()),
    ],
)
def test_places_are_found(question: str, places: tuple[str, ...]) -> None:
    assert Question(question).places == places


@pytest.mark.parametrize(
    ("question", "calls"),
    [
        ("make two calls", 2),
        ("call it three times", 3),
        ("call it twice", 2),
        ("for both", 2),
        ("two cats", 0),
    ],
)
def test_how_many_calls_are_asked_for(question: str, calls: int) -> None:
    assert Question(question).calls == calls
