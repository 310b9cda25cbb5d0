"""LangChain's chat model: typed answers by both methods, and tools."""

import openai
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

from tests.clients.python.pictures import PICTURE_SEEN, PICTURE_URL
from tests.clients.python.reporting import (
    CAPPED,
    CAPPED_KEY,
    KEY,
    LONG,
    MODEL,
    NO_MODEL,
    OSLO,
    REFUSED_KEY,
    SAY,
    URL,
    Feature,
    cancelled,
    refused,
    report,
    weather,
)


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return weather(city)


NEW = "gpt-5-6"
"""LangChain asks a model for an answer by a schema, but for names that look old to it, such as gpt-4-s."""


def chat_model(model: str = MODEL, key: str = KEY, **settings: bool) -> ChatOpenAI:
    return ChatOpenAI(base_url=URL, api_key=SecretStr(key), model=model, **settings)


def chat() -> None:
    assert chat_model().invoke(SAY).text == "fine"


def stream() -> None:
    assert "".join(piece.text for piece in chat_model().stream(SAY)) == "fine"


def usage() -> None:
    used = chat_model().invoke(SAY).usage_metadata
    pieces = [piece.usage_metadata for piece in chat_model(stream_usage=True).stream(SAY)]
    [streamed] = [each for each in pieces if each]
    assert used is not None
    assert used["output_tokens"] == streamed["output_tokens"] == 1
    assert used["input_tokens"] == streamed["input_tokens"]


def cancel() -> None:
    pieces = chat_model().stream(LONG)
    assert any(piece.text for piece in pieces)
    pieces.close()
    cancelled()


def picture_in() -> None:
    picture = {"type": "image_url", "image_url": {"url": PICTURE_URL}}
    question = HumanMessage([{"type": "text", "text": "See this."}, picture])
    assert PICTURE_SEEN in chat_model().invoke([question]).text


def by_function_calling() -> None:
    judge = chat_model().with_structured_output(Verdict, method="function_calling")
    assert isinstance(judge.invoke("Judge tea."), Verdict)


def by_json_schema() -> None:
    judge = chat_model(NEW).with_structured_output(Verdict, method="json_schema")
    assert isinstance(judge.invoke("Judge tea."), Verdict)


def tools(model: ChatOpenAI) -> None:
    bound = model.bind_tools([get_weather])
    question = HumanMessage(OSLO)
    asked = bound.invoke([question])
    [call] = asked.tool_calls
    assert call["args"] == {"city": "Oslo"}
    result = get_weather.invoke(call)
    assert isinstance(result, ToolMessage)
    assert weather("Oslo") in bound.invoke([question, asked, result]).text


def streamed_tool() -> None:
    pieces = list(chat_model().bind_tools([get_weather]).stream(OSLO))
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = whole + piece
    assert [call["args"] for call in whole.tool_calls] == [{"city": "Oslo"}]


if __name__ == "__main__":
    report(
        ["langchain-openai", "langchain-core"],
        {
            "chat": Feature(chat),
            "stream": Feature(stream),
            "usage": Feature(usage, posts=2),
            "cancel": Feature(cancel),
            "tools": Feature(lambda: tools(chat_model()), posts=2),
            "schema": Feature(by_json_schema),
            "picture in": Feature(picture_in),
            "401": Feature(
                lambda: refused(openai.AuthenticationError, lambda: chat_model(key=REFUSED_KEY).invoke(SAY)),
                posts=0,
            ),
            "404": Feature(
                lambda: refused(openai.NotFoundError, lambda: chat_model(NO_MODEL).invoke(SAY)), posts=0
            ),
            "429": Feature(
                lambda: refused(openai.RateLimitError, lambda: chat_model(key=CAPPED_KEY).invoke(CAPPED))
            ),
            '`with_structured_output(method="function_calling")`': Feature(by_function_calling),
            "`bind_tools`, streamed": Feature(streamed_tool),
            "`bind_tools` with `use_responses_api`": Feature(
                lambda: tools(chat_model(use_responses_api=True)), posts=2
            ),
        },
    )
