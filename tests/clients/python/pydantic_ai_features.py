"""pydantic-ai: agents with a type and with tools, over chat completions and over Responses."""

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.clients.python.reporting import KEY, MODEL, OSLO, URL, Feature, report, weather


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


def chat() -> Model:
    return OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=URL, api_key=KEY))


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


async def streamed() -> None:
    async with Agent(chat(), output_type=Verdict).run_stream("Judge tea.") as stream:
        assert isinstance(await stream.get_output(), Verdict)


if __name__ == "__main__":
    report(
        ["pydantic-ai-slim"],
        {
            "chat: `output_type`": Feature(lambda: typed(chat())),
            "chat: `output_type`, streamed": Feature(streamed),
            "chat: tools": Feature(lambda: tools(chat()), posts=2),
            "Responses: `output_type`": Feature(lambda: typed(responses())),
            "Responses: tools": Feature(lambda: tools(responses()), posts=2),
        },
    )
