"""What a message holds: its kind for the user, its text, pictures and citations.

Read from hostile JSON: every accessor gives a default instead of raising.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

Json = dict[str, object]


class Kind(Enum):
    """What a message is to the user."""

    HIDDEN = auto()
    PROSE = auto()
    """The assistant's words."""
    CODE = auto()
    """Code that the assistant runs."""
    OUTPUT = auto()
    """What the code printed."""
    PICTURE = auto()
    """Pictures made by a tool."""
    REASONING = auto()
    """What the model thought before it answered, or said on the way there."""
    ERROR = auto()
    """A tool failed; the model usually goes on."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A picture on the backend: ``pointer`` is ``file-service://...`` or ``sediment://...``."""

    pointer: str
    alt: str = ""
    width: int = 0
    height: int = 0

    @property
    def file_id(self) -> str:
        """The pointer without its scheme."""
        return self.pointer.partition("://")[2]


@dataclass(frozen=True, slots=True)
class Citation:
    """What a mark in the text stands for; ``start`` and ``end`` count code points of the message.

    ``number`` is the cited message's, ``matched`` the mark's own text in later dialects, ``markdown``
    their ready rendering. Without a ``url`` only the ``title`` (a file's name) can be shown.
    """

    start: int
    end: int
    number: int | None
    url: str
    title: str
    matched: str = ""
    markdown: str = ""


OUTPUT_TYPES = frozenset(("execution_output", "stderr"))
PRIVATE_TYPES = frozenset(
    (
        "user_editable_context",
        "model_editable_context",
        "system_message",
        "system_content",
        "tether_browsing_code",
        "tether_browsing_display",
        "tether_quote",
        "code",
        "reasoning_recap",
    )
)
REASONING_CHANNELS = frozenset(("analysis", "commentary"))
"""Beside ``final``, the answer's own channel."""
MAX_ASSETS = 16
MAX_CITATIONS = 500
ASSET_POINTER = re.compile(r"[a-z][a-z-]{1,30}://[\w.-]{1,200}", re.ASCII)
FIGURE_MARK = "<<ImageDisplayed>>"
LANGUAGE = re.compile(r"[\w+#.-]{1,20}", re.ASCII)


def part(data: Json, key: str) -> Json:
    """The object under ``key``, or an empty one."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def text(data: Json, key: str) -> str:
    """The string under ``key``, or an empty one."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def items(data: Json, key: str) -> list[Json]:
    """The objects in the list under ``key``."""
    value = data.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def classify(raw: Json) -> Kind:
    """What ``raw``, a message of the assistant or of a tool, is to the user.

    A call is told by its recipient, not by its content type; the text of tools is meant for the
    model and never shown, except what code printed.
    """
    content, metadata = part(raw, "content"), part(raw, "metadata")
    kind = text(content, "content_type")
    if metadata.get("is_visually_hidden_from_conversation") is True or raw.get("weight") == 0.0:
        return Kind.HIDDEN
    if part(raw, "author").get("role") == "tool":
        if kind in OUTPUT_TYPES:
            return Kind.OUTPUT
        if kind == "system_error":
            return Kind.ERROR
        return Kind.PICTURE if kind == "multimodal_text" else Kind.HIDDEN
    recipient = raw.get("recipient") or "all"
    if recipient == "python":
        return Kind.CODE
    if recipient != "all" or kind in PRIVATE_TYPES or text_of(content) is None:
        return Kind.HIDDEN
    return Kind.REASONING if kind == "thoughts" or text(raw, "channel") in REASONING_CHANNELS else Kind.PROSE


def text_of(content: Json) -> str | None:
    """The text of a content in any of its three places, or None if it has none."""
    if isinstance(content.get("thoughts"), list):
        return "\n\n".join(filter(None, map(_thought, items(content, "thoughts"))))
    parts = content.get("parts")
    if isinstance(parts, list):
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return "".join(item for item in parts if isinstance(item, str))
    value = content.get("text")
    return value if isinstance(value, str) else None


def _thought(thought: Json) -> str:
    summary, said = text(thought, "summary"), text(thought, "content")
    return "\n\n".join(filter(None, (f"**{summary}**" if summary else "", said)))


def language_of(content: Json) -> str:
    """The language of code, fit for a fence; what is unknown ran as Python."""
    language = text(content, "language")
    return language if LANGUAGE.fullmatch(language) and language != "unknown" else "python"


def is_finished(raw: Json) -> bool:
    """Whether the message is complete; in May 2023 there was no ``status`` but only ``end_turn``."""
    status = raw.get("status")
    if isinstance(status, str):
        return status.startswith("finished")
    return raw.get("end_turn") is True


def assets_of(raw: Json) -> list[Asset]:
    """Pictures in the parts of a message, and figures among the messages of a Python result."""
    content = part(raw, "content")
    found = [
        _asset(text(item, "asset_pointer"), item)
        for item in items(content, "parts")
        if item.get("content_type") == "image_asset_pointer"
    ]
    result = part(part(raw, "metadata"), "aggregate_result")
    found += [
        _asset(text(item, "image_url"), item)
        for item in items(result, "messages")
        if item.get("message_type") == "image"
    ]
    return [asset for asset in found if asset is not None][:MAX_ASSETS]


def _asset(pointer: str, item: Json) -> Asset | None:
    if not ASSET_POINTER.fullmatch(pointer):
        return None
    width, height = item.get("width"), item.get("height")
    return Asset(
        pointer,
        alt=text(part(part(item, "metadata"), "dalle"), "prompt"),
        width=width if isinstance(width, int) else 0,
        height=height if isinstance(height, int) else 0,
    )


def citations_of(metadata: Json) -> list[Citation]:
    """Citations in both forms: ``citations`` (2023-24) and ``content_references`` (later)."""
    found = []
    for item in items(metadata, "citations")[:MAX_CITATIONS]:
        about = part(item, "metadata")
        span = _span(item, "start_ix", "end_ix")
        if not about or span is None:
            continue
        number = part(about, "extra").get("cited_message_idx")
        title = text(about, "title") or text(about, "name")
        found.append(
            Citation(*span, number if isinstance(number, int) else None, _web(text(about, "url")), title)
        )
    for item in items(metadata, "content_references")[:MAX_CITATIONS]:
        span = _span(item, "start_idx", "end_idx")
        matched = text(item, "matched_text")
        if span is None or not matched.strip():
            continue
        source = next(iter(items(item, "items")), {})
        safe = item.get("safe_urls")
        first = safe[0] if isinstance(safe, list) and safe and isinstance(safe[0], str) else ""
        url = _web(text(source, "url") or text(item, "url") or first)
        title = text(source, "title") or text(item, "title") or text(item, "name")
        found.append(Citation(*span, None, url, title, matched, text(item, "alt")))
    return found


def _span(item: Json, start: str, end: str) -> tuple[int, int] | None:
    first, last = item.get(start), item.get(end)
    if isinstance(first, int) and isinstance(last, int) and 0 <= first <= last:
        return first, last
    return None


def _web(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""
