"""The table of content types: one message for each row, and those that no row takes."""

import pytest

from tests.translate.tool_turns import code, drawn, output
from tests.translate.wire import Json, message, search_call, tool_text
from translate.backend.content_types import CONTENT_TYPES, PRIVATE_TYPES, content_type_of
from translate.values import ItemKind


def inner(envelope: Json, **more: object) -> Json:
    found = envelope["message"]
    assert isinstance(found, dict)
    return found | more


def of_tool(content_type: str) -> Json:
    content: Json = {"content_type": content_type, "text": "x", "parts": []}
    return inner(message("", role="tool", content=content))


THOUGHTS: Json = {"content_type": "thoughts", "thoughts": [{"content": "Hm"}]}

ROWS: dict[str, tuple[Json, ItemKind]] = {
    "output": (inner(output("42")), ItemKind.OUTPUT),
    "output of errors": (of_tool("stderr"), ItemKind.OUTPUT),
    "error of a tool": (of_tool("system_error"), ItemKind.ERROR),
    "pictures of a tool": (inner(drawn("file-1")), ItemKind.PICTURE),
    "code": (inner(code("x")), ItemKind.CODE),
    "code by its recipient alone": (inner(message("x", recipient="python")), ItemKind.CODE),
    "a canvas": (inner(message("{}", recipient="canmore.create_textdoc")), ItemKind.PROSE),
    "thoughts": (inner(message("", content=THOUGHTS)), ItemKind.REASONING),
    "analysis": (inner(message("x"), channel="analysis"), ItemKind.REASONING),
    "commentary": (inner(message("x"), channel="commentary"), ItemKind.REASONING),
    "prose": (inner(message("Hi")), ItemKind.PROSE),
    "prose on its channel": (inner(message("Hi"), channel="final"), ItemKind.PROSE),
    "prose to nobody in particular": (inner(message("Hi", recipient=None)), ItemKind.PROSE),
    "a new type with text": (inner(message("", content={"content_type": "new", "text": ""})), ItemKind.PROSE),
}


@pytest.mark.parametrize(("raw", "kind"), ROWS.values(), ids=ROWS)
def test_message_has_its_row(raw: Json, kind: ItemKind) -> None:
    row = content_type_of(raw)
    assert row is not None
    assert row.presentation.kind is kind


def test_each_row_has_a_message_here() -> None:
    assert {id(content_type_of(raw)) for raw, _ in ROWS.values()} == {id(row) for row in CONTENT_TYPES}


HIDDEN: dict[str, Json] = {
    "text of a tool": inner(tool_text("x")),
    "search": inner(search_call()),
    "call of an action": inner(message("x", recipient="api_example_com__jit_plugin.get")),
    "flagged": inner(message("x", metadata={"is_visually_hidden_from_conversation": True})),
    "of no weight": inner(message("x", weight=0.0)),
    "no text at all": inner(message("", content={"content_type": "text"})),
    "output that is flagged": inner(output("42"), weight=0.0),
}


@pytest.mark.parametrize("raw", HIDDEN.values(), ids=HIDDEN)
def test_message_without_a_row_is_hidden(raw: Json) -> None:
    assert content_type_of(raw) is None


@pytest.mark.parametrize("content_type", sorted(PRIVATE_TYPES))
def test_private_types_are_hidden(content_type: str) -> None:
    content: Json = {"content_type": content_type, "text": "secret", "parts": ["secret"]}
    assert content_type_of(inner(message("", content=content))) is None
