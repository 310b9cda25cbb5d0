"""What OpenAI's SDK for Python does in a chat, against the service or a relay before it."""

import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from openai import NotFoundError, OpenAI, pydantic_function_tool
from openai.types.chat import ChatCompletionContentPartParam
from pydantic import BaseModel

from tests.clients.python.pictures import PICTURE_SEEN, PICTURE_URL
from tests.clients.python.reporting import (
    LONG,
    MODEL,
    NO_MODEL,
    OSLO,
    SAY,
    Feature,
    cancelled,
    refused,
)


class Verdict(BaseModel):
    """What a judge says."""

    status: Literal["fine", "bad"]
    reasons: list[str]


class GetWeather(BaseModel):
    """The weather of a city."""

    city: str


@dataclass(frozen=True, slots=True)
class Chats:
    """Chats by a client."""

    client: OpenAI

    def features(self) -> Mapping[str, Feature]:
        """What works with every key that is good."""
        return {
            "chat": Feature(self.chat),
            "stream": Feature(self.stream),
            "usage": Feature(self.usage, posts=2),
            "cancel": Feature(self.cancel),
            "tools": Feature(self.tools),
            "schema": Feature(self.schema),
            "picture in": Feature(self.picture_in),
            "picture out": Feature(self.picture_out),
            "models": Feature(self.models, posts=0),
            "404": Feature(lambda: refused(NotFoundError, lambda: self.said(SAY, model=NO_MODEL)), posts=0),
        }

    def said(self, question: str, *parts: ChatCompletionContentPartParam, model: str = MODEL) -> str:
        """The answer to a question in one message."""
        completion = self.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": [{"type": "text", "text": question}, *parts]}]
        )
        return completion.choices[0].message.content or ""

    def chat(self) -> None:
        assert self.said(SAY) == "fine"

    def stream(self) -> None:
        chunks = self.client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": SAY}], stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "fine"

    def usage(self) -> None:
        chunks = self.client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": SAY}],
            stream=True,
            stream_options={"include_usage": True},
        )
        [used] = [chunk.usage for chunk in chunks if chunk.usage]
        whole = self.client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": SAY}]
        ).usage
        assert whole is not None
        assert (used.prompt_tokens, used.completion_tokens) == (whole.prompt_tokens, whole.completion_tokens)
        assert used.completion_tokens == 1 < used.prompt_tokens

    def cancel(self) -> None:
        with self.client.chat.completions.create(
            model=MODEL, messages=[{"role": "user", "content": LONG}], stream=True
        ) as chunks:
            assert any(chunk.choices[0].delta.content for chunk in chunks)
        cancelled()

    def tools(self) -> None:
        with self.client.chat.completions.stream(
            model=MODEL,
            messages=[{"role": "user", "content": OSLO}],
            tools=[pydantic_function_tool(GetWeather)],
        ) as stream:
            done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
            completion = stream.get_final_completion()
        [call] = completion.choices[0].message.tool_calls or []
        assert call.function.parsed_arguments == done[0].parsed_arguments == GetWeather(city="Oslo")
        assert completion.choices[0].finish_reason == "tool_calls"

    def schema(self) -> None:
        completion = self.client.chat.completions.parse(
            model=MODEL, messages=[{"role": "user", "content": "Judge tea."}], response_format=Verdict
        )
        assert isinstance(completion.choices[0].message.parsed, Verdict)

    def picture_in(self) -> None:
        said = self.said("See this.", {"type": "image_url", "image_url": {"url": PICTURE_URL}})
        assert PICTURE_SEEN in said

    def picture_out(self) -> None:
        [url] = re.findall(r"!\[.*?\]\((\S+)\)", self.said("Draw a cat."))
        with urllib.request.urlopen(url) as answer:
            assert answer.read().startswith(b"\x89PNG")

    def models(self) -> None:
        assert MODEL in [model.id for model in self.client.models.list()]
