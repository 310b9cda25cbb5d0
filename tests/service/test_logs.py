"""One line a request, for people or for machines, with what it took and what it cost."""

import pytest
from prometheus_client import generate_latest

from simulator import Knobs
from tests.service.deployment import deployed, question


def requests(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]


async def test_line_of_a_stream_has_its_times_tokens_and_units(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        answer = await service.chat(stream=True)
    (line,) = requests(caplog)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["route"], line["model"], line["status"], line["outcome"]) == ("chat", "gpt-4-s", 200, "ok")
    assert (line["units"], line["ttft"]) == (14, pytest.approx(line["duration"], abs=5))
    assert line["prompt_tokens"]
    assert line["completion_tokens"]


async def test_refused_request_cost_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed(knobs=Knobs(fault="token_expired")) as service:
        await service.chat()
    (line,) = requests(caplog)
    assert (line["status"], line["outcome"], line["units"]) == (401, "upstream_refused", 0)
    assert line["completion_tokens"] is None


async def test_continued_reply_cost_two_conversations(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, finish="max_tokens", tokens=40)) as service:
        await service.chat()
    assert requests(caplog)[-1]["units"] == 28


async def test_images_cost_what_their_conversations_cost(caplog: pytest.LogCaptureFixture) -> None:
    async with deployed() as service:
        await service.post({"prompt": "a fox"}, path="/v1/images/generations")
    assert requests(caplog)[-1]["units"] == 14


async def test_time_per_token_is_observed_once_per_stream() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, tokens=50)) as service:
        await service.post(question(stream=True))
        exposed = generate_latest(service.server.service.metrics.registry).decode()
    assert 'pandora_time_per_output_token_seconds_count{model="gpt-4-s"} 1.0' in exposed
