"""Tools, the choice among them, and the form of the answer, as a request of Anthropic's API has them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Literal

from translate.anthropic.checks import wrong
from translate.tools import checked_format, checked_tool, checked_toolbox
from translate.values import BadRequest, JsonFormat, JsonObject, Native, Tool, Toolbox, object_at, text_at

NATIVE: Final = {
    "web_search_": Native.WEB_SEARCH,
    "web_fetch_": Native.WEB_SEARCH,
    "code_execution_": Native.CODE_INTERPRETER,
}
"""Beginnings of the types of tools that Anthropic runs, and which the backend has of its own."""
SEARCH_FOR_TOOLS: Final = "tool_search_"
"""Types of tools that Anthropic runs to find those whose loading is deferred; none is deferred then."""
Choice = Literal["none", "auto", "required"]

CHOICES: Final[dict[str, Choice]] = {
    "none": "none",
    "auto": "auto",
    "any": "required",
    "tool": "required",
}


@dataclass(frozen=True, slots=True)
class Tools:
    """The client's own tools, and whether the web is to be searched, whatever is asked."""

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
    tools, native = list[Tool](), dict[str, Native]()
    for number, (tool, kind) in enumerate(zip(raw, kinds, strict=True)):
        at = f"tools.{number}"
        if kind == "custom":
            read = _tool(tool, at)
            if searched or tool.get("defer_loading") is not True or read.name in loaded:
                tools.append(read)
        elif not kind.startswith(SEARCH_FOR_TOOLS):
            native[text_at(tool, "name")] = _native(kind, at)
    choice, name, parallel = _choice(data)
    chosen = native.get(name)
    if chosen is not None or (choice == "required" and native and not tools):
        choice, name = "auto", ""  # the model cannot be made to use what it has of its own
    if choice == "required" and not emulate:
        raise BadRequest(
            "tool_choice: the backend cannot be made to call a tool; see TOOLS.", param="tool_choice"
        )
    toolbox = checked_toolbox(tools, choice, [name] if name else [], parallel=parallel)
    if toolbox is not None:
        toolbox = replace(toolbox, native=frozenset(native.values()))
    alone = not tools and choice != "none" and set(native.values()) == {Native.WEB_SEARCH}
    return Tools(toolbox if emulate else None, web_search=alone or chosen is Native.WEB_SEARCH)


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


def _native(kind: str, at: str) -> Native:
    for beginning, native in NATIVE.items():
        if kind.startswith(beginning):
            return native
    raise BadRequest(
        f"{at}.type: tools of the type '{kind[:60]}' are not supported. Describe it as a tool of your own, "
        "with a name, a description and an input_schema.",
        param=f"{at}.type",
    )


def _choice(data: JsonObject) -> tuple[Choice, str, bool]:
    """How tools may be used, the name of the one that must be, and whether several at once."""
    choice = _object(data.get("tool_choice") or {"type": "auto"}, "tool_choice")
    kind = text_at(choice, "type")
    if kind not in CHOICES:
        raise wrong("tool_choice.type", "'auto', 'any', 'tool' or 'none'")
    name = choice.get("name") if kind == "tool" else ""
    if not isinstance(name, str):
        raise wrong("tool_choice.name", "a string")
    return CHOICES[kind], name, choice.get("disable_parallel_tool_use") is not True


def _object(value: object, at: str) -> JsonObject:
    if not isinstance(value, dict):
        raise wrong(at, "an object")
    return value
