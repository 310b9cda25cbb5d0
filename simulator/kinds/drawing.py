"""Turns that draw: a call, minutes of nothing, pictures. Until 2024 an instruction and an answer follow."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from simulator.answering import answer
from simulator.messages import JsonObject, code_content, new_id, text_content
from simulator.pictures.scenes import draw
from simulator.steps import Begin, Pause, Revise, Step
from simulator.turn import DONE, Turn

TOOL = "dalle.text2im"
TOOL_2025 = "t2uay3k.sj1i4kz"
_COUNT = re.compile(
    r"\b([2-4]|two|three|four)\b.{0,20}\b(?:images|pictures|versions)|([两三四二2-4])\s*[张幅]", re.I
)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "两": 2, "二": 2, "三": 3, "四": 4}
REFUSED = (
    "This request could not be processed because it does not follow the content policy. Explain to the user "
    "why, in your own words, and do not call the tool again."
)


def drawing(turn: Turn) -> Iterator[Step]:
    """One to four pictures in one message."""
    count = min(4, turn.knobs.images) or _count_in(turn.prompt.plain)
    width, height = _size_in(turn.prompt.plain)
    if turn.age.new_tools:
        yield from _drawing_2025(turn, count, width, height)
        return
    request: JsonObject = {"prompt": turn.prompt.topic, "size": f"{width}x{height}"}
    if count > 1:
        request["n"] = count
    yield from turn.call(TOOL, json.dumps(request, ensure_ascii=False), "json")
    yield from _shown(turn, turn.begin_tool(TOOL, _pictures(turn, count, width, height)))
    yield turn.begin_tool(TOOL, text_content(_displayed(count)))
    topic = turn.prompt.topic
    yield from answer(
        turn, turn.prompt.either(f"Here is {topic}, as I see it. 🎨", f"这就是我画的{topic}。🎨")
    )


def refused(turn: Turn) -> Iterator[Step]:
    """The tool refuses in text, and the assistant explains: no picture at all."""
    tool = TOOL_2025 if turn.age.new_tools else TOOL
    call = json.dumps({"prompt": turn.prompt.topic, "size": "1024x1024"}, ensure_ascii=False)
    yield from turn.call(tool, call, "json")
    yield turn.begin_tool(tool, text_content(REFUSED))
    sorry = "I'm sorry, I can't draw that: the request goes against the content policy."
    yield from answer(turn, turn.prompt.either(sorry, "抱歉，这个请求不符合内容政策，我无法绘制。"))


def _drawing_2025(turn: Turn, count: int, width: int, height: int) -> Iterator[Step]:
    """A call that says nothing, pictures under another scheme, and no answer: the turn just ends."""
    begin = turn.begin_assistant(code_content('{"skipped_mainline":true}', "python3"), recipient=TOOL_2025)
    yield begin
    yield Revise(begin.message.id, dict(DONE))
    if turn.knobs.tool_delay:
        yield Pause(turn.knobs.tool_delay)
    title = {"image_gen_title": turn.prompt.topic}
    yield from _shown(turn, turn.begin_tool(TOOL_2025, _pictures(turn, count, width, height), metadata=title))


def _shown(turn: Turn, pictures: Begin) -> Iterator[Step]:
    # The tool does not say when it made its message.
    pictures = Begin(replace(pictures.message, create_time=None))
    yield pictures
    if turn.knobs.resend:
        yield pictures


def _pictures(turn: Turn, count: int, width: int, height: int) -> JsonObject:
    topic = turn.prompt.topic
    drawn = [draw(topic, width, height, variant) for variant in range(count)]
    return {"content_type": "multimodal_text", "parts": [_part(turn, png, width, height) for png in drawn]}


def _part(turn: Turn, png: bytes, width: int, height: int) -> JsonObject:
    file = turn.keep_file(f"{new_id()}.png", png, sediment=turn.age.new_tools)
    gen_id = new_id().replace("-", "")[:16]
    part: JsonObject = {
        "content_type": "image_asset_pointer",
        "asset_pointer": file.pointer,
        "size_bytes": len(png),
        "width": width,
        "height": height,
    }
    if turn.age.new_tools:
        generation = {"gen_id": gen_id, "gen_size": "smimage", "height": height, "width": width}
        return part | {"metadata": {"dalle": {"gen_id": gen_id, "prompt": ""}, "generation": generation}}
    dalle = {"gen_id": gen_id, "prompt": turn.prompt.topic, "seed": turn.rng.randrange(2**32)}
    serialization = {"serialization_title": "DALL-E generation metadata"}
    return part | {"fovea": 512, "metadata": {"dalle": dalle | serialization}}


def _displayed(count: int) -> str:
    return (
        f"DALL-E displayed {count} images. The images are already plainly visible, so don't repeat the "
        "descriptions in detail. Do not list download links as they are available in the interface already."
    )


def _count_in(question: str) -> int:
    found = _COUNT.search(question)
    if not found:
        return 1
    word = (found.group(1) or found.group(2)).lower()
    return _NUMBERS.get(word) or int(word)


def _size_in(question: str) -> tuple[int, int]:
    if re.search(r"\b(?:wide|landscape|panorama)\b|横版|宽", question, re.IGNORECASE):
        return 1792, 1024
    if re.search(r"\b(?:tall|portrait|vertical)\b|竖版", question, re.IGNORECASE):
        return 1024, 1792
    return 1024, 1024
