"""The table of content types: which message is what to the user, where its text stands, and how it looks.

A new content type is a row here, with a presentation of its own where none of the present ones fits.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from translate.backend.content import PYTHON, ReasoningText, is_tool, output_of, shown_text_of, text_of
from translate.text import (
    Canvas,
    Fenced,
    Pictures,
    Presentation,
    ProgramOutput,
    Prose,
    Reasoning,
    SourceText,
    ToolError,
)
from translate.values import JsonObject, object_at, objects_at, text_at

TextReader = Callable[[JsonObject], str]
"""Gives a message's whole text, as far as it has come."""

OUTPUT_TYPES: Final = ("execution_output", "stderr")
PRIVATE_TYPES: Final = frozenset(
    (
        "user_editable_context",
        "model_editable_context",
        "system_message",
        "system_content",
        "tether_browsing_code",
        "tether_browsing_display",
        "tether_quote",
        "reasoning_recap",
    )
)
"""Of the assistant, and never meant for the user (protocol notes, section 7.4)."""
CANVAS: Final = ("canmore.create_textdoc", "canmore.update_textdoc")
"""Calls whose JSON holds text for the user (protocol notes, section 20.5)."""
REASONING_CHANNELS: Final = ("analysis", "commentary")
"""Beside `final`, the answer's own channel."""
PRIVATE_CHANNEL: Final = "analysis"
"""What tools do on it is the model's own affair."""
HIDING_FLAGS: Final = ("is_visually_hidden_from_conversation", "is_loading_message")
"""In the metadata of what is not to be shown."""
PICTURE_TOOLS: Final = re.compile(
    r"(?:dalle|image_gen|t2uay3k|n7jupd|n7jupd_m|python|python_user_visible)(?:\..*)?"
)
"""Tools whose pictures are the user's; others, such as a search in files, show them to the model."""
SILENT_TOOLS: Final = re.compile(r"(?:container|functions|computer\w*)(?:\..*)?")
"""Shells of agents: not even their failures are shown."""


@dataclass(frozen=True, slots=True)
class ContentType:
    """One row. `matches` is asked with a message of the assistant or of a tool that is not flagged as hidden.

    `new_reader` makes what reads the text of one message, of which all that has come is kept in its argument.
    """

    matches: Callable[[JsonObject], bool]
    presentation: Presentation
    new_reader: Callable[[SourceText], TextReader] = lambda _source: shown_text_of


def tool_of(raw: JsonObject) -> str:
    """The tool that a message is to or from; empty if there is none, or it has no name."""
    if is_tool(raw):
        return text_at(object_at(raw, "author"), "name")
    recipient = text_at(raw, "recipient")
    return "" if recipient == "all" else recipient


def _is_open_tool(raw: JsonObject) -> bool:
    """A tool's message that is not the model's own affair."""
    return is_tool(raw) and text_at(raw, "channel") != PRIVATE_CHANNEL


def _type_of(raw: JsonObject) -> str:
    return text_at(object_at(raw, "content"), "content_type")


def _is_output(raw: JsonObject) -> bool:
    return _is_open_tool(raw) and _type_of(raw) in OUTPUT_TYPES and tool_of(raw) in ("", *PYTHON)


def _is_error(raw: JsonObject) -> bool:
    return _is_open_tool(raw) and _type_of(raw) == "system_error" and not SILENT_TOOLS.fullmatch(tool_of(raw))


def _is_picture(raw: JsonObject) -> bool:
    return (
        _is_open_tool(raw) and _type_of(raw) == "multimodal_text" and (_is_of_painter(raw) or _is_drawn(raw))
    )


def _is_of_painter(raw: JsonObject) -> bool:
    tool = tool_of(raw)
    return not tool or PICTURE_TOOLS.fullmatch(tool) is not None


def _is_drawn(raw: JsonObject) -> bool:
    """Whether a message says that its pictures are drawn, whatever the tool is called that drew them."""
    if text_at(object_at(raw, "metadata"), "async_task_type") == "image_gen":
        return True
    abouts = [object_at(part, "metadata") for part in objects_at(object_at(raw, "content"), "parts")]
    return any(about.get("dalle") or about.get("generation") for about in abouts)


def _is_code(raw: JsonObject) -> bool:
    """A call is recognised by its recipient, not by its content type."""
    return not is_tool(raw) and raw.get("recipient") in PYTHON and text_at(raw, "channel") != PRIVATE_CHANNEL


def _is_canvas(raw: JsonObject) -> bool:
    """A call that writes into a canvas; one that only comments on it shows nothing."""
    return not is_tool(raw) and raw.get("recipient") in CANVAS


def _is_for_user(raw: JsonObject) -> bool:
    kind, recipient = _type_of(raw), raw.get("recipient")
    if kind == "code" and recipient != "all":
        return False  # a call, whose recipient may still come
    return (
        not is_tool(raw)
        and (recipient or "all") == "all"
        and kind not in PRIVATE_TYPES
        and text_of(object_at(raw, "content")) is not None
    )


def _is_reasoning(raw: JsonObject) -> bool:
    """Thoughts, and words on the way to the answer: by their channel, as a preamble, or as working notes."""
    if not _is_for_user(raw):
        return False
    metadata, channel = object_at(raw, "metadata"), text_at(raw, "channel")
    return (
        _type_of(raw) == "thoughts"
        or channel in REASONING_CHANNELS
        or metadata.get("is_thinking_preamble_message") is True
        or (not channel and metadata.get("reasoning_status") == "is_reasoning")
    )


CONTENT_TYPES: Final = (
    ContentType(_is_output, ProgramOutput(), lambda _source: output_of),
    ContentType(_is_error, ToolError()),
    ContentType(_is_picture, Pictures()),
    ContentType(_is_code, Fenced()),
    ContentType(_is_canvas, Canvas()),
    ContentType(_is_reasoning, Reasoning(), ReasoningText),
    ContentType(_is_for_user, Prose()),
)
"""The first row that matches counts. What matches none is hidden: the text of tools is meant for the model.
"""


def is_flagged(raw: JsonObject) -> bool:
    """Whether a message says of itself that it is not to be shown."""
    metadata = object_at(raw, "metadata")
    return raw.get("weight") == 0.0 or any(metadata.get(flag) is True for flag in HIDING_FLAGS)


def content_type_of(raw: JsonObject) -> ContentType | None:
    """The row of `raw`, a message of the assistant or of a tool; None if it is hidden."""
    return None if is_flagged(raw) else next((row for row in CONTENT_TYPES if row.matches(raw)), None)
