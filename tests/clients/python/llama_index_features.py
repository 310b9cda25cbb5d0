"""LlamaIndex: chats, tools and typed answers, and text of `/v1/completions`."""

import gc

import openai
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, TextBlock
from llama_index.core.llms.llm import LLM
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
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


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


def get_weather(city: str) -> str:
    """The weather of a city."""
    return weather(city)


def model(name: str = MODEL, key: str = KEY, *, chats: bool = True) -> LLM:
    return OpenAILike(
        model=name, api_base=URL, api_key=key, is_chat_model=chats, is_function_calling_model=chats
    )


def asked(text: str) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=text)]


def said(question: str, name: str = MODEL, key: str = KEY) -> str:
    text: str = model(name, key).chat(asked(question)).message.content
    return text


def chat() -> None:
    assert said(SAY) == "fine"


def stream() -> None:
    assert "".join(piece.delta or "" for piece in model().stream_chat(asked(SAY))) == "fine"


def usage() -> None:
    used = model().chat(asked(SAY)).raw.usage
    assert used.completion_tokens == 1 < used.prompt_tokens


def cancel() -> None:
    assert any(piece.delta for piece in model().stream_chat(asked(LONG)))
    gc.collect()  # only then it closes what was left
    cancelled()


def tools() -> None:
    answer = model().predict_and_call([FunctionTool.from_defaults(get_weather)], OSLO)
    assert weather("Oslo") in str(answer)


def schema() -> None:
    judge = model().as_structured_llm(Verdict)
    assert isinstance(judge.chat(asked("Judge tea.")).raw, Verdict)


def picture_in() -> None:
    blocks = [TextBlock(text="See this."), ImageBlock(url=PICTURE_URL)]
    answer = model().chat([ChatMessage(role="user", blocks=blocks)])
    assert PICTURE_SEEN in answer.message.content


def completions() -> None:
    assert model(chats=False).complete(SAY).text == "fine"


def streamed_completions() -> None:
    assert "".join(piece.delta or "" for piece in model(chats=False).stream_complete(SAY)) == "fine"


def responses() -> None:
    speaking = OpenAIResponses(model="gpt-4o", api_base=URL, api_key=KEY)
    assert speaking.chat(asked(SAY)).message.content == "fine"


if __name__ == "__main__":
    report(
        ["llama-index-llms-openai-like", "llama-index-llms-openai"],
        {
            "chat": Feature(chat),
            "stream": Feature(stream),
            "usage": Feature(usage),
            "cancel": Feature(cancel),
            "tools": Feature(tools),
            "schema": Feature(schema),
            "picture in": Feature(picture_in),
            "401": Feature(
                lambda: refused(openai.AuthenticationError, lambda: said(SAY, key=REFUSED_KEY)), posts=0
            ),
            "404": Feature(lambda: refused(openai.NotFoundError, lambda: said(SAY, NO_MODEL)), posts=0),
            "429": Feature(lambda: refused(openai.RateLimitError, lambda: said(CAPPED, key=CAPPED_KEY))),
            "`OpenAILike` over `/v1/completions`": Feature(completions),
            "`OpenAILike` over `/v1/completions`, streamed": Feature(streamed_completions),
            "`OpenAIResponses`": Feature(responses),
        },
    )
