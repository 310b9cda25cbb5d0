"""Items of the input: read, checked, and told to the model."""

import itertools
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.openai import calls_in, check_outputs, messages_of, references, resolved
from translate.openai.responses.items import TOLD, UNSEEN, read_items, texts_of
from translate.values import ApiError, BadRequest, ChatMessage, NotFound, ToolCall, ToolResult


def numbered() -> Any:
    numbers = itertools.count(1)
    return lambda prefix: f"{prefix}_{next(numbers)}"


def items(*given: Any) -> Any:
    return read_items(list(given), numbered())


def said(*given: Any) -> tuple[ChatMessage, ...]:
    return messages_of(items(*given), {})


def call(id: str = "call_1", name: str = "get_weather", **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": "{}", **fields}


def output(id: str = "call_1", value: Any = "3 degrees") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": value}


def test_empty_messages_say_nothing() -> None:
    assert said({"role": "assistant", "content": ""}, {"role": "user", "content": []}) == ()


def test_text_is_a_message_of_the_user() -> None:
    (item,) = read_items("Hello", numbered())
    assert item == {
        "id": "msg_1",
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Hello"}],
    }
    assert messages_of([item], {}) == (ChatMessage("user", "Hello"),)


def test_messages_of_all_roles_with_and_without_a_type() -> None:
    assert said(
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "In verse."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "text", "text": "b"}]},
        {
            "role": "assistant",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "c", "annotations": []}],
        },
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    ) == (
        ChatMessage("system", "Be brief."),
        ChatMessage("system", "In verse."),
        ChatMessage("user", "a\nb"),
        ChatMessage("assistant", "c"),
        ChatMessage("assistant", "No."),
    )


def test_ids_are_kept_and_made_where_there_are_none() -> None:
    read = items(
        {"role": "user", "content": "a", "id": "msg_own"},
        {"role": "assistant", "content": "b"},
        call(),
        output(),
    )
    assert [item["id"] for item in read] == ["msg_own", "msg_1", "fc_2", "fco_3"]
    assert read[1]["content"] == [{"type": "output_text", "text": "b", "annotations": []}]


def test_pictures_and_files_of_the_user() -> None:
    (message,) = said(
        {
            "role": "user",
            "content": [
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
            ],
        }
    )
    assert [(part.kind, part.name, part.param) for part in message.attachments] == [
        ("image", "", "input[0].content.[0].image_url"),
        ("file", "a.pdf", "input[0].content.[1]"),
    ]


def test_calls_belong_to_the_words_before_them() -> None:
    assert said({"role": "assistant", "content": "Let me look."}, call(), call("call_2")) == (
        ChatMessage(
            "assistant",
            "Let me look.",
            calls=(ToolCall("call_1", "get_weather", "{}"), ToolCall("call_2", "get_weather", "{}")),
        ),
    )


def test_results_are_one_message_in_the_order_of_their_calls() -> None:
    told = said(
        {"role": "user", "content": "Weather?"},
        call("call_1", "get_weather"),
        call("call_2", "get_time"),
        output("call_2", "noon"),
        output("call_1", "3 degrees"),
        {"role": "user", "content": "And?"},
    )
    assert [message.role for message in told] == ["user", "assistant", "user", "user"]
    assert told[2].results == (
        ToolResult("call_1", "3 degrees", "get_weather"),
        ToolResult("call_2", "noon", "get_time"),
    )
    assert told[3] == ChatMessage("user", "And?")


def test_result_of_an_earlier_response_has_the_name_of_its_tool() -> None:
    (message,) = messages_of(items(output("call_0")), {"call_0": "get_time"})
    assert message.results == (ToolResult("call_0", "3 degrees", "get_time"),)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("3", "3"),
        ("", ""),
        (None, ""),
        ([{"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"}], "a\nb"),
        ([], ""),
        ({}, ""),
        ({"temp": 3}, '{"temp":3}'),
        ([1, {"a": "é/"}], '1\n{"a":"é/"}'),
    ],
)
def test_whatever_a_tool_gives_is_told(value: Any, text: str) -> None:
    message = said(call(), output(value=value))[-1]
    assert message.results[0].text == text


def test_picture_that_a_tool_gives_is_attached() -> None:
    parts = [
        {"type": "input_image", "image_url": "https://here/a.png"},
        {"type": "input_text", "text": "see"},
    ]
    message = said(call(), output(value=parts))[-1]
    assert message.results[0].text == "[attached: image]\nsee"
    assert [part.source for part in message.attachments] == ["https://here/a.png"]


def test_custom_calls_are_raw_and_those_of_a_namespace_have_one_name() -> None:
    told = said(
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
        call("d", "spawn", namespace="agents"),
    )
    assert told[0].calls == (ToolCall("c", "apply_patch", "*** Begin", raw=True),)
    assert told[1].results == (ToolResult("c", "done", "apply_patch"),)
    assert told[2].calls == (ToolCall("d", "agents__spawn", "{}"),)


@pytest.mark.parametrize("kind", UNSEEN)
def test_sealed_items_are_taken_and_not_told(kind: str) -> None:
    assert said({"type": kind, "encrypted_content": "gAAA", "summary": []}) == ()


