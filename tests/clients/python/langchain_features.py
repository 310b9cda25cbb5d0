"""LangChain's chat model: typed answers by both methods, and tools."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, SecretStr

from tests.clients.python.reporting import KEY, MODEL, OSLO, URL, Feature, report, weather


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


def chat_model(model: str = MODEL, **settings: bool) -> ChatOpenAI:
    return ChatOpenAI(base_url=URL, api_key=SecretStr(KEY), model=model, **settings)


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
            '`with_structured_output(method="function_calling")`': Feature(by_function_calling),
            '`with_structured_output(method="json_schema")`': Feature(by_json_schema),
            "`bind_tools`, call and result": Feature(lambda: tools(chat_model()), posts=2),
            "`bind_tools`, streamed": Feature(streamed_tool),
            "`bind_tools` with `use_responses_api`": Feature(
                lambda: tools(chat_model(use_responses_api=True)), posts=2
            ),
        },
    )
