"""Turns that take minutes: pro mode, deep research of both generations (protocol notes, section 20.7)."""

import json
from collections.abc import Iterator

from simulator.answers import compose_answer
from simulator.exchange import LaterStep
from simulator.final_answer import final_answer
from simulator.frame_2026 import handoff
from simulator.kinds.thinking_2026 import grown_thoughts, recap
from simulator.messages import Edit, JsonObject, new_id, text_content
from simulator.turn import FINISHED, Turn
from simulator.turn_steps import EditMessage, Pause, TurnStep

PRO_TOOL = "a8km123"
KICKOFF_TOOL = "research_kickoff_tool.start_research_task"
APP_TOOL = "api_tool.call_tool"
_ORDER = "The deep research process has started. Do not use any other tools."


def pro(turn: Turn) -> Iterator[TurnStep]:
    """A status card, thoughts, a handoff unless it is unwanted, and after a time the answer."""
    progress = {"async_task_type": "pro_mode", "async_task_id": new_id(), "initial_text": "Reasoning..."}
    card = turn.start_tool_message(
        PRO_TOOL,
        text_content(""),
        running=True,
        metadata={**progress, "pro_progress": 0, "pro_skipped": False},
    )
    yield card
    if turn.knobs.handoff == "kind":
        yield handoff(turn.of_2026, turn.conversation.id, turn.knobs)
    localized = turn.prompt.localized
    yield from grown_thoughts(turn, [(localized("Weighing", "权衡"), "THOUGHT: both sides.")])
    yield Pause(turn.knobs.task_time)
    finished = [
        Edit(("metadata", "pro_progress"), "replace", 100),
        Edit(("status",), "replace", "finished_successfully"),
    ]
    yield EditMessage(card.message.id, tuple(finished))
    yield EditMessage(
        card.message.id, (Edit(("metadata",), "append", {"finished_text": "Reasoned for 2m 4s"}),)
    )
    yield recap(turn)
    yield from final_answer(turn, compose_answer(turn.prompt))


def research(turn: Turn) -> Iterator[TurnStep]:
    """The task starts and the stream ends; the report comes into the conversation as a message."""
    if not _may_start(turn):
        yield from _limit_reached(turn)
        return
    topic = turn.prompt.topic
    turn.of_2026.task_id = f"deepresch_{turn.of_2026.id}"
    metadata: JsonObject = {
        "async_task_type": "research",
        "async_task_id": turn.of_2026.task_id,
        "async_task_title": topic,
        "async_task_prompt": turn.prompt.quoted,
        "async_task_conversation_id": turn.conversation.id,
        "async_task_status_messages": {"initial": "Researching", "completed_with_time": "Completed in 5m"},
        "deep_research_version": "full",
        "command": "start_research_task",
    }
    yield turn.start_tool_message(KICKOFF_TOOL, text_content(_ORDER), metadata=metadata)
    text, reference = _report(turn)
    done = {
        "is_async_task_result_message": True,
        "async_task_message_label": "Research completed",
        "model_slug": "research",
        "content_references": [reference],
    }
    report = turn.start_assistant_message(
        text_content(text), channel="final", end_turn=True, metadata=done, **FINISHED
    )
    turn.of_2026.later.append(LaterStep(turn.knobs.task_time, report, "async-task-completed"))


def research_app(turn: Turn) -> Iterator[TurnStep]:
    """An app is called and a short answer given; the report comes into the message of the app."""
    if not _may_start(turn):
        yield from _limit_reached(turn)
        return
    turn.of_2026.task_id = f"research_{turn.of_2026.id}"
    call = {"path": "/Deep Research App/start", "args": {"user_query": turn.prompt.quoted}}
    yield from turn.tool_call(APP_TOOL, json.dumps(call, ensure_ascii=False), "json")
    running = {"chatgpt_sdk": {"widget_state": json.dumps({"status": "running", "plan": {}})}}
    app = turn.start_tool_message(APP_TOOL, text_content("Started."), metadata=running)
    yield app
    started = turn.prompt.localized("I have started the research.", "研究已经开始。")
    yield from final_answer(turn, started)
    text, reference = _report(turn)
    about = {"search_result_groups": [], "citations": [reference], "safe_urls": reference["safe_urls"]}
    state = {
        "status": "completed",
        "plan": {},
        "research_started_at": turn.clock(),
        "research_stopped_at": turn.clock() + turn.knobs.task_time,
        "report_message": {"content": text_content(text), "metadata": about},
    }
    widget = Edit(("metadata", "chatgpt_sdk", "widget_state"), "replace", json.dumps(state))
    turn.of_2026.later.append(LaterStep(turn.knobs.task_time, EditMessage(app.message.id, (widget,))))


def _may_start(turn: Turn) -> bool:
    may = not turn.conversation.temporary
    may = may and turn.limits.remaining(turn.key, "deep_research", turn.knobs) > 0
    if may:
        turn.limits.use(turn.key, "deep_research")
    return may


def _limit_reached(turn: Turn) -> Iterator[TurnStep]:
    yield from final_answer(
        turn, turn.prompt.localized("Research is not available here.", "此处无法进行研究。")
    )


def _report(turn: Turn) -> tuple[str, JsonObject]:
    """A report, and the reference of its only mark."""
    topic, mark = turn.prompt.topic, "【123†L4-L9】"
    before = f"# {topic}\n\n" + turn.prompt.localized("All sources agree", "所有来源一致")
    address = "https://example.org/report"
    reference: JsonObject = {
        "type": "webpage_extended",
        "matched_text": mark,
        "start_idx": len(before),
        "end_idx": len(before) + len(mark),
        "alt": None,
        "title": "Report",
        "url": address,
        "safe_urls": [address],
        "attribution": "example.org",
    }
    return f"{before}{mark}.", reference
