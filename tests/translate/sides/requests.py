"""Requests of clients by themselves, with the words replaced, and ordinary chats of persons."""

import json
from dataclasses import dataclass
from typing import Any

from tests.source_tree import ROOT
from translate.openai import chat_request
from translate.sides import Shape, side_request

FIXTURES = ROOT / "tests" / "fixtures"
Json = dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    """What one client sends for one task."""

    client: str
    versions: str
    task: str
    request: Json

    @property
    def row(self) -> tuple[str, str, str]:
        """What names it in the table."""
        return self.client, self.versions, self.task


def recorded() -> list[Recorded]:
    """All of them, by file name."""
    files = sorted((FIXTURES / "side_requests").glob("*.json"))
    return [Recorded(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def ordinary() -> list[Json]:
    """The chats of persons, as requests."""
    chats: list[Json] = json.loads((FIXTURES / "ordinary_chats.json").read_text(encoding="utf-8"))
    return [{"model": "gpt-4-s", **chat} for chat in chats]


def recognised(data: Json) -> Shape | None:
    """What the request is taken for."""
    request = chat_request(data)
    tools = [tool.name for tool in request.toolbox.tools] if request.toolbox is not None else []
    return side_request(request.messages, tools, streams=request.stream)
