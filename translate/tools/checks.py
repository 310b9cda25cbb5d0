"""Tools and formats of a request, checked: whatever API they come by, they are refused before anything is
spent.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, cast

from translate.tools.schemas import Schema, SchemaError
from translate.values import BadRequest, JsonFormat, JsonObject, Tool, Toolbox, json_text

MAX_TOOLS: Final = 128
"""As many as the official service takes."""
MAX_TOOLS_BYTES: Final = 1 << 20
"""Of all tools together."""
NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
"""The official service takes 64 characters and no dots; bridges to MCP make longer ones."""


def checked_tool(
    name: object,
    description: object,
    parameters: object,
    *,
    strict: object = None,
    param: str,
    raw: bool = False,
    grammar: str = "",
) -> Tool:
    """A tool of a request; `param` names it in errors, such as `tools[0].function`.

    `name`, `description`, `parameters` and `strict` are what the request has under these names, None for
    what it has not. A schema that cannot be used is refused for a strict tool, and not checked otherwise.
    Raises BadRequest.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadRequest(
            f"Invalid '{param}.name': expected 1 to 128 letters, digits, '_', '-' or '.'.",
            param=f"{param}.name",
        )
    if description is not None and not isinstance(description, str):
        raise _wrong_type(f"{param}.description", "a string")
    if parameters is not None and not isinstance(parameters, dict):
        raise _wrong_type(f"{param}.parameters", "an object")
    if strict is not None and not isinstance(strict, bool):
        raise _wrong_type(f"{param}.strict", "a boolean")
    if parameters and strict:
        _check_schema(parameters, f"{param}.parameters")
    return Tool(name, description or "", parameters or None, strict is True, raw, grammar)


def checked_toolbox(
    tools: Sequence[Tool],
    choice: Literal["none", "auto", "required"] = "auto",
    allowed: Iterable[str] = (),
    *,
    parallel: bool = True,
    tools_param: str = "tools",
    choice_param: str = "tool_choice",
) -> Toolbox | None:
    """The tools of a request, and how they may be used; None if there are none. Of two with the same name the
    first counts.

    Raises BadRequest if there are too many, they are too large, or what must be called is not among them.
    """
    names = {tool.name for tool in tools}
    if unknown := [name for name in allowed if name not in names]:
        raise BadRequest(
            f"Invalid '{choice_param}': there is no tool named '{unknown[0][:128]}' in '{tools_param}'.",
            param=choice_param,
        )
    if not tools:
        if choice == "required":
            raise BadRequest(
                f"Invalid '{choice_param}': a tool must be called, and '{tools_param}' has none.",
                param=choice_param,
            )
        return None
    if len(tools) > MAX_TOOLS:
        raise BadRequest(
            f"Invalid '{tools_param}': array too long. At most {MAX_TOOLS} tools are taken.",
            param=tools_param,
            code="array_above_max_length",
        )
    if sum(map(_size, tools)) > MAX_TOOLS_BYTES:
        raise BadRequest(
            f"Invalid '{tools_param}': the tools together are larger than {MAX_TOOLS_BYTES} bytes.",
            param=tools_param,
        )
    distinct = dict[str, Tool]()
    for tool in tools:
        distinct.setdefault(tool.name, tool)
    return Toolbox(tuple(distinct.values()), choice, frozenset(allowed), parallel)


def checked_format(
    name: object, description: object, schema: object, *, strict: object = None, param: str
) -> JsonFormat:
    """The form of an answer that has a schema; `param` names it in errors, such as
    `response_format.json_schema`. Raises BadRequest, also for any schema that cannot be used.
    """
    if not isinstance(name, str) or not 1 <= len(name) <= 128:
        raise BadRequest(f"Invalid '{param}.name': expected 1 to 128 characters.", param=f"{param}.name")
    if description is not None and not isinstance(description, str):
        raise _wrong_type(f"{param}.description", "a string")
    if not isinstance(schema, dict):
        raise _wrong_type(f"{param}.schema", "an object")
    if strict is not None and not isinstance(strict, bool):
        raise _wrong_type(f"{param}.strict", "a boolean")
    _check_schema(cast(JsonObject, schema), f"{param}.schema")
    return JsonFormat(name, description or "", schema, strict is True)


def _check_schema(schema: JsonObject, param: str) -> None:
    try:
        Schema(schema)
    except SchemaError as error:
        raise BadRequest(
            f"Invalid schema in '{param}': {error}", param=param, code="invalid_schema"
        ) from None


def _wrong_type(param: str, wanted: str) -> BadRequest:
    return BadRequest(f"Invalid type for '{param}': expected {wanted}.", param=param)


def _size(tool: Tool) -> int:
    """Bytes, about."""
    parameters = json_text(tool.parameters, ascii=False) if tool.parameters else ""
    return len(tool.name) + len(tool.description) + len(tool.grammar) + len(parameters)
