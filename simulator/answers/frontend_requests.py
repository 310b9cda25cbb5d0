"""What chat front ends ask by themselves beside the conversation: titles, summaries, tags and the like."""

import json
import re

from simulator.answers.prompt import Prompt, shortened

_WANTED_JSON = re.compile(r"[{\"'](title|tags|follow_ups|queries)\b", re.IGNORECASE)
_QUOTED_USER = re.compile(r"\buser:\s*(.{2,200})", re.DOTALL | re.IGNORECASE)
_QUOTED_TEXT = re.compile(r":\s*[\n\"“「]?(.{2,200})", re.DOTALL)


def is_task(prompt: Prompt) -> bool:
    """Whether the question is a task that Open WebUI sets by itself, which quotes what was said before: no
    word in it asks for a tool.
    """
    return prompt.plain.startswith("### Task:\n")


def title_for(prompt: Prompt) -> str:
    """A title of the conversation: up to five words, or ten Chinese characters, from its first question."""
    if prompt.earlier:
        return _title_of(Prompt(prompt.earlier[0], prompt.model))
    return _title_of(prompt)


def requested_title(prompt: Prompt) -> str:
    """The title that a question asks for: of the conversation so far, or of the text that it quotes."""
    quoted = _QUOTED_USER.search(prompt.plain) or _QUOTED_TEXT.search(prompt.plain)
    if quoted and not prompt.earlier:
        return _title_of(Prompt(quoted.group(1), prompt.model))
    return title_for(prompt)


def json_reply(prompt: Prompt) -> str | None:
    """The JSON object that some front ends ask for; None if the question asks for none of the known ones."""
    found = _WANTED_JSON.search(prompt.plain)
    if not found:
        return None
    title = requested_title(prompt)
    values: dict[str, object] = {
        "title": title,
        "tags": ["General", "Simulation"],
        "follow_ups": [f"What else is there to know about {title}?", f"Why does {title} matter?"],
        "queries": [title],
    }
    wanted = found.group(1).lower()
    return json.dumps({wanted: values[wanted]}, ensure_ascii=False)


def summary(prompt: Prompt) -> str:
    """A summary of the conversation: what the user asked, the last five questions at most."""
    asked = [shortened(text, 60) for text in prompt.earlier[-5:]]
    if prompt.chinese:
        return f"用户问到了：{'；'.join(asked or ['没有更早的内容'])}。助手逐一作了模拟的回答。"
    questions = "; ".join(asked or ["nothing before this"])
    return f"The user asked: {questions}. The assistant gave simulated answers."


def _title_of(prompt: Prompt) -> str:
    if prompt.chinese:
        return shortened(prompt.topic, 10).rstrip("…")
    words = re.findall(r"[^\s,.;:!?\"'“”()]+", prompt.topic)[:5]
    return " ".join(word[:1].upper() + word[1:] for word in words) or "Simulated Conversation"
