"""The request: what is accepted, and what gets a 422."""

import uuid
from typing import Any

import pytest

from tests.simulator.client import API, ask, call, message, payload, running

BAD_REQUESTS: dict[str, dict[str, Any]] = {
    "unknown action": payload("Hello", action="sing"),
    "next without messages": payload(),
    "continue without conversation": payload(action="continue"),
    "no model": payload("Hello", model=None),
    "parent is no uuid": payload("Hello", parent_message_id="root"),
    "conversation is no uuid": payload("Hello", conversation_id="c1"),
    "message id is no uuid": payload(message(id="1")),
    "unknown role": payload(message(role="robot")),
    "unknown conversation mode": payload("Hello", conversation_mode={"kind": "chat"}),
    "gizmo model without gizmo_id": payload("Hello", model="gpt-4-gizmo"),
    "gizmo mode without gizmo_id": payload("Hello", conversation_mode={"kind": "gizmo_interaction"}),
    "null part": payload(message(None)),
    "part that is a list": payload(message(content={"content_type": "text", "parts": [["Hello"]]})),
    "part that is an object in text": payload(
        message(content={"content_type": "text", "parts": [{"type": "text", "text": "Hello"}]})
    ),
    "part without content_type": payload(
        message(content={"content_type": "multimodal_text", "parts": [{"asset_pointer": "file-service://f"}]})
    ),
    "parts missing": payload(message(content={"content_type": "text"})),
    "content_type missing": payload(message(content={"parts": ["Hello"]})),
    "messages no list": {**payload("Hello"), "messages": "Hello"},
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
async def test_bad_request_gets_422_with_a_list_as_detail(name: str) -> None:
    async with running() as simulator:
        answer = await call(simulator, "POST", f"{API}/conversation", BAD_REQUESTS[name])
        assert simulator.state.accepted == 0
    assert answer.status == 422
    assert set(answer.json["detail"][0]) == {"loc", "msg", "type"}
    assert answer.json["detail"][0]["loc"][0] == "body"


async def test_body_that_is_no_json_gets_422() -> None:
    async with running() as simulator:
        answer = await call(simulator, "POST", f"{API}/conversation", b"{not json")
    assert answer.status == 422


async def test_marker_with_an_unknown_knob_gets_422_that_names_it() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello [[sim colour=red]]")
    assert answer.status == 422
    assert "'colour'" in answer.json["detail"][0]["msg"]


async def test_parts_may_be_objects_with_a_content_type() -> None:
    part = {"content_type": "audio_transcription", "text": "x"}
    for content_type in ("text", "multimodal_text"):
        sent = message(content={"content_type": content_type, "parts": [part, "Hello"]})
        async with running() as simulator:
            answer = await ask(simulator, sent)
        assert answer.messages[1]["content"] == sent["content"]


async def test_unknown_fields_are_tolerated() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello", websocket_request_id=str(uuid.uuid4()), something_new={"a": 1})
    assert answer.status == 200


async def test_conversation_mode_may_be_absent() -> None:
    request = payload("Hello")
    del request["conversation_mode"]
    async with running() as simulator:
        answer = await call(simulator, "POST", f"{API}/conversation", request)
    assert answer.status == 200


async def test_unknown_conversation_id_gets_404() -> None:
    async with running() as simulator:
        answer = await ask(simulator, "Hello", conversation_id=str(uuid.uuid4()))
    assert answer.status == 404
    assert answer.json["detail"]["code"] == "conversation_not_found"


async def test_another_keys_conversation_gets_404() -> None:
    async with running() as simulator:
        mine = await ask(simulator, "Hello")
        conversation_id = mine.records[0]["conversation_id"]
        theirs = await ask(simulator, "Hello", key="fk-other", conversation_id=conversation_id)
    assert theirs.status == 404


async def test_stored_conversation_can_not_go_on_with_history_disabled() -> None:
    async with running() as simulator:
        stored = await ask(simulator, "Hello")
        conversation_id = stored.records[0]["conversation_id"]
        answer = await ask(
            simulator, "And?", conversation_id=conversation_id, history_and_training_disabled=True
        )
    assert answer.status == 404
    assert answer.json["detail"]["code"] == "history_disabled_conversation_not_found"


async def test_the_last_user_message_is_the_question() -> None:
    sent = [
        message("say exactly: one"),
        message("say exactly: two"),
        message("say exactly: three", "assistant"),
    ]
    async with running() as simulator:
        answer = await ask(simulator, *sent)
    assert answer.text == "two"


async def test_critic_role_is_accepted_and_echoed() -> None:
    async with running() as simulator:
        answer = await ask(simulator, message("Be brief.", role="critic"), "Hello")
    assert answer.messages[1]["author"]["role"] == "critic"
