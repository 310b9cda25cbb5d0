"""The description of a GPT gets whole into each request of a conversation with it."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.upstream.gpts.rig import ID, SLUG, described
from translate.backend.payload import confirmation, continuation, conversation
from translate.values import Confirmation
from translate.values.gizmo import Gizmo
from translate.values.models import ANY_GPT, GPT_4_S, Model
from translate.values.prompt import ChatMessage

INFO = described()
HELPER = Model("helper", "gpt-4-gizmo", 14, gizmo_id=SLUG, gizmo=Gizmo(ID, INFO))
MESSAGES = (ChatMessage("system", "Be brief."), ChatMessage("user", "Which tea?"))


def new_id(numbers: Iterator[int]) -> Iterator[str]:
    return (f"id-{number}" for number in numbers)


def payloads() -> Iterator[dict[str, Any]]:
    asked = Confirmation(
        domain="api.example.com",
        operation="look",
        tool="api_example_com__jit_plugin.look",
        message_id="m1",
        target_message_id="t1",
        operation_hash="h1",
        login=False,
    )
    yield json.loads(conversation(HELPER, MESSAGES, new_id(count()).__next__).encode())
    yield json.loads(continuation(HELPER, "c1", "m1").encode())
    yield json.loads(confirmation(HELPER, "c1", asked, "allow", new_id(count()).__next__).encode())


def test_each_request_of_a_turn_has_the_whole_description_and_the_short_id() -> None:
    mode = {"kind": "gizmo_interaction", "gizmo_id": ID, "gizmo": INFO}
    for body in payloads():
        assert body["model"] == "gpt-4-gizmo"
        assert body["conversation_mode"] == mode
        assert "suggestions" not in body
        assert "arkose_token" not in body


def test_question_to_a_gpt_has_its_messages() -> None:
    body = next(payloads())
    said = [(message["author"]["role"], message["content"]["parts"]) for message in body["messages"]]
    assert said == [("system", ["Be brief."]), ("user", ["Which tea?"])]


def test_other_models_have_the_assistant_of_the_web_client() -> None:
    body = json.loads(conversation(GPT_4_S, MESSAGES, new_id(count()).__next__).encode())
    assert body["conversation_mode"] == {"kind": "primary_assistant"}
    assert body["suggestions"] == []


def test_gpt_without_its_description_is_never_sent_as_something_else() -> None:
    undescribed = Model("helper", ANY_GPT.slug, 14, gizmo_id=ID)
    with pytest.raises(ValueError, match="description"):
        conversation(undescribed, MESSAGES, new_id(count()).__next__)
