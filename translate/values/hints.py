"""What a conversation is asked to make use of: search, drawing, research (the backend's `system_hints`).

Which words the backend knows has changed (protocol notes, section 20.1); a request, an alias and a setting
name what they want in words of their own.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from translate.values.listed import ListedModel

SEARCH: Final = "search"
PICTURE: Final = "picture"
RESEARCH: Final = "research"
CANVAS: Final = "canvas"
THINK: Final = "think"

SYSTEM_HINTS: Final[Mapping[str, str]] = {
    SEARCH: "search",
    PICTURE: "picture_v2",
    RESEARCH: "plugin:connector_openai_deep_research",
    CANVAS: "canvas",
    THINK: "reason",
}
"""Our word for each hint, and the backend's."""

TOOLS: Final[Mapping[str, str]] = {
    SEARCH: "search",
    PICTURE: "image_gen_tool_enabled",
    CANVAS: "canvas",
}
"""The tool that a model must have for a hint, as the backend's list of models names it."""


def system_hints(wanted: Iterable[str], model: ListedModel | None) -> list[str]:
    """The backend's words for the hints `wanted`, each once, without those that `model` has no tool for.

    A model of which no tools are known is taken to have them all. Unknown words are left out.
    """
    tools = model.enabled_tools if model is not None else ()
    return [
        SYSTEM_HINTS[hint]
        for hint in dict.fromkeys(wanted)
        if hint in SYSTEM_HINTS and (not tools or TOOLS.get(hint, tools[0]) in tools)
    ]
