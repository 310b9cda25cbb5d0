"""Tools, the choice among them, and the form of the answer, as a request of Anthropic's API has them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from translate.anthropic.checks import wrong
from translate.tools import checked_format, checked_tool, checked_toolbox
from translate.values import BadRequest, JsonFormat, JsonObject, Tool, Toolbox, object_at, text_at

WEB: Final = ("web_search_", "web_fetch_")
"""Types of tools that Anthropic runs, and that the backend has of its own: it is asked to search the web."""
SEARCH_FOR_TOOLS: Final = "tool_search_"
"""Types of tools that Anthropic runs to find those whose loading is deferred; none is deferred then."""
BY_ITSELF: Final = "code_execution_"
"""Types of tools that Anthropic runs, and that the backend uses whether it is asked to or not."""
CHOICES: Final[dict[str, Literal["none", "auto", "required"]]] = {
    "none": "none",
    "auto": "auto",
    "any": "required",
    "tool": "required",
}


@dataclass(frozen=True, slots=True)
class Tools:
    """The client's own tools, and whether the web is to be searched."""

    toolbox: Toolbox | None
    web_search: bool


def read_tools(data: JsonObject, loaded: Collection[str], *, emulate: bool) -> Tools:
    """The tools of a request, and how they may be used; `loaded` are deferred ones that the client has loaded
    meanwhile. Without `emulate` there are none, and none can be forced. Raises BadRequest.
    """
    given = data.get("tools")
    if given is not None and not isinstance(given, list):
        raise wrong("tools", "a list")
    raw = [_object(value, f"tools.{number}") for number, value in enumerate(given or ())]
    kinds = [text_at(tool, "type") or "custom" for tool in raw]
    searched = any(kind.startswith(SEARCH_FOR_TOOLS) for kind in kinds)
    tools = []
    for number, (tool, kind) in enumerate(zip(raw, kinds, strict=True)):
        if kind == "custom":
            read = _tool(tool, f"tools.{number}")
            if searched or tool.get("defer_loading") is not True or read.name in loaded:
                tools.append(read)
        elif not kind.startswith((*WEB, SEARCH_FOR_TOOLS, BY_ITSELF)):
            raise BadRequest(
                f"tools.{number}.type: tools of the type '{kind[:60]}' are not supported. Describe it as a "
                "tool of your own, with a name, a description and an input_schema.",
                param=f"tools.{number}.type",
            )
    toolbox = _toolbox(tools, data)
    if not emulate:
        if toolbox is not None and toolbox.choice == "required":
            raise BadRequest(
                "tool_choice: the backend cannot be made to call a tool; see TOOLS.", param="tool_choice"
            )
        toolbox = None
    return Tools(toolbox, web_search=any(kind.startswith(WEB) for kind in kinds))


def read_format(data: JsonObject) -> JsonFormat | None:
    """The form that the answer must have, if the request names one. Raises BadRequest."""
    given, at = object_at(data, "output_config").get("format"), "output_config.format"
    if given is None:
        given, at = data.get("output_format"), "output_format"  # its name before 2026
    if given is None:
        return None
    form = _object(given, at)
    if form.get("type") != "json_schema":
        raise wrong(f"{at}.type", "'json_schema'")
    return checked_format("answer", None, form.get("schema"), strict=True, param=at)


def _tool(tool: JsonObject, at: str) -> Tool:
    name, description, schema = tool.get("name"), tool.get("description"), tool.get("input_schema")
    try:
        return checked_tool(name, description, schema, strict=tool.get("strict"), param=at)
    except BadRequest as error:
        if error.param != f"{at}.parameters":
            raise
        field = f"{at}.input_schema"  # as this API calls it
        message = error.message.replace(error.param, field)
        raise BadRequest(message, param=field, code=error.code) from None


def _toolbox(tools: list[Tool], data: JsonObject) -> Toolbox | None:
    choice = _object(data.get("tool_choice") or {"type": "auto"}, "tool_choice")
    kind = text_at(choice, "type")
    if kind not in CHOICES:
        raise wrong("tool_choice.type", "'auto', 'any', 'tool' or 'none'")
    allowed = []
    if kind == "tool":
        name = choice.get("name")
        if not isinstance(name, str):
            raise wrong("tool_choice.name", "a string")
        allowed.append(name)
    parallel = choice.get("disable_parallel_tool_use") is not True
    return checked_toolbox(tools, CHOICES[kind], allowed, parallel=parallel)


def _object(value: object, at: str) -> JsonObject:
    if not isinstance(value, dict):
        raise wrong(at, "an object")
    return value
