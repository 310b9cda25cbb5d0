"""Drawing in 2026: a card first and pictures later, or all in the stream (protocol notes, section 20.6)."""

import json
from collections.abc import Iterator

from simulator.exchange import LaterStep
from simulator.final_answer import final_answer
from simulator.kinds.drawing import TOOL_2025, picture_count, picture_size
from simulator.messages import Edit, JsonObject, new_id, text_content
from simulator.models_2026 import PICTURE_MODEL
from simulator.pictures import draw
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import EditMessage, Pause, SendRecord, StartMessage, TurnStep

_CARD = "Processing image\n\nMany people are creating images right now, so this can take a bit."
_LIMIT = (
    "You've hit the Plus plan limit for image generations requests. You can create more images when the "
    "limit resets in 40 minutes."
)
_PREVIEW_SIZE = 64


def drawing(turn: Turn) -> Iterator[TurnStep]:
    """The pictures; words where none may be drawn: in a temporary chat, with sources, beyond the limit."""
    if turn.conversation.temporary or turn.request.names_sources:
        sorry = "I can't create images in this chat, but I can describe one."
        yield from final_answer(turn, turn.prompt.localized(sorry, "我无法在此对话中生成图片，但可以描述。"))
        return
    if not turn.limits.remaining(turn.key, "image_gen", turn.knobs):
        yield from limit_reached(turn)
        return
    turn.limits.use(turn.key, "image_gen")
    if turn.knobs.pictures == "sync":
        yield from _call(turn)
        yield from _in_the_stream(turn)
        return
    yield from _announced(turn)
    _plan_later(turn)


def refused(turn: Turn) -> Iterator[TurnStep]:
    """Words instead of a picture."""
    sorry = "I'm sorry, I can't draw that: the request goes against the content policy."
    yield from final_answer(turn, turn.prompt.localized(sorry, "抱歉，这个请求不符合内容政策，我无法绘制。"))


def refused_later(turn: Turn) -> Iterator[TurnStep]:
    """The card, and after a time words instead of a picture."""
    yield from _announced(turn)
    sorry = "I couldn't create that image because it goes against our content policy."
    words = text_content(turn.prompt.localized(sorry, "该请求不符合内容政策，没有生成图片。"))
    answer = turn.start_assistant_message(words, end_turn=True, **FINISHED)
    turn.of_2026.later.append(LaterStep(turn.knobs.task_time, answer, "async-task-completed"))


def limit_reached(turn: Turn) -> Iterator[TurnStep]:
    """The call, an order to the model, and the limit in words."""
    yield from turn.tool_call(TOOL_2025, json.dumps({"prompt": turn.prompt.topic}), "unknown")
    order = "You're generating images too quickly. From now on, do not say or show anything else."
    yield turn.start_tool_message(TOOL_2025, text_content(order), metadata={"estimated_wait_seconds": 2400})
    yield from final_answer(turn, _LIMIT)


def _announced(turn: Turn) -> Iterator[TurnStep]:
    """The call, and the message that says that something will come."""
    yield from _call(turn)
    status = {"type": "conversation_async_status", "async_status": 7}
    yield SendRecord({**status, "conversation_id": turn.conversation.id})
    yield _card(turn)


def _call(turn: Turn) -> Iterator[TurnStep]:
    exchange = turn.of_2026
    exchange.model, exchange.use_case = PICTURE_MODEL, "image gen"
    exchange.task_id = f"imagegen_{exchange.id}"
    call = json.dumps({"skipped_mainline": True}, separators=(",", ":"))
    yield from turn.tool_call(TOOL_2025, call, "unknown")


def _card(turn: Turn) -> StartMessage:
    """The message that says that pictures will come; which flags are set differs."""
    with_flags = turn.knobs.pictures == "flags"
    metadata: JsonObject = {
        "ui_card": True,
        "ui_card_title": "Processing image",
        "ui_card_description": _CARD.partition("\n\n")[2],
        "ui_card_shimmer": True,
        "image_gen_async": with_flags,
        "trigger_async_ux": with_flags,
        "image_gen_multi_stream": not with_flags,
    }
    if not with_flags:
        metadata["image_gen_task_id"] = turn.of_2026.task_id
    return turn.start_tool_message(TOOL_2025, text_content(_CARD), metadata=metadata, end_turn=True)


