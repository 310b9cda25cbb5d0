"""What a message of the backend holds: its text and pictures.

Read from hostile JSON: every accessor gives a default instead of raising. Section numbers are those of the
protocol notes.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from translate.text import PRIVATE, SourceText
from translate.values import Asset, JsonObject, object_at, objects_at, text_at

MAX_ASSETS: Final = 16
ASSET_POINTER = re.compile(r"[a-z][a-z-]{1,30}://[\w.-]{1,200}", re.ASCII)
LANGUAGE = re.compile(r"[\w+#.-]{1,20}", re.ASCII)

PYTHON: Final = ("python", "python_user_visible")
"""Tools whose code and output are shown, and whose pictures are charts."""
TEXT_TYPES: Final = ("text", "code", "execution_output", "stderr", "multimodal_text")
"""Content types that have their text in `parts` or `text` (section 7.4)."""


def is_readable(raw: JsonObject) -> bool:
    """Whether a message has the shape that its text, and whom it is for, can be read from."""
    content, recipient = raw.get("content"), raw.get("recipient")
    if not isinstance(content, dict) or not (recipient is None or isinstance(recipient, str)):
        return False
    kind, parts, thoughts = content.get("content_type"), content.get("parts"), content.get("thoughts")
    if kind == "thoughts":
        return isinstance(thoughts, list) and all(isinstance(thought, dict) for thought in thoughts)
    if kind not in TEXT_TYPES:
        return isinstance(kind, str)
    if parts is None:
        return isinstance(content.get("text"), str)
    return isinstance(parts, list) and all(isinstance(part, str | dict) for part in parts)


def text_of(content: JsonObject) -> str | None:
    """The text of a content in any of its three places, or None if it has none."""
    if isinstance(content.get("thoughts"), list):
        return _joined(_thought(one, text_at(one, "content")) for one in objects_at(content, "thoughts"))
    parts = content.get("parts")
    if isinstance(parts, list):
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return "".join(item if isinstance(item, str) else _spoken(item) for item in parts)
    value = content.get("text")
    return value if isinstance(value, str) else None


def last_text_of(content: JsonObject) -> tuple[str, str] | None:
    """Where the end of the text of a content stands, as a path below it, and what stands there.

    None where what is added there would not be added to the text as it is.
    """
    for key in ("thoughts", "parts"):
        if isinstance(found := content.get(key), list):
            last, place = (found[-1] if found else None), f"{key}/{len(found) - 1}"
            if key == "thoughts":
                last, place = (
                    (text_at(last, "content") or None) if isinstance(last, dict) else None,
                    f"{place}/content",
                )
            return (place, last) if isinstance(last, str) else None
    text = content.get("text")
    return ("text", text) if isinstance(text, str) else None


def shown_text_of(raw: JsonObject) -> str:
    """The text of a message, empty if it has none."""
    return text_of(object_at(raw, "content")) or ""


def output_of(raw: JsonObject) -> str:
    """What a program printed; if that is nothing, the traceback of its exception (section 8.2)."""
    shown = shown_text_of(raw)
    if shown.strip():
        return shown
    exception = object_at(object_at(object_at(raw, "metadata"), "aggregate_result"), "in_kernel_exception")
    traceback = exception.get("traceback")
    if isinstance(traceback, list):
        return "\n".join(line for line in traceback if isinstance(line, str))
    return shown


class ReasoningText:
    """Reads the text of one message of reasoning, as `shown_text_of` does; `source` is all that came of it.

    The backend may send a thought again without its content: the longer one counts.
    """

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._longest: list[str] = []  # the contents of the thoughts
        self._read = 0  # characters of the text when it was last read; it has grown in its last thought

    def __call__(self, raw: JsonObject) -> str:
        """The whole text, as far as it has come."""
        content = object_at(raw, "content")
        if not isinstance(content.get("thoughts"), list):
            return text_of(content) or ""
        if self._longest:
            self._longest[-1] += self._source.text[self._read :]
        thoughts = objects_at(content, "thoughts")
        self._longest += [""] * (len(thoughts) - len(self._longest))
        self._longest[: len(thoughts)] = (
            max(old, text_at(thought, "content"), key=len)
            for old, thought in zip(self._longest, thoughts, strict=False)
        )
        text = _joined(map(_thought, thoughts, self._longest))
        self._read = len(text)
        return text


def _thought(thought: JsonObject, said: str) -> str:
    summary = text_at(thought, "summary")
    return _joined((f"**{summary}**" if summary else "", said))


def _joined(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(filter(None, paragraphs))


def _spoken(part: object) -> str:
    """What the model says aloud, if this is the part that has its words; those of the user are none."""
    if isinstance(part, dict) and part.get("content_type") == "audio_transcription":
        return text_at(part, "text") if part.get("direction") == "out" else ""
    return ""


def language_of(content: JsonObject) -> str:
    """The language of code, fit for a fence; what is unknown ran as Python."""
    language = text_at(content, "language")
    return language if LANGUAGE.fullmatch(language) and language != "unknown" else "python"


def is_finished(raw: JsonObject) -> bool:
    """Whether the message is complete; in May 2023 there was no `status` but only `end_turn`."""
    status = raw.get("status")
    if isinstance(status, str):
        return status.startswith("finished")
    return raw.get("end_turn") is True


def is_tool(raw: JsonObject) -> bool:
    """Whether a tool says it."""
    return object_at(raw, "author").get("role") == "tool"


def has_pictures(raw: JsonObject) -> bool:
    """Whether a message is of the type that may hold pictures beside its text."""
    return object_at(raw, "content").get("content_type") == "multimodal_text"


def assets_of(raw: JsonObject) -> list[Asset]:
    """Pictures in the parts of a message (section 10); each has the message's title if it has no prompt."""
    title = text_at(object_at(raw, "metadata"), "image_gen_title")
    chart = is_tool(raw) and text_at(object_at(raw, "author"), "name") in PYTHON
    found = (
        _asset(text_at(item, "asset_pointer"), item, title, chart=chart)
        for item in objects_at(object_at(raw, "content"), "parts")
        if item.get("content_type") == "image_asset_pointer"
    )
    return list(islice((asset for asset in found if asset is not None), MAX_ASSETS))


def figures_of(raw: JsonObject) -> list[Asset]:
    """Pictures among the messages of a Python result (section 10)."""
    result = object_at(object_at(raw, "metadata"), "aggregate_result")
    found = (
        _asset(text_at(item, "image_url"), item, "", chart=True)
        for item in objects_at(result, "messages")
        if item.get("message_type") == "image"
    )
    return list(islice((asset for asset in found if asset is not None), MAX_ASSETS))


def _asset(pointer: str, item: JsonObject, title: str, *, chart: bool = False) -> Asset | None:
    if not ASSET_POINTER.fullmatch(pointer):
        return None
    about, width, height = object_at(item, "metadata"), item.get("width"), item.get("height")
    drawing = object_at(about, "dalle")
    prompt = text_at(drawing, "prompt")
    return Asset(
        pointer,
        alt=PRIVATE.sub("", prompt or title),
        width=width if isinstance(width, int) else 0,
        height=height if isinstance(height, int) else 0,
        prompt=prompt,
        gen_id=text_at(drawing, "gen_id") or text_at(object_at(about, "generation"), "gen_id"),
        chart=chart,
    )
