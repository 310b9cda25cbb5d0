"""The service over a backend that insists on WebSockets: nothing is to be seen of them."""

import asyncio
import re

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.service.deployment import deployed, question

pytestmark = pytest.mark.timeout(seconds=120)

INSISTS = Knobs(transport="ws", allow_sse=False, busy=False, cap=0)


@pytest.mark.parametrize("age", ["2023-05", "2023-12", "2024", "2025"])
async def test_answers_are_the_same_as_over_event_streams(age: str) -> None:
    questions = ("say exactly: 你好🔥", "Plot y = x with Python", "Draw a cat")
    asked = [f"{text} [[sim age={age}]]" for text in questions]
    async with deployed(knobs=Knobs(busy=False, cap=0)) as service:
        direct = [(await service.chat(text)).json["choices"] for text in asked]
    async with deployed(knobs=INSISTS) as service:
        first = [(await service.chat(text, key=f"fk-{n}")).json["choices"] for n, text in enumerate(asked)]
        again = [(await service.chat(text)).json["choices"] for text in asked]
        streamed = [await service.chat(text, stream=True) for text in asked]
        assert [answer.stream.done for answer in streamed] == [True] * 3
        assert service.requests("ok") == 9
        seen = next(each for each in service.upstream.requests if not each.path.endswith("/models"))
        assert seen.path.endswith("/conversation")
    shapes = [[blind(choices[0]["message"]["content"]) for choices in run] for run in (direct, first, again)]
    assert shapes[0] == shapes[1] == shapes[2]
    assert shapes[0] == [blind(answer.stream.text) for answer in streamed]


def blind(text: str) -> str:
    """Without the names of files, which are new each time."""
    return re.sub(r"https?://[^)\s]+", "URL", text)


async def test_client_that_leaves_has_the_conversation_stopped() -> None:
    async with deployed(knobs=INSISTS) as service:
        await service.chat("say exactly: ready")
        async with service.connect() as connection:
            await service.begin(connection, "Tea [[sim silence=60]]")
            await eventually(lambda: len(service.upstream.streams) == 2)
            await eventually(lambda: service.last_stream.records > 10)
        await eventually(lambda: service.last_stream.outcome == "stopped")
        await eventually(lambda: service.in_flight == 0)


async def test_many_at_once_on_one_account_are_all_served() -> None:
    async with deployed(knobs=INSISTS) as service:
        await service.chat("say exactly: ready")
        words = [f"word{number}" for number in range(30)]
        answers = await asyncio.gather(*(service.chat(f"say exactly: {word}") for word in words))
        assert [answer.json["choices"][0]["message"]["content"] for answer in answers] == words


async def test_one_at_a_time_over_sockets_needs_no_retries() -> None:
    knobs = Knobs(transport="ws", allow_sse=False, cap=0)
    async with deployed({"KEY_CONCURRENCY": "1"}, knobs=knobs) as service:
        words = [f"word{number}" for number in range(10)]
        answers = await asyncio.gather(*(service.chat(f"say exactly: {word}") for word in words))
        assert [answer.json["choices"][0]["message"]["content"] for answer in answers] == words
        assert len(service.upstream.streams) == 10


@pytest.mark.parametrize(("setting", "shown"), [("true", True), ("false", False)])
async def test_reasoning_is_passed_on_if_the_settings_say_so(setting: str, shown: bool) -> None:
    async with deployed({"REASONING": setting}, knobs=Knobs(busy=False, cap=0, age="2025")) as service:
        whole = (await service.chat("say exactly: hi")).json["choices"][0]["message"]
        assert whole["content"] == "hi"
        assert whole.get("reasoning_content", "").startswith("**") is shown
        streamed = await service.post(question("say exactly: hi", stream=True))
        assert streamed.stream.text == "hi"
        assert (b'"reasoning_content"' in streamed.body) is shown
