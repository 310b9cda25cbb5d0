"""The tools of a request for a response, and how they may be used.

Tools of the client's own are called by it; hosted ones are the backend's own, which it uses by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, Literal

from translate.openai.checks import expected
from translate.openai.responses.items import NAMESPACE
from translate.tools import checked_tool, checked_toolbox
from translate.values import (
    PICTURE,
    SEARCH,
    BadRequest,
    JsonObject,
    Native,
    Tool,
    Toolbox,
    object_at,
    objects_at,
    text_at,
)

UNUSABLE: Final = "invalid_schema"
"""Code of the error for a schema that cannot be used."""
HOSTED: Final = {
    "image_generation": Native.IMAGE_GENERATION,
    "code_interpreter": Native.CODE_INTERPRETER,
}
"""Hosted tools that the backend has by itself, beside `web_search` with all its endings."""
HINTS: Final = {Native.WEB_SEARCH: SEARCH, Native.IMAGE_GENERATION: PICTURE}
"""What the backend is asked to make use of when such an ability is chosen; it has no hint for Python."""
LEFT_OUT: Final = ("tool_search",)
"""Tools that serve to load others; clients work without."""
Choice = Literal["none", "auto", "required"]


@dataclass(frozen=True, slots=True)
class OfferedTools:
    """What a request offers. `toolbox` has the client's own tools, None if there are none.

    `spaces` has those that stand in a namespace, by the one name under which the model knows them: the
    namespace, and the name in it. `native` are the backend's own abilities that are asked for. `hints` are
    what it is to make use of, and with `program` that is its Python.
    """

    toolbox: Toolbox | None = None
    spaces: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    native: frozenset[Native] = frozenset()
    hints: tuple[str, ...] = ()
    program: bool = False


def offered_tools(data: JsonObject, brought: Sequence[object] = (), *, emulate: bool = True) -> OfferedTools:
    """The tools of the request `data` and those that its items have `brought`. Raises BadRequest.

    Without `emulate` there are no tools of the client's own, and none can be forced.
    """
    given = data.get("tools")
    if given is not None and not isinstance(given, list):
        raise BadRequest(expected("tools", "an array"), param="tools")
    reader = _Reader()
    for index, raw in enumerate([*(given or ()), *brought]):
        reader.read(raw, f"tools[{index}]")
    chosen, choice, allowed = _choice(data.get("tool_choice"), reader)
    native = frozenset(reader.native)
    if chosen is None and not reader.tools and native == {Native.WEB_SEARCH}:
        chosen = Native.WEB_SEARCH  # nothing else is offered
    hints = (HINTS[chosen],) if chosen in HINTS else ()
    program = chosen is Native.CODE_INTERPRETER
    if not emulate:
        if choice == "required":
            raise BadRequest(
                "The backend cannot be made to call a function: 'tool_choice' must be 'auto' or 'none'.",
                param="tool_choice",
            )
        return OfferedTools(native=native, hints=hints, program=program)
    parallel = data.get("parallel_tool_calls") is not False
    toolbox = checked_toolbox(reader.tools, choice, allowed, parallel=parallel)
    if toolbox is not None:
        toolbox = replace(toolbox, native=native)
    return OfferedTools(toolbox, reader.spaces, native, hints, program)


class _Reader:
    """Reads tools one by one."""

    def __init__(self) -> None:
        self.tools: list[Tool] = []
        self.spaces: dict[str, tuple[str, str]] = {}
        self.native: list[Native] = []

    def read(self, raw: object, param: str) -> None:
        """Take one of the request's tools. Raises BadRequest."""
        if not isinstance(raw, dict) or not isinstance(kind := raw.get("type"), str):
            raise BadRequest(expected(param, "an object with a type"), param=param)
        if kind == "function":
            self._add_function(raw, param)
        elif kind == "custom":
            self._add_custom(raw, param)
        elif kind == "namespace":
            self._add_namespace(raw, param)
        elif (native := _native(kind)) is not None:
            self.native.append(native)
        elif kind not in LEFT_OUT:
            raise BadRequest(f"The tool type '{kind[:40]}' is not supported.", param="tools")

    def _add_function(self, raw: JsonObject, param: str, namespace: str = "") -> None:
        if raw.get("defer_loading") is True:
            return
        if isinstance(nested := raw.get("function"), dict):  # as on chat completions
            raw = nested
        read = partial(
            checked_tool,
            self._name(raw, param, namespace),
            raw.get("description"),
            raw.get("parameters"),
            param=param,
        )
        if (strict := raw.get("strict")) is not None:
            self.tools.append(read(strict=strict))
            return
        try:
            self.tools.append(read(strict=True))  # as it is here by default
        except BadRequest as error:
            if error.code != UNUSABLE:
                raise
            self.tools.append(read(strict=False))  # as the official service does then

    def _add_custom(self, raw: JsonObject, param: str, namespace: str = "") -> None:
        if raw.get("defer_loading") is True:
            return
        if isinstance(nested := raw.get("custom"), dict):
            raw = nested
        form = object_at(raw, "format")
        self.tools.append(
            checked_tool(
                self._name(raw, param, namespace),
                raw.get("description"),
                None,
                strict=False,
                param=param,
                raw=True,
                grammar=text_at(form, "definition"),
            )
        )

    def _add_namespace(self, raw: JsonObject, param: str) -> None:
        name = raw.get("name")
        if not isinstance(name, str) or not name:
            raise BadRequest(expected(f"{param}.name", "a string"), param=f"{param}.name")
        for index, tool in enumerate(objects_at(raw, "tools")):
            inner = f"{param}.tools[{index}]"
            if tool.get("type") == "custom":
                self._add_custom(tool, inner, name)
            else:
                self._add_function(tool, inner, name)

    def _name(self, raw: JsonObject, param: str, namespace: str) -> object:
        name = raw.get("name")
        if not namespace or not isinstance(name, str):
            return name
        whole = namespace + NAMESPACE + name
        self.spaces.setdefault(whole, (namespace, name))
        return whole


