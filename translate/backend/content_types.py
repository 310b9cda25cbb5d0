"""The table of content types: which message is what to the user, where its text stands, and how it looks.

A new content type is a row here, with a presentation of its own where none of the present ones fits.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from translate.backend.content import output_of, shown_text_of, text_of
from translate.text import (
    Fenced,
    Pictures,
    Presentation,
    ProgramOutput,
    Prose,
    Reasoning,
    ToolError,
)
from translate.values import JsonObject, object_at, text_at

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
        "code",
        "reasoning_recap",
    )
)
"""Of the assistant, and never meant for the user (protocol notes, section 7.4)."""
REASONING_CHANNELS: Final = ("analysis", "commentary")
"""Beside `final`, the answer's own channel."""


@dataclass(frozen=True, slots=True)
class ContentType:
    """One row. `matches` is asked with a message of the assistant or of a tool that is not flagged as hidden.

    `text` gives the message's whole text, as far as it has come.
    """

    matches: Callable[[JsonObject], bool]
    presentation: Presentation
    text: Callable[[JsonObject], str] = shown_text_of


def _is_tools(*content_types: str) -> Callable[[JsonObject], bool]:
    """A tool's message of one of these types."""

    def matches(raw: JsonObject) -> bool:
        return _is_tool(raw) and text_at(object_at(raw, "content"), "content_type") in content_types

    return matches


def _is_tool(raw: JsonObject) -> bool:
    return object_at(raw, "author").get("role") == "tool"


def _is_code(raw: JsonObject) -> bool:
    """A call is recognised by its recipient, not by its content type."""
    return not _is_tool(raw) and raw.get("recipient") == "python"


def _is_for_user(raw: JsonObject) -> bool:
    content = object_at(raw, "content")
    return (
        not _is_tool(raw)
        and (raw.get("recipient") or "all") == "all"
        and text_at(content, "content_type") not in PRIVATE_TYPES
        and text_of(content) is not None
    )


def _is_reasoning(raw: JsonObject) -> bool:
    thinks = text_at(object_at(raw, "content"), "content_type") == "thoughts"
    return _is_for_user(raw) and (thinks or text_at(raw, "channel") in REASONING_CHANNELS)


CONTENT_TYPES: Final = (
    ContentType(_is_tools(*OUTPUT_TYPES), ProgramOutput(), output_of),
    ContentType(_is_tools("system_error"), ToolError()),
    ContentType(_is_tools("multimodal_text"), Pictures()),
    ContentType(_is_code, Fenced()),
    ContentType(_is_reasoning, Reasoning()),
    ContentType(_is_for_user, Prose()),
)
"""The first row that matches counts. What matches none is hidden: the text of tools is meant for the model.
"""


def content_type_of(raw: JsonObject) -> ContentType | None:
    """The row of `raw`, a message of the assistant or of a tool; None if it is hidden."""
    flagged = object_at(raw, "metadata").get("is_visually_hidden_from_conversation") is True
    if flagged or raw.get("weight") == 0.0:
        return None
    return next((row for row in CONTENT_TYPES if row.matches(raw)), None)
