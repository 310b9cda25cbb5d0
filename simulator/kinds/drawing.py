"""Drawing turns (protocol notes, section 8.5).

A call, a pause, pictures; until 2024 also an instruction to the model and an answer.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace

from simulator.final_answer import final_answer
from simulator.messages import JsonObject, code_content, new_id, text_content
from simulator.pictures import draw
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import Pause, StartMessage, TurnStep, UpdateMessage

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


def drawing(turn: Turn) -> Iterator[TurnStep]:
    """One to four pictures in one message."""
    count = min(4, turn.knobs.images) or picture_count(turn.prompt.plain)
    width, height = picture_size(turn.prompt.plain)
    if turn.version.has_2025_tools:
        yield from _drawing_2025(turn, count, width, height)
        return
    request: JsonObject = {"prompt": turn.prompt.topic, "size": f"{width}x{height}"}
    if count > 1:
        request["n"] = count
    yield from turn.tool_call(TOOL, json.dumps(request, ensure_ascii=False), "json")
    yield from _picture_message(turn, turn.start_tool_message(TOOL, _pictures(turn, count, width, height)))
    yield turn.start_tool_message(TOOL, text_content(_instruction(count)))
    topic = turn.prompt.topic
    yield from final_answer(
        turn, turn.prompt.localized(f"Here is {topic}, as I see it. 🎨", f"这就是我画的{topic}。🎨")
    )


def refused(turn: Turn) -> Iterator[TurnStep]:
    """The tool refuses with a text, and the assistant explains; there is no picture."""
    tool = TOOL_2025 if turn.version.has_2025_tools else TOOL
    call = json.dumps({"prompt": turn.prompt.topic, "size": "1024x1024"}, ensure_ascii=False)
    yield from turn.tool_call(tool, call, "json")
    yield turn.start_tool_message(tool, text_content(REFUSED))
    sorry = "I'm sorry, I can't draw that: the request goes against the content policy."
    yield from final_answer(turn, turn.prompt.localized(sorry, "抱歉，这个请求不符合内容政策，我无法绘制。"))


def _drawing_2025(turn: Turn, count: int, width: int, height: int) -> Iterator[TurnStep]:
    """A call without a prompt, pictures with `sediment` pointers, and no answer."""
    start = turn.start_assistant_message(
        code_content('{"skipped_mainline":true}', "python3"), recipient=TOOL_2025
    )
    yield start
    yield UpdateMessage(start.message.id, dict(FINISHED))
    if turn.knobs.tool_delay:
        yield Pause(turn.knobs.tool_delay)
    title = {"image_gen_title": turn.prompt.topic}
    yield from _picture_message(
        turn, turn.start_tool_message(TOOL_2025, _pictures(turn, count, width, height), metadata=title)
    )


def _picture_message(turn: Turn, pictures: StartMessage) -> Iterator[TurnStep]:
    # The tool's message has no time of creation.
    pictures = StartMessage(replace(pictures.message, create_time=None))
    yield pictures
    if turn.knobs.resend:
        yield pictures


def _pictures(turn: Turn, count: int, width: int, height: int) -> JsonObject:
    topic = turn.prompt.topic
    drawn = [draw(topic, width, height, variant) for variant in range(count)]
    return {"content_type": "multimodal_text", "parts": [_part(turn, png, width, height) for png in drawn]}


def _part(turn: Turn, png: bytes, width: int, height: int) -> JsonObject:
    file = turn.store_file(f"{new_id()}.png", png, sediment=turn.version.has_2025_tools)
    gen_id = new_id().replace("-", "")[:16]
    part: JsonObject = {
        "content_type": "image_asset_pointer",
        "asset_pointer": file.pointer,
        "size_bytes": len(png),
        "width": width,
        "height": height,
    }
    if turn.version.has_2025_tools:
        generation = {"gen_id": gen_id, "gen_size": "smimage", "height": height, "width": width}
        return part | {"metadata": {"dalle": {"gen_id": gen_id, "prompt": ""}, "generation": generation}}
    dalle = {"gen_id": gen_id, "prompt": turn.prompt.topic, "seed": turn.rng.randrange(2**32)}
    serialization = {"serialization_title": "DALL-E generation metadata"}
    return part | {"fovea": 512, "metadata": {"dalle": dalle | serialization}}


def _instruction(count: int) -> str:
    return (
        f"DALL-E displayed {count} images. The images are already plainly visible, so don't repeat the "
        "descriptions in detail. Do not list download links as they are available in the interface already."
    )


def picture_count(question: str) -> int:
    """How many pictures a question asks for, 1 to 4."""
    found = _COUNT.search(question)
    if not found:
        return 1
    word = (found.group(1) or found.group(2)).lower()
    return _NUMBERS.get(word) or int(word)


def picture_size(question: str) -> tuple[int, int]:
    """Width and height in pixels, by the words of a question."""
    if re.search(r"\b(?:wide|landscape|panorama)\b|横版|宽", question, re.IGNORECASE):
        return 1792, 1024
    if re.search(r"\b(?:tall|portrait|vertical)\b|竖版", question, re.IGNORECASE):
        return 1024, 1792
    return 1024, 1024
