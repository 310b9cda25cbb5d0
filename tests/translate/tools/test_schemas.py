"""Schemas of clients: which are taken, what is said of a value, and that nothing takes long."""

import pytest

from translate.tools.schema_cost import extent
from translate.tools.schemas import MAX_WHY, Misfit, Schema, SchemaError, usable
from translate.values import JsonObject

ITEMS: JsonObject = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/$defs/a~1b"}},
        "size": {"type": ["number", "null"]},
    },
    "$defs": {"a/b": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}}}},
}


def test_first_misfit_is_told_with_its_place() -> None:
    schema = Schema(ITEMS)
    assert schema.misfit({"items": [{"name": "x"}], "size": None}) is None
    misfit = schema.misfit({"items": [{"name": "x"}, {"name": "X"}]})
    assert misfit is not None
    assert (misfit.path, misfit.wants_number) == ("items[1].name", False)
    assert str(misfit).startswith("items[1].name: ")
    number = schema.misfit({"size": "3"})
    assert number is not None
    assert (number.place, number.wants_number) == (("size",), True)
    assert "object" in str(schema.misfit([]))


def test_long_values_are_not_quoted() -> None:
    misfit = Schema({"type": "integer"}).misfit("x" * 10000)
    assert misfit == Misfit("", 'it does not fit "type"', wants_number=True)


UNUSABLE: dict[str, JsonObject] = {
    "no schema": {"type": "frob"},
    "remote": {"$ref": "https://example.com/schema"},
    "remote file": {"properties": {"a": {"$ref": "file:///etc/passwd"}}},
    "by id": {"$id": "https://example.com/a", "$dynamicRef": "https://example.com/b"},
    "dangling": {"$ref": "#/$defs/none"},
    "itself": {"$ref": "#"},
    "itself in a circle": {"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}},
    "no pattern": {"pattern": "("},
    "no pattern as a key": {"patternProperties": {"[": {}}},
}


@pytest.mark.parametrize("schema", UNUSABLE.values(), ids=UNUSABLE)
def test_schema_that_cannot_be_used_is_refused(schema: JsonObject) -> None:
    with pytest.raises(SchemaError) as refused:
        Schema(schema)
    assert 0 < len(str(refused.value)) <= MAX_WHY
    assert usable(schema) is None


def test_deep_schemas_are_refused() -> None:
    schema: JsonObject = {}
    for _ in range(5000):
        schema = {"not": schema}
    assert usable(schema) is None
    chain: JsonObject = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(3000)}
    assert usable({"$defs": {**chain, "a3000": {}}, "$ref": "#/$defs/a0"}) is None


def test_nothing_and_an_empty_schema_ask_for_nothing() -> None:
    assert usable(None) is None
    assert usable({}) is None


@pytest.mark.parametrize("draft", ["http://json-schema.org/draft-07/schema#", "https://example.com/own", 7])
def test_draft_that_a_schema_names_may_be_unknown(draft: object) -> None:
    assert Schema({"$schema": draft, "type": "object"}).misfit(1) is not None


def test_formats_are_not_checked() -> None:
    assert Schema({"format": "email"}).misfit("x") is None


def test_patterns_take_linear_time_or_are_left_out() -> None:
    assert Schema({"pattern": "^(a+)+$"}).misfit("a" * 100_000 + "!") is not None
    assert Schema({"pattern": "^(?=x)(a+)+$"}).misfit("b") is None
    assert Schema({"patternProperties": {"^(?=x)": False, "^a": False}}).misfit({"x": 1}) is None
    assert Schema({"patternProperties": {"^a": {}}, "additionalProperties": False}).misfit({"x": 1})
    only = Schema({"patternProperties": {"^(?=x)": {}, "^a": False}, "additionalProperties": False})
    assert only.misfit({"x": 1}) is None
    assert only.misfit({"a": 1}) is not None
    assert Schema({"patternProperties": {"^(?=x)": False, "^a": False}}).misfit({"a": 1}) is not None
    assert (
        Schema({"properties": {"pattern": {"type": "string"}}, "const": {"pattern": "("}}).misfit(1)
        is not None
    )


def ladder(steps: int) -> JsonObject:
    """Each step has ten ways to the next one."""
    defs: JsonObject = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 10} for n in range(steps)}
    return {"$defs": {**defs, f"a{steps}": {"type": "integer"}}, "$ref": "#/$defs/a0"}


def test_alternatives_of_alternatives_are_bounded() -> None:
    assert Schema(ladder(2)).misfit("x") is not None
    assert Schema(ladder(5)).misfit("x") == Misfit("", "it does not fit the schema")
    assert usable(ladder(9)) is None


def test_recursion_with_alternatives_is_bounded_by_the_depth_of_the_value() -> None:
    node: JsonObject = {"properties": {"child": {"anyOf": [{"$ref": "#node"}, {"$ref": "#node"}, False]}}}
    schema = Schema({"$ref": "#node", "$defs": {"node": {"$anchor": "node", "type": "object", **node}}})
    assert schema.misfit({"child": {"child": {}}}) is None
    deep: JsonObject = {}
    for _ in range(60):
        deep = {"child": deep}
    assert schema.misfit(deep) == Misfit("", "it is too large or too deep to be checked")


def test_recursion_without_alternatives_takes_deep_values() -> None:
    tree = Schema({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}})
    deep: JsonObject = {}
    for _ in range(60):
        deep = {"left": deep, "right": {}}
    assert tree.misfit(deep) is None
    listed = Schema({"items": {"$ref": "#/allOf/0"}, "allOf": [{"type": "array"}]})
    assert listed.misfit([[], [[]]]) is None
    assert listed.misfit([1]) is not None


def test_counting_is_bounded_too() -> None:
    wide: JsonObject = {f"p{n}": {"$ref": "#"} for n in range(2000)}
    schema = Schema({"properties": wide})
    deep: JsonObject = {}
    for _ in range(90):
        deep = {"p1": deep}
    assert schema.misfit(deep) == Misfit("", "it is too large or too deep to be checked")


def test_references_into_lists_that_lead_nowhere_are_refused() -> None:
    for reference in ("#/allOf/7", "#/allOf/x", "#/allOf/0/type/x"):
        assert usable({"allOf": [{"type": "object"}], "properties": {"a": {"$ref": reference}}}) is None


def test_extent_of_a_value() -> None:
    assert extent(1) == (0, 1)
    assert extent({"a": [1, {"b": None}]}) == (3, 5)


def test_patterns_that_are_too_large_or_too_many_are_not_checked() -> None:
    assert Schema({"pattern": "^[ab]{1,500}$"}).misfit("c") is not None
    assert Schema({"pattern": r"^[\s\S]{1,9000}$"}).misfit("") is None
    assert Schema({"pattern": "((a{1,500}){1,500}){1,500}"}).misfit("b") is None
    many = Schema({"allOf": [{"pattern": f"^{'a' * size}"} for size in range(60)]})
    assert many.misfit("a" * 29) is None
    assert many.misfit("a" * 28) is not None


def test_values_that_are_compared_one_by_one_with_many_are_not_checked() -> None:
    texts, lists = ([f"v{number}" for number in range(5000)], [[number] for number in range(5000)])
    for values in (texts, lists):
        schema = Schema({"items": {"enum": values}})
        assert schema.misfit(values[:100]) is None
        assert schema.misfit([*values[:100], "w"]) is not None
    assert Schema({"items": {"enum": texts}}).misfit(texts) is None
    assert "too large" in str(Schema({"items": {"enum": lists}}).misfit(lists))
