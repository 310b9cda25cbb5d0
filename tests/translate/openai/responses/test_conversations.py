"""Requests that make and change conversations, and items as a conversation has them."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.openai import conversation_items, conversation_metadata, settled
from translate.values import BadRequest, JsonObject

PICTURE = "data:image/png;base64,iVBORw0KGgo="


def new_ids() -> Any:
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}_{next(numbers)}"


def read(data: JsonObject, *, needed: bool = False) -> tuple[JsonObject, ...]:
    return conversation_items(data, new_ids(), needed=needed)


def test_items_may_be_missing_where_they_are_not_needed() -> None:
    assert read({}) == read({"items": None}) == read({"items": []}) == ()


@pytest.mark.parametrize(
    ("data", "param"),
    [
        ({}, "items"),
        ({"items": None}, "items"),
        ({"items": "Hello"}, "items"),
        ({"items": {}}, "items"),
        ({"items": [{"role": "user", "content": "Hi"}] * 21}, "items"),
        ({"items": [7]}, "items[0]"),
        ({"items": [{"type": "nonsense"}]}, "items[0]"),
        ({"items": [{"role": "user", "content": "Hi"}, {"role": "tool", "content": "Hi"}]}, "items[1].role"),
        ({"items": [{"role": "user", "content": [{"type": "nonsense"}]}]}, "items[0].content.[0]"),
        ({"items": [{"role": "user", "content": "x" * (3 << 20)}]}, "items"),
    ],
)
def test_items_that_cannot_be_added_name_the_one_at_fault(data: JsonObject, param: str) -> None:
    with pytest.raises(BadRequest) as failure:
        read(data, needed=True)
    assert failure.value.param == param


def test_items_are_settled_with_ids_of_their_own() -> None:
    message = {"id": "msg_of_the_client", "type": "message", "role": "user", "content": "Hi"}
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "3", "status": "incomplete"}
    search = {"type": "web_search_call", "id": "ws_1", "action": {}}
    given = read({"items": [message, message, call, output, search]})
    items = settled(given, new_ids())
    assert [item["id"] for item in items] == ["msg_1", "msg_2", "fc_3", "fco_4", "item_5"]
    assert [item.get("status") for item in items] == [
        "completed", "completed", "completed", "incomplete", None
    ]  # fmt: skip
    assert items[2]["call_id"] == items[3]["call_id"] == "call_1"
    assert given[0]["id"] == "msg_of_the_client"


def test_parts_of_settled_messages_have_what_clients_look_for() -> None:
    content = [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": PICTURE}]
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "A dot."}]}
    low = {"role": "user", "content": [{"type": "input_image", "image_url": PICTURE, "detail": "low"}]}
    items = settled(read({"items": [{"role": "user", "content": content}, said, low]}), new_ids())
    assert items[0]["content"] == [content[0], {**content[1], "detail": "auto"}]
    assert items[1]["content"] == [
        {"type": "output_text", "text": "A dot.", "annotations": [], "logprobs": []}
    ]
    assert items[2]["content"] == low["content"]


def test_metadata_may_be_missing_where_it_is_not_needed() -> None:
    assert conversation_metadata({}) == conversation_metadata({"metadata": None}) == {}
    assert conversation_metadata({"metadata": None}, needed=True) == {}


@pytest.mark.parametrize(
    "metadata",
    [7, [], "x", {"a": 1}, {"a": None}, {"k" * 65: "v"}, {"k": "v" * 513}, {str(n): "" for n in range(17)}],
)
def test_metadata_that_cannot_be(metadata: object) -> None:
    with pytest.raises(BadRequest) as failure:
        conversation_metadata({"metadata": metadata})
    assert failure.value.param == "metadata"


def test_metadata_has_to_be_there_where_it_is_changed() -> None:
    with pytest.raises(BadRequest):
        conversation_metadata({}, needed=True)


@given(st.dictionaries(st.text(max_size=64), st.text(max_size=512), max_size=16))
def test_metadata_within_the_limits_is_taken_as_it_is(metadata: dict[str, str]) -> None:
    assert conversation_metadata({"metadata": metadata}) == metadata
