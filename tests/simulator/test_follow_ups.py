"""Questions about what the conversation has."""

from simulator import Simulator
from tests.simulator.client import Answer, ask, running


async def goes_on(simulator: Simulator, question: str, before: Answer) -> Answer:
    """Ask behind an answer."""
    place = {
        "conversation_id": before.records[0]["conversation_id"],
        "parent_message_id": list(before.final())[-1],
    }
    return await ask(simulator, question, model="gpt-4", **place)


def drawn(answer: Answer) -> list[str]:
    """What the pictures of an answer show."""
    shown = [one["content"] for one in answer.messages if one["content"]["content_type"] == "multimodal_text"]
    return [part["metadata"]["dalle"]["prompt"] for content in shown[-1:] for part in content["parts"]]


async def test_last_picture_is_drawn_in_another_way() -> None:
    async with running() as simulator:
        fox = await ask(simulator, "Draw a fox", model="gpt-4")
        blue = await goes_on(simulator, "Make it blue", fox)
        assert drawn(blue) == ["a fox, blue"]
        assert drawn(await goes_on(simulator, "Turn it into a cat", blue)) == ["a fox, blue, a cat"]


async def test_without_a_picture_nothing_is_drawn() -> None:
    async with running() as simulator:
        assert drawn(await ask(simulator, "Make it blue", model="gpt-4")) == []
        tea = await ask(simulator, "Tell me about tea", model="gpt-4")
        assert drawn(await goes_on(simulator, "Make it blue", tea)) == []


async def test_last_output_is_told() -> None:
    async with running() as simulator:
        run = await ask(simulator, "Calculate 6 * 7", model="gpt-4")
        told = await goes_on(simulator, "What was the result?", run)
        assert "42" in str(list(told.final().values())[-1]["content"])