def _plan_later(turn: Turn) -> None:
    """Previews and pictures come one after the other, and take the time of the task together."""
    later = turn.of_2026.later
    count = _count(turn)
    delay = turn.knobs.task_time / (count * (turn.knobs.previews + 1))
    for slot in range(count):
        start = _picture_message(turn, slot, is_final=not turn.knobs.previews)
        later.append(
            LaterStep(delay, start, "async-task-start" if slot == 0 else "async-task-insert-message")
        )
        message_id = start.message.id
        for preview in range(1, turn.knobs.previews + 1):
            edits = _revision(turn, slot, preview, is_final=preview == turn.knobs.previews)
            later.append(LaterStep(delay, EditMessage(message_id, edits)))
    later[-1] = LaterStep(later[-1].delay, later[-1].step, "async-task-completed")


def _in_the_stream(turn: Turn) -> Iterator[TurnStep]:
    """Each picture as one message that is revised."""
    for slot in range(_count(turn)):
        if turn.knobs.tool_delay:
            yield Pause(turn.knobs.tool_delay)
        start = _picture_message(turn, slot, is_final=not turn.knobs.previews)
        yield start
        if turn.knobs.resend:
            yield start
        for preview in range(1, turn.knobs.previews + 1):
            is_final = preview == turn.knobs.previews
            yield EditMessage(start.message.id, _revision(turn, slot, preview, is_final=is_final))


def _picture_message(turn: Turn, slot: int, *, is_final: bool) -> StartMessage:
    exchange = turn.of_2026
    content = {"content_type": "multimodal_text", "parts": [_part(turn, slot, 0, is_final=is_final)]}
    metadata: JsonObject = {
        "async_task_type": "image_gen",
        "async_task_id": exchange.task_id,
        "image_gen_title": turn.prompt.topic,
        "slot_index": slot,
        "ghostrider": {"status": "final" if is_final else "intermediate"},
    }
    status = FINISHED if is_final else {}
    return turn.start_tool_message(TOOL_2025, content, running=True, metadata=metadata, **status)


def _revision(turn: Turn, slot: int, number: int, *, is_final: bool) -> tuple[Edit, ...]:
    part = _part(turn, slot, number, is_final=is_final)
    edits = [
        Edit(("content", "parts", 0, "asset_pointer"), "replace", part["asset_pointer"]),
        Edit(("content", "parts", 0, "size_bytes"), "replace", part["size_bytes"]),
    ]
    if is_final:
        edits += [
            Edit(("metadata", "ghostrider"), "replace", {"status": "final"}),
            Edit(("status",), "replace", "finished_successfully"),
        ]
    return tuple(edits)


def _part(turn: Turn, slot: int, number: int, *, is_final: bool) -> JsonObject:
    width, height = picture_size(turn.prompt.plain)
    drawn = (width, height) if is_final else (_PREVIEW_SIZE, _PREVIEW_SIZE)
    png = draw(turn.prompt.topic, *drawn, slot)
    file = turn.store_file(f"{new_id()}.png", png, sediment=True)
    marked = file.pointer.replace("sediment", "file-service") if turn.knobs.watermark else None
    gen_id = f"{turn.of_2026.id}-{slot}"
    common = {"gen_id": gen_id, "seed": None, "parent_gen_id": None}
    generation = {
        "gen_size": "smimage",
        "gen_size_v2": "16",
        "height": height,
        "width": width,
        "transparent_background": False,
        "orientation": "square" if width == height else "landscape" if width > height else "portrait",
    }
    return {
        "content_type": "image_asset_pointer",
        "asset_pointer": file.pointer,
        "size_bytes": len(png),
        "width": width,
        "height": height,
        "fovea": None,
        "metadata": {
            "dalle": {
                **common,
                "prompt": "",
                "edit_op": None,
                "serialization_title": "DALL-E generation metadata",
            },
            "generation": {**common, **generation},
            "watermarked_asset_pointer": marked,
            "container_pixel_height": height,
            "container_pixel_width": width,
        },
    }


def _count(turn: Turn) -> int:
    return min(4, turn.knobs.images) or picture_count(turn.prompt.plain)
