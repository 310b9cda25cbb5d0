"""Canvas of 2026: documents beside the answer (protocol notes, section 20.5)."""

import json
from collections.abc import Generator, Iterator

from simulator.final_answer import final_answer
from simulator.messages import JsonObject, new_id, text_content
from simulator.turn import Turn
from simulator.turn_steps import TurnStep


def document(turn: Turn) -> Iterator[TurnStep]:
    """A document is made, and the answer says so."""
    yield from _create(turn, "plan", "document", _plan(turn))
    yield from final_answer(
        turn, turn.prompt.localized("I wrote the plan in the canvas.", "计划写在画布里了。")
    )


def program(turn: Turn) -> Iterator[TurnStep]:
    """A program is made."""
    yield from _create(turn, "tea", "code/python", 'def brew(cups: int) -> str:\n    return "tea " * cups\n')
    yield from final_answer(turn, turn.prompt.localized("The program is in the canvas.", "程序在画布里。"))


def update(turn: Turn) -> Iterator[TurnStep]:
    """A document is made, then rewritten as a whole."""
    textdoc_id = yield from _create(turn, "plan", "document", _plan(turn))
    content = turn.prompt.localized("# Plan\n\nOnly one step.", "# 计划\n\n只有一步。")
    change = {"updates": [{"pattern": ".*", "multiple": True, "replacement": content}]}
    yield from turn.tool_call("canmore.update_textdoc", json.dumps(change, ensure_ascii=False), "json")
    stored = turn.conversation.textdocs[textdoc_id]
    stored |= {"version": 2, "content": content}
    done = f"Successfully updated text document with textdoc_id: '{textdoc_id}'"
    yield turn.start_tool_message(
        "canmore.update_textdoc",
        text_content(done),
        metadata={"canvas": {**_described(stored), "from_version": 1}},
    )
    yield from final_answer(turn, turn.prompt.localized("I shortened it.", "我缩短了它。"))


def _create(turn: Turn, name: str, kind: str, content: str) -> Generator[TurnStep, None, str]:
    call = json.dumps({"name": name, "type": kind, "content": content}, ensure_ascii=False)
    yield from turn.tool_call("canmore.create_textdoc", call, "json")
    stored: JsonObject = {"id": new_id(), "version": 1, "title": name, "content": content}
    stored["textdoc_type"] = kind
    turn.conversation.textdocs[stored["id"]] = stored
    done = f"Successfully created text document with textdoc_id: '{stored['id']}'"
    metadata = {"canvas": {**_described(stored), "create_source": "model"}}
    yield turn.start_tool_message("canmore.create_textdoc", text_content(done), metadata=metadata)
    return str(stored["id"])


def _described(stored: JsonObject) -> JsonObject:
    return {
        "textdoc_id": stored["id"],
        "textdoc_type": stored["textdoc_type"],
        "version": stored["version"],
        "title": stored["title"],
        "textdoc_content_length": len(stored["content"]),
    }


def _plan(turn: Turn) -> str:
    topic = turn.prompt.topic
    return turn.prompt.localized(
        f"# Plan\n\nStep one: think of {topic}.\nStep two: begin.",
        f"# 计划\n\n第一步：想想{topic}。\n第二步：开始。",
    )
