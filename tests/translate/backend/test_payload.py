"""The body that we send to the backend, for every model."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translate.backend.payload import Wishes, confirmation, continuation, conversation, preflight
from translate.values import Attachment, Confirmation, ListedModel, Place, SentMessage, picture_tokens
from translate.values.gizmo import Gizmo
from translate.values.models import ANY_GPT, BUILT_IN, GPT_4_MOBILE, GPT_4_S, GPT_35_TURBO, Model
from translate.values.prompt import ChatMessage, Role

TALK = (
    ChatMessage("system", "Be brief."),
    ChatMessage("user", "Who are you?"),
    ChatMessage("assistant", "An assistant."),
    ChatMessage("user", '你好 "\\\n🔥 </script>'),
)


GIZMO = Gizmo("g-AbC123xyZ", {"gizmo": {"id": "g-AbC123xyZ", "display": {"name": "My Helper"}}, "tools": []})
HELPER = replace(ANY_GPT, name="my-helper", gizmo_id="g-AbC123xyZ-my-helper", gizmo=GIZMO)
MODELS = (*BUILT_IN, HELPER)


def new_id() -> str:
    return str(uuid.uuid4())


def body_of(
    model: Model, talk: Sequence[ChatMessage] = TALK
) -> tuple[dict[str, object], tuple[SentMessage, ...]]:
    posted = conversation(model, talk, new_id)
    body = json.loads(posted.encode())
    assert isinstance(body, dict)
    assert posted.parent_message_id == body["parent_message_id"]
    return body, posted.sent


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_trap_3_every_model_carries_the_words_in_order(model: Model) -> None:
    body, sent = body_of(model)
    messages = body["messages"]
    assert isinstance(messages, list)
    assert [(m["author"]["role"], m["content"]["parts"]) for m in messages] == [
        (message.role, [message.text]) for message in TALK
    ]
    assert [(said.id, said.role, said.text) for said in sent] == [
        (m["id"], m["author"]["role"], m["content"]["parts"][0]) for m in messages
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_message_has_the_shape_that_the_backend_knows(model: Model) -> None:
    body, _ = body_of(model, TALK[:1])
    message = body["messages"][0]  # type: ignore[index]
    assert message == {
        "id": message["id"],
        "author": {"role": "system"},
        "content": {"content_type": "text", "parts": ["Be brief."]},
        "metadata": {},
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_form_of_today_has_the_same_messages_and_nothing_that_only_older_backends_want(model: Model) -> None:
    posted = conversation(model, TALK, new_id)
    older, today = json.loads(posted.encode()), json.loads(posted.encode_for_today(prepared=True))
    for name in ("action", "messages", "parent_message_id", "model"):
        assert today[name] == older[name]
    assert set(today) == {
        "action", "messages", "parent_message_id", "model", "conversation_mode", "timezone_offset_min",
        "supported_encodings", "client_prepare_state",
    }  # fmt: skip
    assert today["conversation_mode"].get("gizmo_id") == older["conversation_mode"].get("gizmo_id")
    assert "gizmo" not in today["conversation_mode"]


def test_form_of_today_tells_whether_the_backend_was_told_before() -> None:
    posted = continuation(GPT_4_S, "c1", "m1", wishes=Wishes(temporary=True))
    states = [json.loads(posted.encode_for_today(prepared=prepared)) for prepared in (True, False)]
    assert [body.pop("client_prepare_state") for body in states] == ["success", "failure"]
    assert states[0]["history_and_training_disabled"] is True
    assert (states[0]["conversation_id"], states[0]["parent_message_id"]) == ("c1", "m1")
    assert "websocket_request_id" not in states[0]
    named = json.loads(posted.encode_for_today("ws-1", prepared=True))
    assert named["websocket_request_id"] == "ws-1"


def test_what_is_asked_for_stands_in_both_forms_as_far_as_the_model_can_do_it() -> None:
    listed = ListedModel("gpt-5-6-thinking", efforts=("standard", "extended"), enabled_tools=("search",))
    wishes = Wishes(effort="high", hints=("search", "canvas"))
    posted = conversation(replace(GPT_4_S, listed=listed), TALK, new_id, wishes=wishes)
    for body in (json.loads(posted.encode()), json.loads(posted.encode_for_today(prepared=True))):
        assert (body["thinking_effort"], body["system_hints"]) == ("extended", ["search"])
        hints = [message["metadata"].get("system_hints") for message in body["messages"]]
        assert hints == [None, None, None, ["search"]]
    unlisted = json.loads(conversation(GPT_4_S, TALK, new_id, wishes=wishes).encode())
    assert "thinking_effort" not in unlisted


def test_preflight_is_a_conversation_without_messages() -> None:
    wishes = Wishes(hints=("search",), temporary=True)
    told = preflight(GPT_4_S, new_id, wishes)
    today = json.loads(conversation(GPT_4_S, TALK, new_id, wishes=wishes).encode_for_today(prepared=True))
    own = {"partial_query", "client_prepare_dispatch", "client_prepare_source"}
    assert set(told) == (set(today) - {"messages"}) | own
    changes = {"parent_message_id", "client_prepare_state", *own}
    assert {name: told[name] for name in told.keys() - changes} == {
        name: today[name] for name in told.keys() - changes
    }


def test_message_in_a_conversation_that_goes_on_names_it_and_its_place() -> None:
    posted = conversation(GPT_4_S, TALK, new_id, place=Place("c-1", "m-1"))
    for body in (json.loads(posted.encode()), json.loads(posted.encode_for_today(prepared=True))):
        assert (body["conversation_id"], body["parent_message_id"]) == ("c-1", "m-1")
        assert len(body["messages"]) == len(TALK)


def test_preflight_of_a_conversation_that_goes_on_names_it() -> None:
    told = preflight(GPT_4_S, new_id, place=Place("c-1", "m-1"))
    assert (told["conversation_id"], told["parent_message_id"]) == ("c-1", "m-1")


SLUGS = {GPT_4_S: "gpt-4", GPT_4_MOBILE: "gpt-4-mobile", GPT_35_TURBO: "text-davinci-002-render-sha"}


@pytest.mark.parametrize("model", BUILT_IN, ids=lambda model: model.name)
def test_new_conversation_of_each_model(model: Model) -> None:
    body, _ = body_of(model)
    assert body["action"] == "next"
    assert body["model"] == SLUGS[model]
    assert body["conversation_mode"] == {"kind": "primary_assistant"}
    assert body["suggestions"] == []
    assert body["history_and_training_disabled"] is False
    assert body["force_paragen"] is False
    assert body["force_rate_limit"] is False
    assert body["force_use_sse"] is True
    assert isinstance(body["timezone_offset_min"], int)
    assert "conversation_id" not in body
    assert ("arkose_token" in body) == (model is GPT_35_TURBO)
    assert body.get("arkose_token") is None


def test_new_conversation_of_a_gpt_brings_its_whole_description_under_its_short_id() -> None:
    body, _ = body_of(HELPER)
    assert body["model"] == "gpt-4-gizmo"
    mode = {"kind": "gizmo_interaction", "gizmo_id": "g-AbC123xyZ", "gizmo": GIZMO.info}
    assert body["conversation_mode"] == mode
    assert "suggestions" not in body
    assert "arkose_token" not in body


def test_further_requests_of_a_turn_with_a_gpt_bring_its_description_again() -> None:
    asked = Confirmation(
        domain="api.example.com",
        operation="look",
        tool="api_example_com__jit_plugin.look",
        message_id="m1",
        target_message_id="t1",
        operation_hash="h1",
        login=False,
    )
    first, _ = body_of(HELPER)
    for posted in (
        continuation(HELPER, "c1", "m1"),
        confirmation(HELPER, "c1", asked, "allow", new_id),
    ):
        body = json.loads(posted.encode())
        assert body["model"] == "gpt-4-gizmo"
        assert body["conversation_mode"] == first["conversation_mode"]
        assert "suggestions" not in body
        assert "arkose_token" not in body


def test_gpt_without_its_description_is_never_sent_as_something_else() -> None:
    with pytest.raises(ValueError, match="description"):
        conversation(replace(HELPER, gizmo=None), TALK, new_id)


def test_temporary_conversation_says_so() -> None:
    posted = conversation(GPT_4_S, TALK, new_id, wishes=Wishes(temporary=True))
    assert json.loads(posted.encode())["history_and_training_disabled"] is True


@dataclass(frozen=True)
class File:
    """A file that was uploaded."""

    file_id: str
    name: str
    media_type: str
    size: int = 4096
    width: int = 0
    height: int = 0
    file_tokens: int | None = None


def test_pictures_stand_in_the_parts_and_all_files_among_the_attachments() -> None:
    picture = Attachment("image", "data:,", "", "messages.[0]", "low")
    document = Attachment("file", "data:,", "", "messages.[0]")
    table = Attachment("file", "data:,1", "", "messages.[0]")
    uploads = {
        picture: File("file-1", "a.png", "image/png", width=64, height=48),
        document: File("file-2", "a.txt", "text/plain", file_tokens=7),
        table: File("file-3", "a.csv", "text/csv"),
    }
    question = ChatMessage("user", "What is this?", (picture, document, table))
    posted = conversation(GPT_4_S, [question], new_id, uploads=uploads)
    message = json.loads(posted.encode())["messages"][0]
    pointer = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "file-service://file-1",
        "size_bytes": 4096,
        "width": 64,
        "height": 48,
    }
    assert message["content"] == {"content_type": "multimodal_text", "parts": [pointer, "What is this?"]}
    assert message["metadata"]["attachments"] == [
        {
            "id": "file-1",
            "name": "a.png",
            "size": 4096,
            "mimeType": "image/png",
            "mime_type": "image/png",
            "width": 64,
            "height": 48,
        },
        {
            "id": "file-2",
            "name": "a.txt",
            "size": 4096,
            "mimeType": "text/plain",
            "mime_type": "text/plain",
            "fileTokenSize": 7,
        },
        {"id": "file-3", "name": "a.csv", "size": 4096, "mimeType": "text/csv", "mime_type": "text/csv"},
    ]
    assert posted.sent[0].picture_tokens == picture_tokens(64, 48, "low")


@pytest.mark.parametrize("answer", ["allow", "always_allow", "deny"])
def test_confirmation_names_the_operation_only_to_be_remembered(
    answer: Literal["allow", "always_allow", "deny"],
) -> None:
    asked = Confirmation("tool.look", "m1", "api.example.com", "look", "t1", "h1")
    posted = confirmation(GPT_4_S, "c1", asked, answer, new_id)
    body = json.loads(posted.encode())
    data = {"type": answer, "operation_hash": "h1"} if answer == "always_allow" else {"type": answer}
    action = {"data": data, "target_message_id": "t1"}
    assert body["messages"] == [
        {
            "id": posted.message_id,
            "author": {"role": "tool", "name": "tool.look"},
            "content": {"content_type": "text", "parts": [""]},
            "recipient": "all",
            "metadata": {"jit_plugin_data": {"from_client": {"user_action": action}}},
        }
    ]
    assert (body["action"], body["conversation_id"], body["parent_message_id"]) == ("next", "c1", "m1")
    assert posted.parent_message_id == "m1"
    assert posted.sent == (SentMessage(posted.message_id, "tool", ""),)


def test_continuation_sends_no_message() -> None:
    posted = continuation(GPT_4_S, "c1", "m1", wishes=Wishes(temporary=True))
    body = json.loads(posted.encode())
    assert "messages" not in body
    assert (body["action"], body["conversation_id"], body["parent_message_id"]) == ("continue", "c1", "m1")
    assert body["history_and_training_disabled"] is True
    assert (posted.parent_message_id, posted.message_id) == ("m1", "")


def test_id_for_the_frames_of_the_answer_comes_last() -> None:
    posted = conversation(GPT_4_S, TALK, new_id)
    plain, marked = posted.encode(), posted.encode("w1")
    assert marked == plain[:-1] + b',"websocket_request_id":"w1"}'


def test_every_id_is_fresh_and_a_uuid() -> None:
    ids: list[str] = []
    for _ in range(3):
        body, sent = body_of(GPT_4_S)
        ids += [message.id for message in sent]
        parent = body["parent_message_id"]
        assert isinstance(parent, str)
        ids.append(parent)
    assert len({uuid.UUID(id) for id in ids}) == len(ids) == 15


ROLES: list[Role] = ["system", "user", "assistant"]


@given(
    st.lists(
        st.builds(
            ChatMessage,
            st.sampled_from(ROLES),
            st.text(st.characters() | st.sampled_from("\ud83d\udd25\u2028\x00"), min_size=1),
        ),
        min_size=1,
    )
)
def test_any_words_arrive_as_valid_text(talk: list[ChatMessage]) -> None:
    body, sent = body_of(GPT_4_S, talk)
    for message, said, raw in zip(talk, sent, body["messages"], strict=True):  # type: ignore[call-overload]
        (part,) = raw["content"]["parts"]
        assert part == said.text == message.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        part.encode()
