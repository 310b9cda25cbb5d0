"""The kinds of turns of 2026, and which one a request gets: by its hints, its model or its question."""

import re
from collections.abc import Callable, Iterator

from simulator.kinds import (
    canvas,
    drawing_2026,
    file_pages,
    hidden,
    hostile,
    long_tasks,
    marks,
    python_2026,
    searching,
    thinking_2026,
)
from simulator.turn import Turn
from simulator.turn_steps import TurnStep

TurnKind = Callable[[Turn], Iterator[TurnStep]]
"""Makes the steps between the echo and the end."""

KINDS_2026: dict[str, TurnKind] = {
    "search": searching.search,
    "think": thinking_2026.thinking,
    "python_hidden": python_2026.hidden,
    "python_shown": python_2026.shown,
    "file_pages": file_pages.file_pages,
    "canvas": canvas.document,
    "canvas_code": canvas.program,
    "canvas_update": canvas.update,
    "entity": marks.entity,
    "url": marks.url,
    "products": marks.products,
    "image_group": marks.image_group,
    "math": marks.math,
    "writing": marks.writing,
    "widgets": marks.widgets,
    "loose": marks.loose,
    "rewritten": marks.rewritten,
    "many_marks": hostile.many_marks,
    "open_marks": hostile.open_marks,
    "huge_mark": hostile.huge_mark,
    "contradiction": hostile.contradiction,
    "hidden": hidden.hidden,
    "placeholder": hidden.placeholder,
    "two_answers": hidden.two_answers,
    "commentary_only": hidden.commentary_only,
    "pro": long_tasks.pro,
    "research": long_tasks.research,
    "research_app": long_tasks.research_app,
    "draw_late_refused": drawing_2026.refused_later,
    "draw_limit": drawing_2026.limit_reached,
    "draw": drawing_2026.drawing,
    "draw_refused": drawing_2026.refused,
}
"""By value of the knob `kind`; the last two replace those of older ages."""
REPLACED = {"browse": "search"}
"""The kinds of today that questions get instead of older ones."""

_BY_HINT = {
    "search": "search",
    "picture_v2": "draw",
    "reason": "think",
    "canvas": "canvas",
    "research": "research",
    "plugin:connector_openai_deep_research": "research_app",
    "connector:openai_deep_research": "research_app",
}
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("writing", r"\b(?:write|draft)\b.{0,12}\be-?mails?\b|写.{0,6}邮件"),
    ("canvas_code", r"\bcanvas\b.{0,40}\b(?:code|program)\b|画布.{0,10}(?:代码|程序)"),
    ("canvas", r"\bcanvas\b|画布"),
    ("think", r"\bthink (?:hard|carefully|it through)\b|仔细想"),
    ("products", r"\b(?:recommend|buy|product)\b|推荐"),
    ("image_group", r"\bshow\b.{0,20}\b(?:pictures|photos|images) of\b|看看.{0,10}(?:图片|照片)"),
    ("math", r"\bformula\b|\btheorem\b|公式|定理"),
    ("entity", r"\bwhere does\b.{0,40}\bgrow\b|生长在哪"),
    ("url", r"\b(?:links|websites) about\b|相关链接"),
    ("widgets", r"\b(?:weather|stock)\b|天气|股票"),
)
_FLAGS = re.IGNORECASE | re.ASCII


def kind_in_2026(turn: Turn) -> str:
    """The kind that a hint, the model or the question asks for; "" if an older kind may do."""
    for hint in turn.request.system_hints:
        if hint in _BY_HINT:
            return _BY_HINT[hint]
    if turn.of_2026.is_pro:
        return "pro"
    if turn.gizmo:
        return ""
    return next((kind for kind, pattern in _PATTERNS if re.search(pattern, turn.prompt.plain, _FLAGS)), "")
