"""Tools and forms of requests: what is refused, and where the mistake is said to be."""

from collections.abc import Callable

import pytest

from translate.tools import checked_format, checked_tool, checked_toolbox
from translate.tools.checks import MAX_TOOLS
from translate.values import BadRequest, JsonFormat, JsonObject, Tool, Toolbox

PARAM = "tools[0].function"


def test_tool_with_all_fields() -> None:
    assert checked_tool("a.b-c_1", "D", {"type": "object"}, strict=True, param=PARAM) == Tool(
        "a.b-c_1", "D", {"type": "object"}, strict=True
    )
    assert checked_tool("a", None, None, param=PARAM) == Tool("a")
    assert checked_tool("a", "", {}, strict=False, param=PARAM, raw=True, grammar="g") == Tool(
        "a", raw=True, grammar="g"
    )


@pytest.mark.parametrize(
    ("name", "description", "parameters", "strict", "at"),
    [
        (None, None, None, None, "name"),
        ("", None, None, None, "name"),
        ("x" * 129, None, None, None, "name"),
        ('a"b', None, None, None, "name"),
        ("a\n", None, None, None, "name"),
        (7, None, None, None, "name"),
        ("a", 7, None, None, "description"),
        ("a", None, [], None, "parameters"),
        ("a", None, {"type": "frob"}, True, "parameters"),
        ("a", None, {"$ref": "http://x/y"}, True, "parameters"),
        ("a", None, None, "yes", "strict"),
    ],
)
def test_mistake_in_a_tool_is_refused_with_its_place(
    name: object, description: object, parameters: object, strict: object, at: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_tool(name, description, parameters, strict=strict, param=PARAM)
    assert refused.value.param == f"{PARAM}.{at}"


def test_unusable_schema_is_taken_where_it_is_not_strict() -> None:
    assert checked_tool("a", None, {"type": "frob"}, param=PARAM).parameters == {"type": "frob"}


def test_toolbox() -> None:
    a, b = Tool("a", "1"), Tool("b")
    assert checked_toolbox([a, b, Tool("a", "2")], "required", ["b"], parallel=False) == Toolbox(
        (a, b), "required", frozenset({"b"}), parallel=False
    )
    assert checked_toolbox([]) is None
    assert checked_toolbox([], "none") is None


@pytest.mark.parametrize(
    ("make", "at"),
    [
        (lambda: checked_toolbox([], "required"), "tool_choice"),
        (lambda: checked_toolbox([Tool("a")], "auto", ["b"]), "tool_choice"),
        (lambda: checked_toolbox([Tool(f"a{n}") for n in range(MAX_TOOLS + 1)]), "tools"),
        (lambda: checked_toolbox([Tool("a", "x" * (1 << 20))]), "tools"),
        (
            lambda: checked_toolbox([Tool("a", parameters={"x": "x" * (1 << 20)})], tools_param="functions"),
            "functions",
        ),
    ],
)
def test_toolbox_that_cannot_be_is_refused(make: Callable[[], object], at: str) -> None:
    with pytest.raises(BadRequest) as refused:
        make()
    assert refused.value.param == at


def test_form() -> None:
    schema: JsonObject = {"type": "object"}
    assert checked_format("x", "D", schema, strict=True, param="p") == JsonFormat(
        "x", "D", schema, strict=True
    )
    assert checked_format("x", None, schema, param="p") == JsonFormat("x", "", schema)


@pytest.mark.parametrize(
    ("name", "description", "schema", "strict", "at"),
    [
        (None, None, {}, None, "name"),
        ("x" * 129, None, {}, None, "name"),
        ("x", 1, {}, None, "description"),
        ("x", None, None, None, "schema"),
        ("x", None, {"type": "frob"}, None, "schema"),
        ("x", None, {}, 1, "strict"),
    ],
)
def test_mistake_in_a_form_is_refused_with_its_place(
    name: object, description: object, schema: object, strict: object, at: str
) -> None:
    with pytest.raises(BadRequest) as refused:
        checked_format(name, description, schema, strict=strict, param="p")
    assert refused.value.param == f"p.{at}"
