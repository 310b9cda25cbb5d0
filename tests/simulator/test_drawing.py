"""DALL-E turns and the pictures themselves."""

import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.pictures.canvas import Canvas
from simulator.pictures.image_header import read_image_header
from simulator.pictures.scenes import chart, draw
from tests.simulator.client import API, Answer, ask, call, fetch, running


def pictures(answer: Answer) -> list[dict[str, Any]]:
    return [shown for shown in answer.messages if shown["content"]["content_type"] == "multimodal_text"]


def pixels(png: bytes) -> tuple[int, int, bytes]:
    """Width, height and raw rows of a PNG, every chunk's checksum checked."""
    at, data, size = 8, b"", (0, 0)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + content),)
        if kind == b"IHDR":
            size = struct.unpack(">II", content[:8])
        if kind == b"IDAT":
            data += content
        at += 12 + length
    rows = zlib.decompress(data)
    assert len(rows) == (size[0] + 1) * size[1]
    return (*size, rows)


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


@given(st.text(max_size=20), st.integers(1, 60), st.integers(1, 60))
def test_any_prompt_gives_a_valid_png(prompt: str, width: int, height: int) -> None:
    png = draw(prompt, width, height)
    assert pixels(png)[:2] == (width, height)
    assert read_image_header(png) == ("image/png", width, height)


def test_pictures_vary_by_prompt_and_variant_and_are_repeatable() -> None:
    drawn = [draw("a cat", 64, 64), draw("a dog", 64, 64), draw("a cat", 64, 64, variant=1)]
    assert len(set(drawn)) == 3
    assert draw("a cat", 64, 64) == drawn[0]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60), st.booleans())
def test_any_numbers_give_a_valid_chart(values: list[float], bars: bool) -> None:
    assert pixels(chart(tuple(values), bars=bars, width=80, height=50))[:2] == (80, 50)


def test_shapes_fill_the_pixels_inside_them_only() -> None:
    canvas = Canvas(8, 8)
    canvas.rectangle(2, 2, 6, 6, (1, 2, 3))
    canvas.triangle((-20, 20), (30, 20), (4, 7), (9, 9, 9))
    _, _, rows = pixels(canvas.png())
    row = [rows[y * 9 + 1 : y * 9 + 9] for y in range(8)]
    assert row[2] == bytes((0, 0, 1, 1, 1, 1, 0, 0))
    assert row[1] == bytes(8)


JPEG = b"\xff\xd8\xff\xe0\x00\x04JF\xff\xc0\x00\x0b\x08\x00\x20\x00\x10\x03\x01\x22\x00"
WEBP = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x0f\0\0" + b"\x1f\0\0"


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (b"GIF89a\x10\x00\x20\x00", ("image/gif", 16, 32)),
        (JPEG, ("image/jpeg", 16, 32)),
        (WEBP, ("image/webp", 16, 32)),
        (b"GIF89a\x10", None),
        (b"%PDF-1.4", None),
        (b"", None),
    ],
)
def test_image_facts_are_read_from_the_file(content: bytes, facts: tuple[str, int, int] | None) -> None:
    assert read_image_header(content) == facts
