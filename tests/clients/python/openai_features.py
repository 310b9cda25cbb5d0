"""The official Python SDK: its helpers for typed answers and tools, on both of its APIs."""

import json
from typing import Literal

from openai import OpenAI, pydantic_function_tool
from openai.types.responses import FunctionToolParam
from pydantic import BaseModel

from tests.clients.python.reporting import KEY, MODEL, OSLO, URL, report, weather

client = OpenAI(base_url=URL, api_key=KEY)


class Verdict(BaseModel):
    """What a judge says."""

    status: Literal["fine", "bad"]
    reasons: list[str]


class GetWeather(BaseModel):
    """The weather of a city."""

    city: str


WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "strict": True,
    "parameters": GetWeather.model_json_schema() | {"additionalProperties": False},
}


def chat_parse() -> None:
    completion = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "Judge tea."}], response_format=Verdict
    )
    assert isinstance(completion.choices[0].message.parsed, Verdict)


def chat_parse_of_a_call() -> None:
    completion = client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": OSLO}],
        tools=[pydantic_function_tool(GetWeather)],
    )
    [call] = completion.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == GetWeather(city="Oslo")


def chat_stream() -> None:
    with client.chat.completions.stream(
        model=MODEL,
        messages=[{"role": "user", "content": OSLO}],
        tools=[pydantic_function_tool(GetWeather)],
    ) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        completion = stream.get_final_completion()
    [call] = completion.choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == done[0].parsed_arguments == GetWeather(city="Oslo")
    assert completion.choices[0].finish_reason == "tool_calls"


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
            "`chat.completions.parse`, an answer": chat_parse,
            "`chat.completions.parse`, a call": chat_parse_of_a_call,
            "`chat.completions.stream` with a tool": chat_stream,
            "`responses.parse`": responses_parse,
            "`responses.stream` with a tool and its result": responses_stream,
            "`responses.create` with `web_search`": native_search,
        },
    )
