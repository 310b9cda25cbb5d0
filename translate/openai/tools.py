"""What a chat request says of tools and of the form of the answer, in both forms of the API: `tools`, and
`functions` of before them.
"""

from dataclasses import dataclass
from typing import Final, Literal

from translate.openai.checks import expected
from translate.tools import checked_format, checked_tool, checked_toolbox
from translate.values import BadRequest, JsonFormat, JsonObject, Tool, Toolbox, object_at, objects_at, text_at

SEARCHES: Final = "web_search"
"""How the types of tools begin that search the web, which the backend does by itself."""
KINDS: Final = ("function", "custom")
"""Types of tools that the client runs."""
ANY_JSON: Final = JsonFormat()
"""Any object."""


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """The tools of a request, None if there are none. `old` are `functions`, whose calls are written in that
    form too. With `search` the web is to be searched.
    """

    toolbox: Toolbox | None = None
    old: bool = False
    search: bool = False


NO_TOOLS: Final = OfferedTools()


def read_tools(data: JsonObject) -> OfferedTools:
    """The tools that a request offers. Raises BadRequest with the field at fault in `param`.

    With both forms in one request `tools` count.
    """
    if (data.get("functions") or data.get("function_call") is not None) and not data.get("tools"):
        return _read_functions(data)
    tools: list[Tool] = []
    search = False
    for at, raw in enumerate(_list(data.get("tools"))):
        tool = _tool(raw, f"tools[{at}]")
        search = search or tool is None
        if tool is not None:
            tools.append(tool)
    choice, allowed = _choice(data.get("tool_choice"), searches=search and not tools)
    parallel = data.get("parallel_tool_calls") is not False
    return OfferedTools(checked_toolbox(tools, choice, allowed, parallel=parallel), search=search)


def refuse_forced(data: JsonObject) -> None:
    """Raise BadRequest if a call is demanded, as no tools are emulated. What is only offered is ignored."""
    for name in ("tool_choice", "function_call"):
        choice = data.get(name)
        if choice == "required" or isinstance(choice, dict):
            raise BadRequest(
                f"The backend cannot be made to call a function: '{name}' must be 'auto' or 'none'.",
                param=name,
            )
        if choice is not None and not isinstance(choice, str):
            raise BadRequest(expected(name, "a string or an object"), param=name)


def read_format(data: JsonObject) -> JsonFormat | None:
    """The `response_format` of a request, an object if it is there; None for text. Raises BadRequest."""
    value = data.get("response_format")
    match value.get("type") if isinstance(value, dict) else "text":
        case "text":
            return None
        case "json_object":
            return ANY_JSON
        case "json_schema":
            wanted = object_at(object_at(data, "response_format"), "json_schema")
            return checked_format(
                wanted.get("name"),
                wanted.get("description"),
                wanted.get("schema"),
                strict=wanted.get("strict"),
                param="response_format.json_schema",
            )
    raise BadRequest(
        "Invalid value for 'response_format.type': supported are 'text', 'json_object' and 'json_schema'.",
        param="response_format",
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _tool(raw: object, param: str) -> Tool | None:
    """The tool; None for a search of the web."""
    if not isinstance(raw, dict):
        raise BadRequest(expected(param, "an object"), param=param)
    kind = raw.get("type", "function")
    if kind == "function":
        about = _about(raw, kind, param)
        return checked_tool(
            about.get("name"),
            about.get("description"),
            about.get("parameters"),
            strict=about.get("strict"),
            param=f"{param}.{kind}",
        )
    if kind == "custom":
        about = _about(raw, kind, param)
        return checked_tool(
            about.get("name"),
            about.get("description"),
            None,
            param=f"{param}.{kind}",
            raw=True,
            grammar=text_at(object_at(object_at(about, "format"), "grammar"), "definition"),
        )
    if isinstance(kind, str) and kind.startswith(SEARCHES):
        return None
    raise BadRequest(
        f"Invalid value for '{param}.type': supported are 'function' and 'custom'.", param=f"{param}.type"
    )


def _about(raw: JsonObject, kind: str, param: str) -> JsonObject:
    about = raw.get(kind)
    if not isinstance(about, dict):
        raise BadRequest(expected(f"{param}.{kind}", "an object"), param=f"{param}.{kind}")
    return about


Choice = tuple[Literal["none", "auto", "required"], list[str]]
"""How the tools may be used, and which of them, empty for all."""


def _choice(value: object, *, searches: bool) -> Choice:
    """What `tool_choice` says. With `searches` only searches are offered, which no call is needed for."""
    if isinstance(value, dict):
        return _chosen(value, searches=searches)
    match value:
        case None | "auto":
            return "auto", []
        case "none":
            return "none", []
        case "required":
            return "auto" if searches else "required", []
        case str():
            raise _unknown_choice()
    raise BadRequest(expected("tool_choice", "a string or an object"), param="tool_choice")


def _chosen(value: JsonObject, *, searches: bool) -> Choice:
    kind = text_at(value, "type")
    if kind in KINDS:
        return "required", [_named(value, kind)]
    if searches and kind.startswith(SEARCHES):
        return "auto", []
    allowed = object_at(value, "allowed_tools")
    names = [_named(tool, text_at(tool, "type")) for tool in objects_at(allowed, "tools") if _is_called(tool)]
    match kind, allowed.get("mode"):
        case "allowed_tools", "auto" | "required" as mode if names:
            return mode, names
    raise _unknown_choice()


def _is_called(tool: JsonObject) -> bool:
    """Whether it is one that the client runs."""
    return tool.get("type") in KINDS


def _unknown_choice() -> BadRequest:
    return BadRequest(
        "Invalid value for 'tool_choice': supported are 'none', 'auto', 'required', one of 'tools' and "
        "'allowed_tools' with a mode and tools.",
        param="tool_choice",
    )


def _named(choice: JsonObject, kind: str) -> str:
    """The name in `{"type": kind, kind: {"name": ...}}`; some clients write it without the inner object."""
    name = object_at(choice, kind).get("name", choice.get("name"))
    if not isinstance(name, str) or not name:
        raise BadRequest(expected(f"tool_choice.{kind}.name", "a string"), param="tool_choice")
    return name


def _read_functions(data: JsonObject) -> OfferedTools:
    tools = []
    for at, raw in enumerate(_list(data.get("functions"))):
        param = f"functions[{at}]"
        if not isinstance(raw, dict):
            raise BadRequest(expected(param, "an object"), param=param)
        tools.append(
            checked_tool(raw.get("name"), raw.get("description"), raw.get("parameters"), param=param)
        )
    asked = data.get("function_call")
    choice: Choice
    match asked:
        case None | "auto":
            choice = "auto", []
        case "none":
            choice = "none", []
        case {"name": str() as name} if name:
            choice = "required", [name]
        case _:
            raise BadRequest(
                "Invalid value for 'function_call': supported are 'none', 'auto' and a name of 'functions'.",
                param="function_call",
            )
    toolbox = checked_toolbox(
        tools, *choice, parallel=False, tools_param="functions", choice_param="function_call"
    )
    return OfferedTools(toolbox, old=True)
