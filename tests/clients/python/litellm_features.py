"""LiteLLM as an SDK, which speaks chat completions and Responses."""

import asyncio
import json

import litellm
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

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
COMPLETION = {"model": f"openai/{MODEL}", "api_base": URL, "api_key": KEY}


class Verdict(BaseModel):
    """What a judge says."""

    status: str
    reasons: list[str]


def asked(content: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": content}]}


def said(content: object, **others: object) -> str:
    answer = litellm.completion(**{**COMPLETION, **asked(content), **others})
    text: str = answer.choices[0].message.content
    return text


def chat() -> None:
    assert said(SAY) == "fine"


def stream() -> None:
    chunks = litellm.completion(**COMPLETION, **asked(SAY), stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "fine"


def usage() -> None:
    chunks = litellm.completion(
        **COMPLETION, **asked(SAY), stream=True, stream_options={"include_usage": True}
    )
    used = [chunk.usage for chunk in chunks if getattr(chunk, "usage", None)][-1]
    whole = litellm.completion(**COMPLETION, **asked(SAY)).usage
    assert (used.prompt_tokens, used.completion_tokens) == (whole.prompt_tokens, whole.completion_tokens)
    assert whole.completion_tokens == 1


async def cancel() -> None:
    chunks = await litellm.acompletion(**COMPLETION, **asked(LONG), stream=True)
    async for chunk in chunks:
        if chunk.choices[0].delta.content:
            break
    await chunks.aclose()
    await asyncio.to_thread(cancelled)


def tools() -> None:
    first = litellm.completion(**COMPLETION, **asked(OSLO), tools=[TOOL]).choices[0].message
    [call] = first.tool_calls
    result = weather(json.loads(call.function.arguments)["city"])
    messages = [
        {"role": "user", "content": OSLO},
        first,
        {"role": "tool", "tool_call_id": call.id, "content": result},
    ]
    answer = litellm.completion(**COMPLETION, messages=messages, tools=[TOOL])
    assert result in answer.choices[0].message.content


def schema() -> None:
    Verdict.model_validate_json(said("Judge tea.", response_format=Verdict))


def picture_in() -> None:
    picture = {"type": "image_url", "image_url": {"url": PICTURE_URL}}
    assert PICTURE_SEEN in said([{"type": "text", "text": "See this."}, picture])


def responses() -> None:
    answer = litellm.responses(**COMPLETION, input=SAY)
    assert answer.output[0].content[0].text == "fine"


def completions() -> None:
    answer = litellm.text_completion(**{**COMPLETION, "model": f"text-completion-openai/{MODEL}"}, prompt=SAY)
    assert answer.choices[0].text == "fine"


if __name__ == "__main__":
    report(
        ["litellm"],
        {
            "chat": Feature(chat),
            "stream": Feature(stream),
            "usage": Feature(usage, posts=2),
            "cancel": Feature(cancel),
            "tools": Feature(tools, posts=2),
            "schema": Feature(schema),
            "picture in": Feature(picture_in),
            "401": Feature(
                lambda: refused(litellm.AuthenticationError, lambda: said(SAY, api_key=REFUSED_KEY)), posts=0
            ),
            "404": Feature(
                lambda: refused(litellm.NotFoundError, lambda: said(SAY, model=f"openai/{NO_MODEL}")), posts=0
            ),
            "429": Feature(lambda: refused(litellm.RateLimitError, lambda: said(CAPPED, api_key=CAPPED_KEY))),
            "`responses`": Feature(responses),
            "`text_completion`": Feature(completions),
        },
    )