@pytest.mark.parametrize("kind", TOLD)
def test_items_of_other_tools_are_a_line(kind: str) -> None:
    (message,) = said(
        {"type": kind, "id": "x_1", "status": "completed", "action": {"query": "rain"}, "result": "A" * 9999}
    )
    assert message.text == f'[{kind}: {{"action":{{"query":"rain"}}}}]'
    assert message.role == ("user" if kind.endswith("_output") else "assistant")
    assert said({"type": kind})[0].text == f"[{kind}]"


def test_named_items_are_put_in_place() -> None:
    read = items({"role": "user", "content": "a"}, {"type": "item_reference", "id": "msg_9"}, {"id": "fc_9"})
    assert references(read) == ["msg_9", "fc_9"]
    found = {"msg_9": {"type": "message", "role": "assistant", "content": "b"}, "fc_9": call()}
    assert resolved(read, found) == (read[0], found["msg_9"], found["fc_9"])


def test_named_item_that_is_not_kept_is_told() -> None:
    with pytest.raises(NotFound, match="Item with id 'msg_9' not found") as failure:
        resolved(items({"type": "item_reference", "id": "msg_9"}), {})
    assert failure.value.param == "input"


def test_result_without_its_call_is_refused() -> None:
    with pytest.raises(BadRequest, match="No tool call found for function call output with call_id call_1"):
        check_outputs(items(output()), {})
    check_outputs(items(output()), {"call_1": "get_weather"})
    check_outputs(items(call(), output()), {})


def test_tools_that_were_called() -> None:
    assert calls_in(items(call(), call("d", "spawn", namespace="agents"), output())) == {
        "call_1": "get_weather",
        "d": "agents__spawn",
    }


@pytest.mark.parametrize(
    ("value", "param"),
    [
        (7, "input"),
        ({"role": "user"}, "input"),
        ([7], "input[0]"),
        ([{}], "input[0]"),
        ([{"type": "nonsense"}], "input[0]"),
        ([{"type": 7}], "input[0].type"),
        ([{"type": []}], "input[0].type"),
        ([{"role": "user", "content": "a"}, {"role": "boss", "content": "a"}], "input[1].role"),
        ([{"role": 7, "content": "a"}], "input[0].role"),
        ([{"role": "user"}], "input[0].content"),
        ([{"role": "user", "content": 7}], "input[0].content"),
        ([{"type": "function_call", "call_id": "a", "name": "b"}], "input[0].arguments"),
        ([{"type": "function_call", "call_id": 7, "name": "b", "arguments": ""}], "input[0].call_id"),
        ([{"type": "custom_tool_call", "call_id": "a", "name": "b"}], "input[0].input"),
        ([{"type": "function_call_output", "output": "x"}], "input[0].call_id"),
        ([{"type": "item_reference"}], "input[0].id"),
        ([{"role": "user", "content": "a"}] * 2049, "input"),
    ],
)
def test_mistakes_name_the_item(value: Any, param: str) -> None:
    with pytest.raises(BadRequest) as failure:
        read_items(value, numbered())
    assert failure.value.param == param


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"role": "user", "content": [{"type": "audio"}]}, "input[0].content.[0]"),
        (
            {"role": "system", "content": [{"type": "input_image", "image_url": "https://here/a.png"}]},
            "input[0].content.[0].image_url",
        ),
    ],
)
def test_content_that_cannot_be_passed_on(item: Any, param: str) -> None:
    with pytest.raises(BadRequest) as failure:
        said(item)
    assert failure.value.param == param


def test_more_text_than_any_model_takes_is_refused_as_such() -> None:
    with pytest.raises(BadRequest) as failure:
        said({"role": "user", "content": "x" * (1 << 20)}, call(), output(value="x" * (1 << 20)))
    assert failure.value.code == "context_length_exceeded"


def test_more_pictures_than_are_taken_are_refused() -> None:
    pictures = [{"type": "input_image", "image_url": "https://here/a.png"}] * 20
    with pytest.raises(BadRequest, match="at most 100"):
        said(*({"role": "user", "content": pictures} for _ in range(6)))


def test_instructions_may_be_written_as_items() -> None:
    assert (
        texts_of([{"role": "developer", "content": "a"}, {"content": [{"text": "b"}, {"x": 1}]}, 7]) == "a\nb"
    )
    assert texts_of(None) == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "x"]), inner),
    max_leaves=6,
)
FIELDS = (
    "type",
    "role",
    "content",
    "call_id",
    "name",
    "arguments",
    "input",
    "output",
    "id",
    "namespace",
    "tools",
)
KINDS = ("message", "function_call", "function_call_output", "item_reference", "web_search_call", "reasoning")


@given(
    st.lists(
        st.dictionaries(st.sampled_from(FIELDS), VALUES).flatmap(
            lambda item: st.sampled_from(KINDS).map(lambda kind: {**item, "type": kind}) | st.just(item)
        ),
        max_size=5,
    )
)
def test_any_items_are_read_or_refused(value: Any) -> None:
    with suppress(ApiError):
        read = read_items(value, numbered())
        references(read)
        calls_in(read)
        check_outputs(read, {})
        messages_of(read, {})
