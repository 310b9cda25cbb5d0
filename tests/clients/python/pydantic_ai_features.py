"""pydantic-ai: agents with a type and with tools, over chat completions and over Responses."""

import asyncio
import base64

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelHTTPError
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.python.pictures import PICTURE, PICTURE_SEEN
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
    report,
    weather,
)


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


def chat(name: str = MODEL, key: str = KEY) -> Model:
    return OpenAIChatModel(name, provider=OpenAIProvider(base_url=URL, api_key=key))


def responses() -> Model:
    return OpenAIResponsesModel(MODEL, provider=OpenAIProvider(base_url=URL, api_key=KEY))


def typed(model: Model) -> None:
    assert isinstance(Agent(model, output_type=Verdict).run_sync("Judge tea.").output, Verdict)


def tools(model: Model) -> None:
    called = []
    agent = Agent(model)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """The weather of a city."""
        called.append(city)
        return weather(city)

    assert weather("Oslo") in agent.run_sync(OSLO).output
    assert called == ["Oslo"]


async def plain() -> None:
    assert (await Agent(chat()).run(SAY)).output == "fine"


async def stream() -> None:
    async with Agent(chat()).run_stream(SAY) as answer:
        assert "".join([piece async for piece in answer.stream_text(delta=True)]) == "fine"


async def usage() -> None:
    used = (await Agent(chat()).run(SAY)).usage
    assert used.output_tokens == 1 < used.input_tokens


async def cancel() -> None:
    async with Agent(chat()).run_stream(LONG) as answer:
        async for _ in answer.stream_text(delta=True):
            break
    await asyncio.to_thread(cancelled)


async def picture_in() -> None:
    picture = BinaryContent(base64.b64decode(PICTURE), media_type="image/png")
    assert PICTURE_SEEN in (await Agent(chat()).run(["See this.", picture])).output


def refusal(status: int, question: str, name: str = MODEL, key: str = KEY) -> None:
    try:
        Agent(chat(name, key)).run_sync(question)
        told = 200
    except ModelHTTPError as error:
        told = error.status_code
    assert told == status


async def streamed() -> None:
    async with Agent(chat(), output_type=Verdict).run_stream("Judge tea.") as stream:
        assert isinstance(await stream.get_output(), Verdict)


if __name__ == "__main__":
    report(
        ["pydantic-ai-slim"],
        {
            "chat": Feature(plain),
            "stream": Feature(stream),
            "usage": Feature(usage),
            "cancel": Feature(cancel),
            "tools": Feature(lambda: tools(chat()), posts=2),
            "schema": Feature(lambda: typed(chat())),
            "picture in": Feature(picture_in),
            "401": Feature(lambda: refusal(401, SAY, key=REFUSED_KEY), posts=0),
            "404": Feature(lambda: refusal(404, SAY, NO_MODEL), posts=0),
            "429": Feature(lambda: refusal(429, CAPPED, key=CAPPED_KEY)),
            "chat: `output_type`, streamed": Feature(streamed),
            "Responses: `output_type`": Feature(lambda: typed(responses())),
            "Responses: tools": Feature(lambda: tools(responses()), posts=2),
        },
    )
