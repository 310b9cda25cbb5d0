"""`POST /v1/completions`, as OpenAI's client asks it and as it is accounted."""

import json

import pytest
from openai import AsyncOpenAI, BadRequestError

from tests.processes import service_over_simulator
from tests.service.deployment import JSON_TYPE, deployed

PATH = "/v1/completions"


async def test_official_client_gets_a_completion_whole_and_streamed() -> None:
    with service_over_simulator({}) as pair:
        async with AsyncOpenAI(base_url=pair.url, api_key="fk-x", max_retries=0) as client:
            whole = await client.completions.create(
                model="gpt-3.5-turbo-instruct", prompt="Say exactly: fine"
            )
            stream = await client.completions.create(
                model="gpt-4",
                prompt=["Say exactly: fine, too"],
                stream=True,
                stream_options={"include_usage": True},
            )
            pieces = [piece async for piece in stream]
            with pytest.raises(BadRequestError) as raised:
                await client.completions.create(model="gpt-4", prompt="a", suffix="b")
    assert (whole.choices[0].text, whole.choices[0].finish_reason) == ("fine", "stop")
    assert whole.id.startswith("cmpl-")
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0
    assert "".join(choice.text for piece in pieces for choice in piece.choices) == "fine, too"
    assert pieces[-1].usage is not None
    assert raised.value.param == "suffix"


async def test_completion_counts_as_one_chat() -> None:
    async with deployed() as service:
        answer = await service.post({"model": "gpt-4-s", "prompt": "Hi"}, path=PATH)
        assert service.requests("ok") == 1
        usage = (await service.ask("GET", "/v1/usage")).json
    assert (answer.status, answer.json["object"]) == (200, "text_completion")
    assert answer.headers["x-conversation"] == "new"
    assert "14" in json.dumps(usage)


@pytest.mark.parametrize("stream", [False, True])
async def test_failure_before_the_answer_has_its_status(stream: bool) -> None:
    async with deployed() as service:
        wrong = await service.post({"model": "gpt-9-x", "prompt": "Hi", "stream": stream}, path=PATH)
        none = await service.ask("POST", PATH, JSON_TYPE, b"{}")
        assert service.upstream.attempts == 0
    assert (wrong.status, wrong.error["code"]) == (404, "model_not_found")
    assert (none.status, none.error["param"]) == (400, "prompt")
