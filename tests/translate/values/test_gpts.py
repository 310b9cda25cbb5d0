"""The list of GPTs: what it may hold, and how it says what is wrong with it."""

import json
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.values.gizmo import is_gizmo_id
from translate.values.gpts import MAX_GPT_NAME, MAX_GPTS_FILE_BYTES, Gpt, GptsError, read_gpts

TAKEN = {"gpt-4-s", "gpt-4o-mini", "gpt-3.5-turbo-*"}


def read(data: object) -> tuple[Gpt, ...]:
    return read_gpts(json.dumps(data).encode(), TAKEN)


def complaint(content: bytes | str) -> str:
    with pytest.raises(GptsError) as caught:
        read_gpts(content if isinstance(content, bytes) else content.encode(), TAKEN)
    return str(caught.value)


def test_names_map_to_ids_in_the_order_of_the_file() -> None:
    listed = read({"b": {"id": "g-2"}, "a": {"id": "g-AbC123xyZ-my-helper", "style": "plain"}})
    assert listed == (Gpt("b", "g-2"), Gpt("a", "g-AbC123xyZ-my-helper", "plain"))


def test_empty_object_is_a_list_without_gpts() -> None:
    assert read({}) == ()


def test_two_names_may_share_an_id() -> None:
    assert [gpt.id for gpt in read({"a": {"id": "g-1"}, "b": {"id": "g-1"}})] == ["g-1", "g-1"]


LONGEST = "x" * MAX_GPT_NAME
NAMES = ["my helper", "团队/助手", "\U0001f469\u200d\U0001f467 family", "gpt-3.5-turbo-16k", LONGEST]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_free(name: str) -> None:
    assert read({name: {"id": "g-1"}})[0].name == name


def test_byte_order_mark_is_no_error() -> None:
    assert read_gpts(b'\xef\xbb\xbf{"a": {"id": "g-1"}}', TAKEN) == (Gpt("a", "g-1"),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"helper": "g-1"}', 'the entry "helper" must be an object'),
        ('{"helper": null}', 'the entry "helper" must be an object'),
        ('{"helper": []}', 'the entry "helper" must be an object'),
        ('{"helper": {}}', 'the entry "helper" has no id'),
        ('{"helper": {"id": null}}', 'the entry "helper" has no id'),
        ('{"helper": {"id": 7}}', 'the entry "helper" has a malformed id'),
        ('{"helper": {"id": ""}}', 'the entry "helper" has a malformed id'),
        ('{"helper": {"id": "https://chat.openai.com/g/g-1"}}', 'the entry "helper" has a malformed id'),
        ('{"helper": {"id": "g-1/../../conversations"}}', 'the entry "helper" has a malformed id'),
        ('{"helper": {"id": "g-1\\n"}}', 'the entry "helper" has a malformed id'),
        ('{"helper": {"id": "g-1", "Id": "g-1"}}', 'the entry "helper" has the unknown key "Id"'),
        ('{"helper": {"id": "g-1", "id": "g-2"}}', 'the entry "helper" has the key "id" twice'),
        ('{"helper": {"id": "g-1", "style": "loud"}}', 'the entry "helper" asks for an unknown style'),
        ('{"helper": {"id": "g-1", "style": []}}', 'the entry "helper" asks for an unknown style'),
        ('{"a": {"id": "g-1"}, "helper": {"id": "g-1"}, "helper": {"id": "g-1"}}', '"helper" is there twice'),
        ('{"gpt-4-s": {"id": "g-1"}}', 'the name "gpt-4-s" already means a model or an alias'),
        ('{"gpt-4o-mini": {"id": "g-1"}}', 'the name "gpt-4o-mini" already means a model or an alias'),
        ('{"": {"id": "g-1"}}', "an entry has an empty name"),
        ('{" helper": {"id": "g-1"}}', "begins or ends with a space"),
        ('{"' + "x" * 101 + '": {"id": "g-1"}}', "is longer than 100 characters"),
        ('{"a\\u0007b": {"id": "g-1"}}', "the name 'a\\x07b' holds control characters"),
        ('{"a\\u2028b": {"id": "g-1"}}', "the name 'a\\u2028b' holds control characters"),
        ('{"a\\ud800b": {"id": "g-1"}}', "the name 'a\\ud800b' holds control characters"),
        ("[]", "it must be an object"),
        ("null", "it must be an object"),
        ("", "it is not JSON: Expecting value in line 1"),
        ('{"helper":\n {"id": "g-1"},\n}', "it is not JSON: "),
        ('{"helper', "it is not JSON: Unterminated string in line 1"),
        (b"\xff\xfe{}", "it is not UTF-8 text"),
        ("[" * 100_000, "it is not JSON"),
        ("9" * 10_000, "it is not JSON"),
        (b" " * (MAX_GPTS_FILE_BYTES + 1), "it is larger than"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_entry(content: bytes | str, said: str) -> None:
    line = complaint(content)
    assert said in line
    assert len(line.splitlines()) == 1
    assert len(line) < 300


def test_json_error_tells_the_line() -> None:
    assert complaint('{"helper":\n {"id": "g-1"},\n}').endswith("line 3")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_the_file_holds_there_is_a_list_or_one_line(content: bytes) -> None:
    listed, said = outcome(content, TAKEN)
    assert len(said.splitlines()) <= 1
    assert all(gpt.name not in TAKEN and is_gizmo_id(gpt.id) for gpt in listed)


IDS = st.from_regex(r"g-[A-Za-z0-9]{1,20}", fullmatch=True)


@given(st.dictionaries(st.text(min_size=1, max_size=20), IDS, max_size=4))
def test_list_is_read_whole_unless_a_name_is_unfit(names: dict[str, str]) -> None:
    content = json.dumps({name: {"id": gizmo_id} for name, gizmo_id in names.items()}).encode()
    listed, said = outcome(content, ())
    if said:
        assert "control characters" in said or "with a space" in said
    else:
        assert {gpt.name: gpt.id for gpt in listed} == names


def outcome(content: bytes, taken: Collection[str]) -> tuple[tuple[Gpt, ...], str]:
    """The list, or what is said of it."""
    try:
        return read_gpts(content, taken), ""
    except GptsError as error:
        return (), str(error)