def _native(kind: str) -> Native | None:
    """The ability of the backend's own that a hosted tool is; None if it does not have it."""
    if kind.startswith("web_search"):
        return Native.WEB_SEARCH
    return {"image_generation": Native.IMAGE_GENERATION, "code_interpreter": Native.CODE_INTERPRETER}.get(
        kind
    )


def _choice(value: object, reader: _Reader) -> tuple[Native | None, Choice, list[str]]:
    """What `tool_choice` says: the ability that is chosen, whether calls are made, and of which tools."""
    if value is None:
        return None, "auto", []
    if value == "none" or value == "auto":
        return None, value, []
    if value == "required":
        return None, "required" if reader.tools or not reader.native else "auto", []
    if not isinstance(value, dict):
        raise BadRequest(expected("tool_choice", "none, auto, required or an object"), param="tool_choice")
    kind = value.get("type")
    if kind in ("function", "custom"):
        return None, "required", [_chosen(value)]
    if kind == "allowed_tools":
        tools = objects_at(value, "tools")
        mode: Choice = "required" if value.get("mode") == "required" else "auto"
        own = [_chosen(tool) for tool in tools if tool.get("type") in ("function", "custom")]
        if not own:
            return None, "none" if reader.tools else "auto", []
        return None, mode, own
    if isinstance(kind, str) and (native := _native(kind)) is not None:
        return native, "auto", []
    raise BadRequest("This 'tool_choice' is not supported.", param="tool_choice")


def _chosen(value: JsonObject) -> str:
    """The name of a tool that is chosen, also as chat completions write it."""
    inner = value.get(text_at(value, "type"))
    named = inner if isinstance(inner, dict) else value
    namespace = text_at(named, "namespace")
    name = text_at(named, "name")
    return namespace + NAMESPACE + name if namespace else name
