"""What is asked, and the forms of answers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from accounts import Caller
from translate import Options
from translate.openai import ChatStream, ImagesAnswer, WholeChat
from translate.values import BUILT_IN, ChatMessage, Model
from turns.outcome import TurnOutcome
from turns.parts import TurnRequest
from turns.preparation import Prompt

ALICE = Caller("fk-alice")
BASE = "http://here"
GPT_4 = BUILT_IN[0]
GPT = Model("helper", "gpt-4-gizmo", 14, gizmo_id="g-abc")


def question(text: str = "Hello", model: Model = GPT_4, **fields: Any) -> TurnRequest:
    options = fields.pop("options", Options())
    message = ChatMessage("user", text, fields.pop("attachments", ()))
    return replace(TurnRequest(ALICE, Prompt(model, [message]), options, BASE), **fields)


def chat_stream() -> ChatStream:
    return ChatStream(id="chatcmpl-1", created=1, model="gpt-4-s")


def whole_chat() -> WholeChat:
    return WholeChat(id="chatcmpl-1", created=1, model="gpt-4-s")


def images(limit: int = 1) -> ImagesAnswer:
    return ImagesAnswer(1, limit)


def completion(format: WholeChat, outcome: TurnOutcome) -> dict[str, Any]:
    """The body that a whole answer gets."""
    assert outcome.end is not None
    body: dict[str, Any] = json.loads(format.finish(outcome.end))
    return body


def drawn(format: ImagesAnswer, outcome: TurnOutcome) -> Sequence[dict[str, str]]:
    """The pictures that an images answer tells."""
    assert outcome.end is not None
    data: list[dict[str, str]] = json.loads(format.finish(outcome.end))["data"]
    return data
