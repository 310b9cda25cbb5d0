"""Responses by the official Python SDK, as it is, against the running service."""

from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI, pydantic_function_tool
from openai.types.conversations import Conversation, ConversationItemList
from openai.types.conversations import Message as ConversationMessage
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ToolParam,
)
from pydantic import BaseModel

from tests.processes import Pair, new_key


class Place(BaseModel):
    city: str


WEATHER: ToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def client(pair: Pair) -> Iterator[OpenAI]:
    """With the SDK's own defaults, two retries included."""
    with OpenAI(base_url=pair.url, api_key=new_key()) as made:
        yield made


def test_create(client: OpenAI) -> None:
    response = client.responses.create(model="gpt-4-s", input="Say exactly: fine")
    assert response.output_text == "fine"
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens > 1
    assert isinstance(response.output[0], ResponseOutputMessage)


def test_raw_stream(client: OpenAI) -> None:
    events = list(client.responses.create(model="gpt-4-s", input="Say exactly: all fine", stream=True))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "all fine"
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_stream_helper_gives_the_final_response(client: OpenAI) -> None:
    with client.responses.stream(model="gpt-4-s", input="Say exactly: all fine") as stream:
        kinds = {event.type for event in stream}
        response = stream.get_final_response()
    assert {"response.output_text.delta", "response.output_text.done", "response.completed"} <= kinds
    assert response.output_text == "all fine"


def test_parse(client: OpenAI) -> None:
    response = client.responses.parse(model="gpt-4-s", input="Where is Oslo?", text_format=Place)
    assert response.output_parsed == Place(city="Oslo")


def test_stream_helper_parses(client: OpenAI) -> None:
    with client.responses.stream(model="gpt-4-s", input="Where is Oslo?", text_format=Place) as stream:
        response = stream.get_final_response()
    assert response.output_parsed == Place(city="Oslo")


def test_tool_in_a_chain(client: OpenAI) -> None:
    first = client.responses.create(
        model="gpt-4-s", input="What is the weather in Oslo?", tools=[WEATHER], tool_choice="required"
    )
    (call,) = first.output
    assert isinstance(call, ResponseFunctionToolCall)
    second = client.responses.create(
        model="gpt-4-s",
        previous_response_id=first.id,
        tools=[WEATHER],
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "3 degrees"}],
    )
    assert "3 degrees" in second.output_text


def test_streamed_call_is_parsed(client: OpenAI) -> None:
    tool = pydantic_function_tool(Place, name="look_up")
    function = tool["function"]
    offered: ToolParam = {
        "type": "function",
        "name": function["name"],
        "parameters": function["parameters"],
        "strict": True,
    }
    with client.responses.stream(
        model="gpt-4-s", input="Look up the city Oslo", tools=[offered], tool_choice="required"
    ) as stream:
        (call,) = stream.get_final_response().output
    assert isinstance(call, ResponseFunctionToolCall)
    assert call.name == "look_up"
    assert "city" in call.arguments


def test_retrieve_list_and_delete(client: OpenAI) -> None:
    made = client.responses.create(model="gpt-4-s", input="Say exactly: fine")
    assert client.responses.retrieve(made.id).output_text == "fine"
    (item,) = client.responses.input_items.list(made.id).data
    assert item.type == "message"
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as refusal:
        client.responses.create(model="gpt-4-s", input="Hi", previous_response_id=made.id)
    assert refusal.value.code == "previous_response_not_found"


def test_input_tokens(client: OpenAI) -> None:
    assert client.responses.input_tokens.count(model="gpt-4-s", input="Hello there").input_tokens > 2


def test_failure_in_mid_stream_is_an_error(client: OpenAI) -> None:
    text = "Tell me about rain [[sim tokens=200 fault=fin_mid]]"
    with (
        pytest.raises(openai.APIError) as failure,
        client.responses.stream(model="gpt-4-s", input=text) as stream,
    ):
        stream.until_done()
    assert failure.value.code == "invalid_prompt"


