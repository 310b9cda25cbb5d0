"""Drawing turns."""

import json
from typing import Any

import pytest

from tests.simulator.client import API, Answer, ask, call, fetch, running
from tests.simulator.pictures.png import pixels


def pictures(answer: Answer) -> list[dict[str, Any]]:
    return [shown for shown in answer.messages if shown["content"]["content_type"] == "multimodal_text"]


async def test_a_drawing_is_a_call_pictures_an_instruction_and_an_answer() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Draw a cat", model="gpt-4")
    call_, shown, told, said = list(answer.final().values())[2:]
    assert call_["recipient"] == "dalle.text2im"
    assert json.loads(call_["content"]["text"]) == {"prompt": "a cat", "size": "1024x1024"}
    assert (shown["author"]["name"], shown["status"]) == ("dalle.text2im", "finished_successfully")
    assert told["content"]["parts"][0].startswith("DALL-E displayed 1 images.")
    assert told["author"]["role"] == "tool"
    assert said["end_turn"] is True
    (part,) = shown["content"]["parts"]
    assert part["content_type"] == "image_asset_pointer"
    assert part["metadata"]["dalle"]["prompt"] == "a cat"


async def test_the_picture_can_be_fetched_and_is_what_its_part_says() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "画一只猫", model="gpt-4")
        (part,) = pictures(answer)[0]["content"]["parts"]
        file_id = part["asset_pointer"].removeprefix("file-service://")
        found = await call(simulator, "GET", f"{API}/files/{file_id}/download")
        png = (await fetch(simulator, found.json["download_url"])).body
    assert pixels(png)[:2] == (part["width"], part["height"])
    assert part["size_bytes"] == len(png)
    assert found.json["file_name"].endswith(".png")


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("Draw three pictures of a house", 3),
        ("画两张山的画", 2),
        ("Draw a flower [[sim images=4]]", 4),
    ],
)
async def test_several_pictures_come_in_one_message(question: str, count: int) -> None:
    async with running() as simulator:
        answer = await ask(simulator, question, model="gpt-4")
    (shown,) = pictures(answer)
    assert len({part["asset_pointer"] for part in shown["content"]["parts"]}) == count


async def test_the_picture_message_can_come_twice() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Draw a cat [[sim resend]]", model="gpt-4")
    first, second = pictures(answer)
    assert first == second


async def test_a_refusal_has_tool_text_and_no_picture() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Draw a violent scene", model="gpt-4")
    assert pictures(answer) == []
    tool = next(shown for shown in answer.messages if shown["author"]["role"] == "tool")
    assert "content policy" in tool["content"]["parts"][0]
    assert answer.messages[-1]["end_turn"] is True


async def test_only_pings_come_between_call_and_picture() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Draw a cat [[sim tool_delay=0.1 ping=0.02]]", model="gpt-4")
    names = [name for name, _ in answer.events]
    assert names.count("ping") >= 3
    first = names.index("ping")
    assert set(names[first : first + 3]) == {"ping"}
    assert "image_asset_pointer" in next(data for name, data in answer.events[first:] if name == "message")


@pytest.mark.parametrize(("words", "size"), [("wide", (1792, 1024)), ("tall", (1024, 1792))])
async def test_size_is_as_asked(words: str, size: tuple[int, int]) -> None:
    async with running() as simulator:
        answer = await ask(simulator, f"Draw a {words} picture of a house", model="gpt-4")
    (part,) = pictures(answer)[0]["content"]["parts"]
    assert (part["width"], part["height"]) == size
