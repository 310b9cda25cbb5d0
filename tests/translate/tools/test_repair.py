"""What is mended in JSON and in names, and what is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.tools.json_answer import AMBIGUOUS, NO_JSON, find_json
from translate.tools.json_stream import JsonStream
from translate.tools.repair import NOT_JSON, Json, parsed, repaired, tool_named
from translate.tools.schemas import Misfit, Schema

NUMBERS = Schema(
    {"type": "object", "properties": {"n": {"type": "number"}, "l": {"items": {"type": "integer"}}}}
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(value=VALUES, indent=st.sampled_from([None, 2]), ascii=st.booleans())
def test_good_json_stays_as_it_is(value: object, indent: int | None, ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    found = repaired(text, None)
    assert isinstance(found, Json)
    assert (found.text, found.value) == (text, json.loads(text))


@given(value=st.dictionaries(st.text(max_size=5), st.text(), max_size=4))
def test_mended_controls_keep_the_meaning(value: dict[str, str]) -> None:
    raw = json.dumps(value, ensure_ascii=False).replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r")
    found = repaired(raw, None)
    assert isinstance(found, Json)
    assert json.loads(found.text) == found.value


def test_trailing_commas_are_left_out_outside_of_strings_only() -> None:
    found = repaired('{"a": [1, 2,\n], "b": ",]",}', None)
    assert isinstance(found, Json)
    assert found.value == {"a": [1, 2], "b": ",]"}
    assert repaired("[1,,]", None) == NOT_JSON


def test_numbers_as_texts_are_mended_where_a_number_is_wanted() -> None:
    found = repaired('{"n": "1.5", "l": ["1", "2"]}', NUMBERS)
    assert isinstance(found, Json)
    assert found.value == {"n": 1.5, "l": [1, 2]} == json.loads(found.text)
    for text in ('"1.50"', '"x"', '"true"', "true", '"NaN"', "[]"):
        assert isinstance(repaired(f'{{"n": {text}}}', NUMBERS), Misfit)
    root = Schema({"type": "number"})
    assert isinstance(repaired('"1"', root), Misfit)
    many = json.dumps({"l": ["1"] * 100})
    assert isinstance(repaired(many, NUMBERS), Misfit)


def test_object_in_a_text_is_read_once_if_an_object_is_wanted() -> None:
    found = repaired('"{\\"n\\": 1}"', None, wants_object=True)
    assert isinstance(found, Json)
    assert found.text == '{"n": 1}'
    for text in ('"[1]"', '"x"', '"\\"{}\\""', "1"):
        assert repaired(text, None, wants_object=True) == Misfit("", "it is not a JSON object")


def test_last_brace_is_added_only_if_the_text_is_closed() -> None:
    assert repaired('{"n": {"m": 1}', None) == NOT_JSON
    assert isinstance(repaired('{"n": {"m": 1}', None, closed=True), Json)
    assert repaired('{"n": {"m": 1', None, closed=True) == NOT_JSON


def test_deep_json_is_none() -> None:
    with pytest.raises(ValueError, match="deeply"):
        parsed("[" * 100_000)
    assert repaired("[" * 100_000, None) == NOT_JSON


def test_names() -> None:
    names = ["Bash", "read_file", "mcp__files__list", "mcp__a__same", "mcp__b__same", "ECHO", "echo"]
    for name, meant in {
        "Bash": "Bash", "bash": "Bash", "functions.Bash": "Bash", "mcp__x__read_file": "read_file",
        "list": "mcp__files__list", "same": None, "read_files": None, "": None, "Echo": None, "echo": "echo",
    }.items():  # fmt: skip
        assert tool_named(name, names) == meant


OK = '{"a": 1}'


def found_in(text: str, schema: Schema | None = None) -> str | Misfit:
    found = find_json(text, schema, wants_object=True)
    return found.text if isinstance(found, Json) else found


@pytest.mark.parametrize(
    "text",
    [
        OK,
        f"```\n{OK}\n```",
        f"Two:\n~~~json\n{OK}\n~~~\n{{}} x",
        f"It is {OK}.",
        f"<p>{OK}</p> <{{",
        f"[{OK}",
    ],
)
def test_json_is_found(text: str) -> None:
    assert found_in(text) == OK


def test_json_is_not_guessed() -> None:
    assert found_in("Nothing.") == NO_JSON
    assert found_in("Nothing [1 here.") == NOT_JSON
    assert found_in('{"a": 1} or {"a": 2}') == AMBIGUOUS
    assert found_in('{"a": 1} and { "a":1 }') == OK
    assert found_in('It is {"a": "x"}', Schema({"properties": {"a": {"type": "null"}}})) != NOT_JSON
    assert found_in("[" * 20_000) == NOT_JSON


def streamed(text: str, size: int, *, only_objects: bool = True) -> tuple[str, str]:
    stream = JsonStream(only_objects=only_objects)
    shown = "".join(stream.feed(text[at : at + size]) for at in range(0, len(text), size))
    assert stream.text == shown
    assert stream.began == bool(shown)
    return shown, stream.words


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_json_streams_wherever_it_is_cut(size: int) -> None:
    for before, behind in (("", ""), ("So: ", " Yes {}."), ("```json\n", "\n```"), ("Use {x} [y]\n  ", "{")):
        for body in ('{"a": [1, "}<"]}', '{ \n "a": {}}', "{}") if before != "So: " else ('{"a": "<"}',):
            assert streamed(before + body + behind, size)[0] == body
    assert streamed("See [1].\n\n[1, 2]", size)[0] == ""
    assert streamed("See [1].\n\n[1, 2]", size, only_objects=False)[0] == "[1, 2]"
    assert streamed("Nothing {here}.", size) == ("", "Nothing {here}.")
