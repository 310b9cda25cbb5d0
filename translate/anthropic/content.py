"""The content of one message: its blocks, as far as this service can make use of them.

Nobody fails on a block of a type that is not known: histories come from other models and newer clients. It
counts as the text that it has, if it has any.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from translate.anthropic.checks import MAX_NAME, wrong
from translate.values import (
    Attachment,
    JsonObject,
    ToolCall,
    ToolResult,
    json_text,
    object_at,
    objects_at,
    text_at,
)

BILLING: Final = "x-anthropic-billing-header:"
"""What a block of the system prompt begins with that Claude Code writes for Anthropic's accounting."""
DROPPED: Final = ("thinking", "redacted_thinking", "server_tool_use", "mcp_tool_use", "container_upload")
"""Types of blocks that say nothing to another model."""
SOURCES: Final = {"base64": "data", "url": "url", "file": "file_id"}
"""Where a source of each type has what it is read from."""


@dataclass(slots=True)
class Content:
    """What the blocks of a message hold. `loaded` are the tools whose descriptions a search for tools has
    found.
    """

    texts: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    results: list[ToolResult] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text, each block on lines of its own."""
        return "\n".join(filter(None, self.texts))


def read_system(value: object, at: str) -> str:
    """The system prompt, a text or a list of blocks; `at` names the field. Raises BadRequest."""
    content = read_content(value, at, {})
    return "\n\n".join(text for text in content.texts if text and not text.startswith(BILLING))


def read_content(value: object, at: str, names: Mapping[str, str]) -> Content:
    """The content of a message, a text or a list of blocks.

    `at` names the field in errors, and `names` are those of the tools that earlier calls named, by the ids of
    the calls. Raises BadRequest.
    """
    content = Content()
    for number, block in enumerate(_blocks(value, at)):
        _read_block(block, f"{at}.{number}", names, content)
    return content


def _blocks(value: object, at: str) -> Iterator[JsonObject]:
    if isinstance(value, str):
        value = [{"type": "text", "text": value}]
    if not isinstance(value, list):
        raise wrong(at, "a string or a list of blocks")
    for number, block in enumerate(value):
        if isinstance(block, str):  # not official, and clear
            yield {"type": "text", "text": block}
        elif isinstance(block, dict) and isinstance(block.get("type"), str):
            yield block
        else:
            raise wrong(f"{at}.{number}", "a block with a type")


def _read_block(block: JsonObject, at: str, names: Mapping[str, str], content: Content) -> None:
    kind = text_at(block, "type")
    if kind == "text":
        content.texts.append(_text(block, "text", at))
    elif kind == "image":
        content.attachments.append(_attachment("image", block, "", at))
    elif kind == "document":
        _read_document(block, at, content)
    elif kind == "tool_use":
        content.calls.append(_call(block, at))
    elif kind == "tool_result":
        _read_result(block, at, names, content)
    elif kind == "tool_reference":
        content.loaded.append(text_at(block, "tool_name"))
    elif kind == "search_result":
        lines = [text_at(block, "title"), text_at(block, "source")]
        content.texts.append(_lines([*lines, *_texts_in(block)]))
    elif kind == "web_search_tool_result":
        found = objects_at(block, "content")
        content.texts.append(_lines(_lines((text_at(page, "title"), text_at(page, "url"))) for page in found))
    elif kind not in DROPPED:
        content.texts.append(text_at(block, "text") or _lines(_texts_in(block)))


def _read_document(block: JsonObject, at: str, content: Content) -> None:
    source, title = object_at(block, "source"), text_at(block, "title")
    if len(title) > MAX_NAME:
        raise wrong(f"{at}.title", f"of at most {MAX_NAME} characters")
    kind = text_at(source, "type")
    if kind == "text":
        content.texts.append(_lines((title, _text(source, "data", f"{at}.source"))))
    elif kind == "content":
        inner = read_content(source.get("content"), f"{at}.source.content", {})
        content.texts.append(_lines((title, inner.text)))
        content.attachments += inner.attachments
    else:
        content.attachments.append(_attachment("file", block, title, at))


def _attachment(kind: Literal["image", "file"], block: JsonObject, name: str, at: str) -> Attachment:
    """A picture or a file: in base64, at an address, or stored here before."""
    source, place = object_at(block, "source"), f"{at}.source"
    field = SOURCES.get(text_at(source, "type"))
    if field is None:
        raise wrong(f"{place}.type", "'base64', 'url' or 'file'")
    value = _text(source, field, place)
    if field == "file_id":
        return Attachment(kind, "", name, place, file_id=value)
    return Attachment(kind, value, name, place)


def _call(block: JsonObject, at: str) -> ToolCall:
    given = block.get("input")
    if given is not None and not isinstance(given, dict):
        raise wrong(f"{at}.input", "an object")
    arguments = json_text(given or {}, ascii=False)
    return ToolCall(_text(block, "id", at), _text(block, "name", at), arguments)


def _read_result(block: JsonObject, at: str, names: Mapping[str, str], content: Content) -> None:
    call_id = _text(block, "tool_use_id", at)
    given = block.get("content")
    inner = Content() if given is None else read_content(given, f"{at}.content", {})
    loaded = [f"The tool {name} can be called now." for name in inner.loaded]
    text = "\n".join(filter(None, [*inner.texts, *loaded]))
    content.results.append(
        ToolResult(call_id, text, names.get(call_id, ""), failed=block.get("is_error") is True)
    )
    content.attachments += inner.attachments
    content.loaded += inner.loaded


def _text(data: JsonObject, name: str, at: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise wrong(f"{at}.{name}", "a string")
    return value


def _texts_in(block: JsonObject) -> list[str]:
    return [text_at(inner, "text") for inner in objects_at(block, "content")]


def _lines(texts: Iterable[str]) -> str:
    return "\n".join(filter(None, texts))
