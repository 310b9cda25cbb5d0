"""Kinds of turns, and which of them a request gets."""

import re
from collections.abc import Callable, Iterator

from simulator.files import StoredFile
from simulator.kinds import actions, attachments, browsing, code, drawing, sandbox, text
from simulator.steps import Step
from simulator.turn import Turn

Kind = Callable[[Turn], Iterator[Step]]

KINDS: dict[str, Kind] = {
    "text": text.text,
    "advert": text.advert,
    "variants": text.variants,
    "code": code.calculation,
    "rounds": code.several_rounds,
    "code_error": code.error,
    "figure": code.figure,
    "tool_error": code.tool_error,
    "file": sandbox.new_file,
    "files": sandbox.awkward_names,
    "draw": drawing.drawing,
    "draw_refused": drawing.refused,
    "browse": browsing.browsing,
    "browse_failed": browsing.failing_click,
    "action": actions.action,
    "oauth": actions.oauth,
}
"""Kinds by name. Attached files and the user's word on an Action choose kinds of their own."""

_PATTERNS: tuple[tuple[str, str, str], ...] = (
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
_FLAGS = re.IGNORECASE | re.ASCII  # so that a Latin word ends where Han characters begin
_DANGEROUS = re.compile(r"\b(?:copyrighted|violent|gore)\b|暴力|血腥", re.IGNORECASE)


def steps_of(turn: Turn) -> Iterator[Step]:
    """The steps between echo and end. Raises Refused (422) for a word on an Action that nobody asked for."""
    sent = turn.request.messages[-1] if turn.request.messages else None
    consent = actions.consent_in(sent.metadata) if sent and sent.role == "tool" else None
    if consent:
        return actions.reply(turn, consent)
    if turn.knobs.kind:
        return KINDS[turn.knobs.kind](turn)
    kind = _by_question(turn)
    # Someone who sends a picture and asks for one wants a picture, not a description.
    seen = None if kind.startswith("draw") else _by_attachment(turn)
    return seen or KINDS[kind](turn)


def _by_attachment(turn: Turn) -> Iterator[Step] | None:
    files = [turn.files.find(turn.key, file_id) for file_id in turn.request.attached_file_ids]
    by_use: dict[str, list[StoredFile]] = {}
    for file in files:
        by_use.setdefault(file.use_case, []).append(file)
    if "multimodal" in by_use:
        return attachments.vision(turn, by_use["multimodal"])
    if "ace_upload" in by_use:
        return sandbox.read_upload(turn, by_use["ace_upload"][0])
    if "my_files" in by_use:
        return attachments.file_search(turn, by_use["my_files"])
    return None


def _by_question(turn: Turn) -> str:
    if turn.gizmo and turn.gizmo.kind:
        return turn.gizmo.kind
    for tool, kind, pattern in _PATTERNS:
        if tool in _tools(turn) and re.search(pattern, turn.prompt.plain, _FLAGS):
            return "draw_refused" if kind == "draw" and _DANGEROUS.search(turn.prompt.plain) else kind
    return "text"


def _tools(turn: Turn) -> tuple[str, ...]:
    """GPTS have what they were given, GPT-4 has all, older models have none."""
    if turn.gizmo:
        return turn.gizmo.tools
    return () if turn.request.model.startswith("text-davinci") else ("python", "dalle", "browser")
