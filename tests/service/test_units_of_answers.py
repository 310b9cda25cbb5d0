"""What an answer has cost is told with it: in a header, and in a stream by a comment before its end."""

import re
from typing import Any

import pytest

from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed, question

COMMENT = re.compile(r"^: units=(\d+)$", re.MULTILINE)


async def spent_today(service: Deployment) -> int:
    """The units that the ledger has."""
    units: int = (await service.ask("GET", "/v1/usage")).json["today"]["units"]
    return units


def told(answer: Answer) -> int:
    """The units that a stream tells, which must tell them once."""
    [units] = COMMENT.findall(answer.body.decode())
    return int(units)


@pytest.mark.parametrize("prompt", ["Hello", "Hello [[sim finish=max_tokens]]"])
async def test_header_of_a_whole_answer_agrees_with_the_ledger(prompt: str) -> None:
    async with deployed() as service:
        answer = await service.post(question(prompt))
        assert int(answer.headers["x-units"]) == await spent_today(service) > 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", question("Hello", stream=True)),
        ("/v1/completions", {"model": "gpt-4-s", "prompt": "Hello", "stream": True}),
    ],
)
async def test_stream_tells_it_before_its_last_events(path: str, body: dict[str, Any]) -> None:
    async with deployed() as service:
        answer = await service.post(body, path=path)
        assert told(answer) == await spent_today(service) > 0
        assert answer.body.endswith(b"data: [DONE]\n\n")


async def test_stream_that_breaks_off_tells_what_was_spent() -> None:
    async with deployed() as service:
        answer = await service.post(question("Hello [[sim fault=reset_mid]]", stream=True))
        assert told(answer) == await spent_today(service) > 0


async def test_refusal_that_has_cost_nothing_says_so() -> None:
    async with deployed() as service:
        refused = await service.post(question("Hello [[sim fault=model_cap_exceeded]]"))
        never_asked = await service.post(question("Hello", model="none"))
        assert refused.headers["x-units"] == "0"
        assert await spent_today(service) == 0
        assert "x-units" not in never_asked.headers
