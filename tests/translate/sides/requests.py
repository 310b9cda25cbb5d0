"""Requests of clients by themselves, with the words replaced, and ordinary chats of persons."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.source_tree import ROOT
from translate.anthropic import messages_request
from translate.openai import chat_request, messages_of, responses_request
from translate.sides import Shape, side_request
from translate.values import ChatMessage, Toolbox

FIXTURES = ROOT / "tests" / "fixtures"
CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
Json = dict[str, Any]


@dataclass(frozen=True)
class Read:
    """What a request says, on whatever route it comes."""

    messages: Sequence[ChatMessage]
    tools: Sequence[str]
    streams: bool

    def shape(self, messages: Sequence[ChatMessage] | None = None) -> Shape | None:
        """What the request is taken for, or one with other `messages`."""
        return side_request(self.messages if messages is None else messages, self.tools, streams=self.streams)


@dataclass(frozen=True)
class Recorded:
    """What one client sends for one task to one route. `captured` is the version of the client that has sent
    it here, empty if it was made from its source.
    """

    client: str
    versions: str
    task: str
    request: Json
    path: str = CHAT
    captured: str = ""

    @property
    def row(self) -> tuple[str, str, str]:
        """What names it in the table."""
        return self.client, self.versions, self.task

    @property
    def name(self) -> str:
        """What names it among all of them."""
        return "-".join((*self.row, self.path.rpartition("/")[2]))

    def read(self) -> Read:
        """What it says."""
        return READERS[self.path](self.request)


def _read_chat(data: Json) -> Read:
    request = chat_request(data)
    return Read(request.messages, _names(request.toolbox), request.stream)


def _read_responses(data: Json) -> Read:
    request = responses_request(data, lambda kind: f"{kind}_1")
    told = [ChatMessage("system", request.instructions)] if request.instructions else []
    said = [*told, *messages_of(request.items, {})]
    return Read(said, _names(request.tools.toolbox), request.stream)


def _read_messages(data: Json) -> Read:
    request = messages_request(data)
    return Read(request.messages, _names(request.toolbox), request.stream)


READERS: dict[str, Callable[[Json], Read]] = {
    CHAT: _read_chat,
    RESPONSES: _read_responses,
    MESSAGES: _read_messages,
}


def _names(toolbox: Toolbox | None) -> list[str]:
    return [tool.name for tool in toolbox.tools] if toolbox is not None else []


def recorded() -> list[Recorded]:
    """All of them, by file name."""
    files = sorted((FIXTURES / "side_requests").glob("*.json"))
    return [Recorded(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def ordinary() -> list[Json]:
    """The chats of persons, as requests."""
    chats: list[Json] = json.loads((FIXTURES / "ordinary_chats.json").read_text(encoding="utf-8"))
    return [{"model": "gpt-4-s", **chat} for chat in chats]