def test_failures_of_requests_are_those_of_the_sdk(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="no-such-model", input="Hi")
    with pytest.raises(openai.BadRequestError) as refusal:
        client.responses.create(model="gpt-4-s", input="Hi", background=True)
    assert refusal.value.param == "background"


def test_conversations_and_their_items(client: OpenAI) -> None:
    made = client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "My name is Ada."}], metadata={"topic": "tea"}
    )
    assert client.conversations.retrieve(made.id) == made
    changed = client.conversations.update(made.id, metadata={"a": "b"})
    assert changed.metadata == {"a": "b"}
    added = client.conversations.items.create(
        made.id, items=[{"role": "assistant", "content": "Hello Ada."}, {"role": "user", "content": "Well?"}]
    )
    one, two = added.data
    assert isinstance(one, ConversationMessage)
    assert client.conversations.items.retrieve(one.id, conversation_id=made.id) == one
    every = list(client.conversations.items.list(made.id, limit=1, order="asc"))
    assert [item.id for item in every][1:] == [one.id, two.id]
    assert client.conversations.items.delete(one.id, conversation_id=made.id) == changed
    assert len(list(client.conversations.items.list(made.id))) == 2
    assert client.conversations.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.conversations.retrieve(made.id)


def test_items_are_what_the_types_of_the_sdk_say(client: OpenAI) -> None:
    made = client.conversations.create(
        items=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Hi"},
                    {"type": "input_image", "image_url": DOT, "detail": "auto"},
                ],
            },
            {"role": "assistant", "content": "Hello."},
            {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "3"},
        ]
    )
    client.responses.create(model="gpt-4-s", conversation=made.id, input="Say exactly: fine", tools=[WEATHER])
    page = client.conversations.items.with_raw_response.list(made.id, order="asc").http_response.json()
    listed = ConversationItemList.model_validate(page, strict=True)
    assert [item.type for item in listed.data] == [
        "message", "message", "function_call", "function_call_output", "message", "message"
    ]  # fmt: skip
    Conversation.model_validate_json(made.to_json(), strict=True)


def test_response_in_a_conversation(client: OpenAI) -> None:
    made = client.conversations.create()
    first = client.responses.create(model="gpt-4-s", input="Say exactly: one", conversation=made.id)
    assert first.conversation is not None
    assert first.conversation.id == made.id
    with client.responses.stream(
        model="gpt-4-s", input="Say exactly: two", conversation={"id": made.id}
    ) as stream:
        second = stream.get_final_response()
    assert second.output_text == "two"
    items = list(client.conversations.items.list(made.id, order="asc"))
    assert [
        item.id for item in items if isinstance(item, ConversationMessage) and item.role == "assistant"
    ] == [
        first.output[0].to_dict()["id"],
        second.output[0].to_dict()["id"],
    ]


def test_tool_in_a_conversation(client: OpenAI) -> None:
    made = client.conversations.create()
    first = client.responses.create(
        model="gpt-4-s",
        conversation=made.id,
        input="What is the weather in Oslo?",
        tools=[WEATHER],
        tool_choice="required",
    )
    (call,) = first.output
    assert isinstance(call, ResponseFunctionToolCall)
    second = client.responses.create(
        model="gpt-4-s",
        conversation=made.id,
        tools=[WEATHER],
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "3 degrees"}],
    )
    assert "3 degrees" in second.output_text
    kinds = [item.type for item in client.conversations.items.list(made.id, order="asc")]
    assert kinds == ["message", "function_call", "function_call_output", "message"]


def test_conversation_and_previous_response_exclude_each_other(client: OpenAI) -> None:
    made = client.conversations.create()
    with pytest.raises(openai.BadRequestError) as refusal:
        client.responses.create(
            model="gpt-4-s", input="Hi", conversation=made.id, previous_response_id="resp_1"
        )
    assert refusal.value.code == "mutually_exclusive_parameters"
