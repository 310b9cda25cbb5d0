"""What the backend says about a GPT: what is taken, and that it gets into conversations whole."""

import json
import math
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.gpts.rig import ID, SLUG, described
from translate.backend.gizmo import MAX_GIZMO_BYTES, as_gizmo, read_gizmo
from translate.backend.interpreter import Confirmation
from translate.backend.payload import confirmation, continuation, conversation
from translate.values.gizmo import Gizmo
from translate.values.models import ANY_GPT, GPT_4_S, Model
from translate.values.prompt import ChatMessage

INFO = described()
HELPER = Model("helper", "gpt-4-gizmo", 14, gizmo_id=SLUG, gizmo=Gizmo(ID, INFO))
MESSAGES = (ChatMessage("system", "Be brief."), ChatMessage("user", "Which tea?"))


def read(data: object, asked: str = ID) -> Gizmo:
    return read_gizmo(json.dumps(data).encode(), asked)


@pytest.mark.parametrize("asked", [ID, SLUG])
def test_description_gives_the_short_id_however_it_was_asked_for(asked: str) -> None:
    assert read(INFO, asked) == Gizmo(ID, INFO)


def test_description_is_kept_whole_with_fields_that_nobody_here_knows() -> None:
    info = {**described(), "some_new_field": {"deep": [1, None, "\u2028 团队 \U0001f525"]}}
    assert read(info).info == info


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({}, "has no id"),
        ([], "has no id"),
        (None, "has no id"),
        ({"gizmo": None}, "has no id"),
        ({"gizmo": {}}, "has no id"),
        ({"gizmo": {"id": 7}}, "has no id"),
        ({"gizmo": {"id": "g-1/../x"}}, "has no id"),
        ({"gizmo": {"id": SLUG}}, "has no id"),
        ({"detail": "no"}, "has no id"),
        (described("g-AbC123xy"), "another GPT"),
        (described("g-Other"), "another GPT"),
    ],
)
def test_what_does_not_describe_the_gpt_asked_for_is_refused(info: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(info)


@pytest.mark.parametrize(
    "extra", [math.inf, math.nan, "[" * 1020 + "]" * 1020], ids=["infinite", "nan", "deep"]
)
def test_what_could_not_be_sent_on_is_refused(extra: object) -> None:
    text = extra if isinstance(extra, str) else json.dumps(extra)
    body = json.dumps({**INFO, "extra": "HERE"}).replace('"HERE"', text)
    with pytest.raises(ValueError, match=r"JSON"):
        read_gizmo(body.encode(), ID)


def test_oversized_description_is_refused_unread() -> None:
    with pytest.raises(ValueError, match="larger"):
        read_gizmo(b"[" * (MAX_GIZMO_BYTES + 1), ID)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
        max_leaves=20,
    )
)
def test_every_description_that_is_taken_can_be_sent(extra: object) -> None:
    try:
        gizmo = as_gizmo({**INFO, "extra": extra}, ID)
    except ValueError:
        return
    model = Model("helper", "gpt-4-gizmo", 14, gizmo_id=ID, gizmo=gizmo)
    body = json.loads(conversation(model, MESSAGES, new_id(count()).__next__)[0])
    assert body["conversation_mode"]["gizmo"]["gizmo"] == INFO["gizmo"]


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
    yield json.loads(conversation(HELPER, MESSAGES, new_id(count()).__next__)[0])
    yield json.loads(continuation(HELPER, "c1", "m1"))
    yield json.loads(confirmation(HELPER, "c1", asked, "allow", new_id(count()).__next__)[0])


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
    body = json.loads(conversation(GPT_4_S, MESSAGES, new_id(count()).__next__)[0])
    assert body["conversation_mode"] == {"kind": "primary_assistant"}
    assert body["suggestions"] == []


def test_gpt_without_its_description_is_never_sent_as_something_else() -> None:
    undescribed = Model("helper", ANY_GPT.slug, 14, gizmo_id=ID)
    with pytest.raises(ValueError, match="description"):
        conversation(undescribed, MESSAGES, new_id(count()).__next__)
