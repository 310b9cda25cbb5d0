"""Side requests of chat front ends: titles, summaries, tags and the like."""

import json
import re

from simulator.answers.prompt import Prompt, shortened

_WANTED_JSON = re.compile(r"[{\"'](title|tags|follow_ups|queries)\b", re.IGNORECASE)
_QUOTED_USER = re.compile(r"\buser:\s*(.{2,200})", re.DOTALL | re.IGNORECASE)
_QUOTED_TEXT = re.compile(r":\s*[\n\"“「]?(.{2,200})", re.DOTALL)


def title(prompt: Prompt) -> str:
    """Four or five words (or a few characters) on the subject of the conversation."""
    if prompt.earlier:
        return _title_of(Prompt(prompt.earlier[0], prompt.model))
    return _title_of(prompt)


def asked_title(prompt: Prompt) -> str:
    """The title that a question asks for: of the talk so far, or of a text it quotes."""
    quoted = _QUOTED_USER.search(prompt.plain) or _QUOTED_TEXT.search(prompt.plain)
    if quoted and not prompt.earlier:
        return _title_of(Prompt(quoted.group(1), prompt.model))
    return title(prompt)


def json_side_request(prompt: Prompt) -> str | None:
    """What some front ends ask as JSON, with the talk quoted inside the question."""
    found = _WANTED_JSON.search(prompt.plain)
    if not found:
        return None
    subject = asked_title(prompt)
    values: dict[str, object] = {
        "title": subject,
        "tags": ["General", "Simulation"],
        "follow_ups": [f"What else is there to know about {subject}?", f"Why does {subject} matter?"],
        "queries": [subject],
    }
    wanted = found.group(1).lower()
    return json.dumps({wanted: values[wanted]}, ensure_ascii=False)


def summary(prompt: Prompt) -> str:
    """What was asked so far."""
    asked = [shortened(text, 60) for text in prompt.earlier[-5:]]
    if prompt.chinese:
        return f"用户问到了：{'；'.join(asked or ['没有更早的内容'])}。助手逐一作了模拟的回答。"
    talk = "; ".join(asked or ["nothing before this"])
    return f"The user asked: {talk}. The assistant gave simulated answers."


def _title_of(prompt: Prompt) -> str:
    if prompt.chinese:
        return shortened(prompt.topic, 10).rstrip("…")
    words = re.findall(r"[^\s,.;:!?\"'“”()]+", prompt.topic)[:5]
    return " ".join(word[:1].upper() + word[1:] for word in words) or "Simulated Conversation"
