"""Which kind of turn a request gets: by the knob `kind`, its attachments, its GPT or its question."""

import re
from collections.abc import Iterator

from simulator.answers import is_task, wants_edits
from simulator.files import StoredFile
from simulator.kinds import (
    actions,
    agent,
    attachments,
    browsing,
    code_interpreter,
    drawing,
    follow_ups,
    sandbox,
    text,
)
from simulator.kinds.selection_2026 import KINDS_2026, REPLACED, TurnKind, kind_in_2026
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

KINDS: dict[str, TurnKind] = {
    "text": text.text,
    "advert": text.advert,
    "variants": text.variants,
    "code": code_interpreter.calculation,
    "rounds": code_interpreter.several_rounds,
    "code_error": code_interpreter.error,
    "figure": code_interpreter.figure,
    "tool_error": code_interpreter.tool_error,
    "file": sandbox.new_file,
    "files": sandbox.awkward_names,
    "draw": drawing.drawing,
    "draw_refused": drawing.refused,
    "browse": browsing.browsing,
    "browse_failed": browsing.failing_click,
    "action": actions.action,
    "oauth": actions.oauth,
}
"""By value of the knob `kind`. Attached files and decisions on an Action have kinds without a name."""

_TOOL_PATTERNS: tuple[tuple[str, str, str], ...] = (
    ("python", "figure", r"\b(?:plot|chart|graph|figure|histogram)\b|图表|折线图|柱状图|曲线|作图"),
    (
        "dalle",
        "draw",
        r"\b(?:draw|paint|sketch|illustrat\w+)\b|\b(?:picture|image|photo) of\b|画|绘制|生成.{0,8}图",
    ),
    (
        "python",
        "file",
        r"\b(?:csv|excel|spreadsheet)\b|\b(?:make|create|save|download)\b.{0,20}\bfile\b|生成.{0,8}文件|表格文件",
    ),
    ("python", "rounds", r"\banaly[sz]e\b.{0,20}\bdata\b|\bstep by step with python\b|分析.{0,8}数据"),
    (
        "python",
        "code",
        r"\b(?:calculate|compute)\b|\brun\b.{0,20}\b(?:python|code)\b|\bpython\b.{0,20}\brun\b|计算|运行",
    ),
    (
        "browser",
        "browse",
        r"\bsearch\b|\bbrowse\b|\bgoogle\b|\blatest\b|\bnews\b|搜索|上网|联网|最新|新闻|查一下",
    ),
)
_FLAGS = re.IGNORECASE | re.ASCII  # ASCII: a Latin word ends where Han characters begin
_DANGEROUS = re.compile(r"\b(?:copyrighted|violent|gore)\b|暴力|血腥", re.IGNORECASE)


def steps_for(turn: Turn) -> Iterator[TurnStep]:
    """The steps between the echo and the end.

    Raises Refused: 404 for an unknown file, 422 for a decision on an Action that no call waits for.
    """
    sent = turn.request.messages[-1] if turn.request.messages else None
    decision = actions.user_decision(sent.metadata) if sent and sent.role == "tool" else None
    if decision:
        return actions.reply(turn, decision)
    kinds = KINDS | KINDS_2026 if turn.exchange else KINDS
    if turn.knobs.kind:
        return kinds[turn.knobs.kind](turn)
    if turn.asked.are_given and (steps := agent.agent(turn)):
        return steps
    if is_task(turn.prompt) or wants_edits(turn.prompt):
        return text.text(turn)
    kind = _by_question(turn)
    if turn.exchange:
        kind = kind_in_2026(turn) or REPLACED.get(kind, kind)
    if kind == "text" and follow_ups.is_redrawn(turn):
        kind = "draw"
    # Who sends a picture and asks for one wants a picture, not a description.
    about_files = None if kind.startswith("draw") else _by_attachment(turn, kind)
    about_output = follow_ups.last_output(turn) if kind == "text" and about_files is None else None
    return about_files or about_output or kinds[kind](turn)


def _by_attachment(turn: Turn, kind: str) -> Iterator[TurnStep] | None:
    files = [turn.files.find(turn.key, file_id) for file_id in turn.request.attached_file_ids]
    by_use: dict[str, list[StoredFile]] = {}
    for file in files:
        by_use.setdefault(file.use_case, []).append(file)
    if "multimodal" in by_use:
        return attachments.vision(turn, by_use["multimodal"])
    if "ace_upload" in by_use:
        return sandbox.read_upload(turn, by_use["ace_upload"][0])
    if "my_files" in by_use and kind == "code":  # Python can read all that was uploaded
        return sandbox.read_upload(turn, by_use["my_files"][0])
    if "my_files" in by_use:
        return attachments.file_search(turn, by_use["my_files"])
    return None


def _by_question(turn: Turn) -> str:
    if turn.gizmo and turn.gizmo.kind:
        return turn.gizmo.kind
    for tool, kind, pattern in _TOOL_PATTERNS:
        if tool in _tools(turn) and re.search(pattern, turn.prompt.plain, _FLAGS):
            return "draw_refused" if kind == "draw" and _DANGEROUS.search(turn.prompt.plain) else kind
    return "text"


def _tools(turn: Turn) -> tuple[str, ...]:
    """The tools of a GPT; all tools for GPT-4, none for older models."""
    if turn.gizmo:
        return turn.gizmo.tools
    return () if turn.request.model.startswith("text-davinci") else ("python", "dalle", "browser")
