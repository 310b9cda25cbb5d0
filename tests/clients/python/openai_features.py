"""The official Python SDK: chats, and its helpers for typed answers and tools, on both of its APIs."""

import base64
import json

from openai import AuthenticationError, OpenAI, RateLimitError, pydantic_function_tool
from openai.types.responses import FunctionToolParam

from tests.clients.python.openai_chats import Chats, GetWeather, Verdict
from tests.clients.python.reporting import (
    CAPPED,
    CAPPED_KEY,
    KEY,
    MODEL,
    OSLO,
    REFUSED_KEY,
    SAY,
    URL,
    Feature,
    refused,
    report,
    weather,
)

client = OpenAI(base_url=URL, api_key=KEY)
chats = Chats(client)
WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "strict": True,
    "parameters": GetWeather.model_json_schema() | {"additionalProperties": False},
}


def said(question: str, key: str) -> str:
    return Chats(client.with_options(api_key=key)).said(question)


def file() -> None:
    kept = client.files.create(file=("tea.txt", b"Tea is a drink."), purpose="user_data")
    assert "tea.txt" in chats.said("Read this.", {"type": "file", "file": {"file_id": kept.id}})
    assert client.files.delete(kept.id).deleted


def chat_parse_of_a_call() -> None:
    completion = client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": OSLO}],
        tools=[pydantic_function_tool(GetWeather)],
    )
    [call] = completion.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == GetWeather(city="Oslo")


def completions() -> None:
    pieces = client.completions.create(model=MODEL, prompt=SAY, stream=True)
    assert "".join(piece.choices[0].text for piece in pieces if piece.choices) == "fine"


def images_generate() -> None:
    made = client.images.generate(model=MODEL, prompt="A cat.", response_format="b64_json")
    assert made.data
    assert base64.b64decode(made.data[0].b64_json or "").startswith(b"\x89PNG")


def responses_parse() -> None:
    response = client.responses.parse(model=MODEL, input="Judge tea.", text_format=Verdict)
    assert isinstance(response.output_parsed, Verdict)


def responses_stream() -> None:
    with client.responses.stream(model=MODEL, input=OSLO, tools=[WEATHER]) as stream:
        kinds = [event.type for event in stream]
        asked = stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    call = asked.output[0]
    assert call.type == "function_call"
    with client.responses.stream(
        model=MODEL,
        previous_response_id=asked.id,
        input=[
            {
                "type": "function_call_output",
                "call_id": call.call_id,
                "output": weather(json.loads(call.arguments)["city"]),
            }
        ],
        tools=[WEATHER],
    ) as stream:
        answer = stream.get_final_response()
    assert weather("Oslo") in answer.output_text


def native_search() -> None:
    response = client.responses.create(
        model=MODEL, input="Search the web for news of tea.", tools=[{"type": "web_search"}]
    )
    assert response.output[0].type == "web_search_call"
    assert response.output_text


if __name__ == "__main__":
    report(
        ["openai"],
        {
            **chats.features(),
            "file": Feature(file),
            "401": Feature(lambda: refused(AuthenticationError, lambda: said(SAY, REFUSED_KEY)), posts=0),
            "429": Feature(lambda: refused(RateLimitError, lambda: said(CAPPED, CAPPED_KEY))),
            "`chat.completions.parse`, a call": Feature(chat_parse_of_a_call),
            "`completions.create`, streamed": Feature(completions),
            "`images.generate`": Feature(images_generate),
            "`responses.parse`": Feature(responses_parse),
            "`responses.stream` with a tool and its result": Feature(responses_stream, posts=2),
            "`responses.create` with `web_search`": Feature(native_search),
        },
    )
