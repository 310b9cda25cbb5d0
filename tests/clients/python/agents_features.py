"""openai-agents: an agent with a tool of its own, with a type, and with the tools that OpenAI runs itself."""

import asyncio

from agents import (
    Agent,
    CodeInterpreterTool,
    ImageGenerationTool,
    Model,
    OpenAIChatCompletionsModel,
    OpenAIConversationsSession,
    OpenAIResponsesModel,
    Runner,
    Tool,
    WebSearchTool,
    function_tool,
    set_tracing_disabled,
)
from openai import APIStatusError, AsyncOpenAI
from openai.types.responses import ResponseInputItemParam
from pydantic import BaseModel

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

set_tracing_disabled(True)


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return weather(city)


def responses(name: str = MODEL, key: str = KEY) -> Model:
    return OpenAIResponsesModel(name, AsyncOpenAI(base_url=URL, api_key=key))


def plain(model: Model) -> Agent[None]:
    return Agent(name="helper", model=model)


async def answer() -> None:
    assert (await Runner.run(plain(responses()), SAY)).final_output == "fine"


async def stream() -> None:
    result = Runner.run_streamed(plain(responses()), SAY)
    said = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert "".join(said) == "fine"


async def usage() -> None:
    used = (await Runner.run(plain(responses()), SAY)).context_wrapper.usage
    assert used.output_tokens == 1 < used.input_tokens


async def cancel() -> None:
    result = Runner.run_streamed(plain(responses()), LONG)
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            result.cancel()
    await asyncio.to_thread(cancelled)


async def picture_in() -> None:
    question: ResponseInputItemParam = {
        "role": "user",
        "content": [
            {"type": "input_text", "text": "See this."},
            {"type": "input_image", "image_url": PICTURE_URL, "detail": "auto"},
        ],
    }
    assert PICTURE_SEEN in (await Runner.run(plain(responses()), [question])).final_output


def refusal(question: str, name: str = MODEL, key: str = KEY) -> None:
    refused(APIStatusError, lambda: Runner.run_sync(plain(responses(name, key)), question))


def chat() -> Model:
    return OpenAIChatCompletionsModel(MODEL, AsyncOpenAI(base_url=URL, api_key=KEY))


async def tools(model: Model) -> None:
    agent = Agent(name="forecaster", instructions="Answer shortly.", model=model, tools=[get_weather])
    result = await Runner.run(agent, OSLO)
    assert weather("Oslo") in result.final_output


async def streamed_tools() -> None:
    agent = Agent(name="forecaster", instructions="Answer shortly.", model=responses(), tools=[get_weather])
    result = Runner.run_streamed(agent, OSLO)
    async for _ in result.stream_events():
        pass
    assert weather("Oslo") in result.final_output


async def typed(model: Model) -> None:
    agent = Agent(name="judge", model=model, output_type=Verdict)
    assert isinstance((await Runner.run(agent, "Judge tea.")).final_output, Verdict)


async def session() -> None:
    client = AsyncOpenAI(base_url=URL, api_key=KEY)
    kept = OpenAIConversationsSession(openai_client=client)
    agent = Agent(name="forecaster", model=responses(), tools=[get_weather])
    result = await Runner.run(agent, OSLO, session=kept)
    assert weather("Oslo") in result.final_output
    before = await kept.get_items()
    assert [item.get("type") for item in before] == [
        "message", "function_call", "function_call_output", "message"
    ]  # fmt: skip
    again = await Runner.run(agent, "Say exactly: fine", session=kept)
    assert again.final_output == "fine"
    last = await kept.pop_item()
    assert last is not None
    assert len(await kept.get_items()) == len(before) + 1
    await kept.clear_session()


async def conversation() -> None:
    client = AsyncOpenAI(base_url=URL, api_key=KEY)
    made = await client.conversations.create()
    agent = Agent(name="forecaster", model=responses(), tools=[get_weather])
    result = await Runner.run(agent, OSLO, conversation_id=made.id)
    assert weather("Oslo") in result.final_output
    items = await client.conversations.items.list(made.id, order="asc")
    kinds = [item.type for item in items.data]
    assert kinds == ["message", "function_call", "function_call_output", "message"], kinds


async def native(tool: Tool, question: str, item: str) -> None:
    agent = Agent(name="helper", model=responses(), tools=[tool])
    result = await Runner.run(agent, question)
    kinds = [each.type for response in result.raw_responses for each in response.output]
    assert item in kinds, kinds


if __name__ == "__main__":
    python = CodeInterpreterTool({"type": "code_interpreter", "container": {"type": "auto"}})
    drawing = ImageGenerationTool({"type": "image_generation"})
    report(
        ["openai-agents"],
        {
            "chat": Feature(answer),
            "stream": Feature(stream),
            "usage": Feature(usage),
            "cancel": Feature(cancel),
            "tools": Feature(lambda: tools(responses()), posts=2),
            "schema": Feature(lambda: typed(responses())),
            "picture in": Feature(picture_in),
            "401": Feature(lambda: refusal(SAY, key=REFUSED_KEY), posts=0),
            "404": Feature(lambda: refusal(SAY, NO_MODEL), posts=0),
            "429": Feature(lambda: refusal(CAPPED, key=CAPPED_KEY)),
            "Responses: tools, streamed": Feature(streamed_tools, posts=2),
            "Conversations: `OpenAIConversationsSession`": Feature(session, posts=3),
            "Conversations: `conversation_id`": Feature(conversation, posts=2),
            "chat: tools": Feature(lambda: tools(chat()), posts=2),
            "chat: `output_type`": Feature(lambda: typed(chat())),
            "`WebSearchTool`": Feature(
                lambda: native(WebSearchTool(), "Search the web for tea.", "web_search_call")
            ),
            "`CodeInterpreterTool`": Feature(
                lambda: native(python, "Plot 3, 1, 2.", "code_interpreter_call")
            ),
            "`ImageGenerationTool`": Feature(lambda: native(drawing, "Draw a cat.", "image_generation_call")),
        },
    )
