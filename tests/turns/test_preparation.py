"""What is posted to begin a turn."""

import json
from itertools import count
from typing import Any

import pytest

from accounts import Credential
from media import MediaReader
from tests.media.pictures import png
from tests.plenty import plenty
from tests.turns.rig import GPT_4, Described, StoredFiles
from translate.backend import PostedConversation
from translate.values import ApiError, Attachment, ChatMessage, Gizmo, Model
from turns.attachments import AttachmentUploader
from turns.preparation import Preparation, Prompt, new_id
from upstream import ConnectFailed

CREDENTIAL = Credential("fk-alice")
GPT = Model("helper", "gpt-4-gizmo", 14, gizmo_id="g-abc")


def preparation(
    descriptions: Described | None = None, files: StoredFiles | None = None, *, temporary: bool = False
) -> Preparation:
    ids = count(1)
    reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
    uploader = AttachmentUploader(reader, files or StoredFiles(), plenty())
    return Preparation(
        descriptions or Described(), uploader, temporary=temporary, new_id=lambda: f"id-{next(ids)}"
    )


def body(posted: PostedConversation) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(posted.encode())
    return told


async def test_messages_are_posted_in_order_with_ids_of_their_own() -> None:
    history = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
    model, posted = await preparation().prepare(Prompt(GPT_4, history), CREDENTIAL)
    assert model is GPT_4
    assert [(sent.id, sent.role, sent.text) for sent in posted.sent] == [
        ("id-1", "system", "Be brief."),
        ("id-2", "user", "Hello"),
    ]
    assert (posted.message_id, posted.parent_message_id) == ("id-2", "id-3")


@pytest.mark.parametrize("temporary", [False, True])
async def test_conversation_is_temporary_if_the_settings_say_so(temporary: bool) -> None:
    prompt = Prompt(GPT_4, [ChatMessage("user", "Hello")])
    _, posted = await preparation(temporary=temporary).prepare(prompt, CREDENTIAL)
    assert posted.body["history_and_training_disabled"] is temporary


async def test_gpt_is_described() -> None:
    gizmo = Gizmo("g-abc", {"id": "g-abc"})
    prompt = Prompt(GPT, [ChatMessage("user", "Hello")])
    model, posted = await preparation(Described({"g-abc": gizmo})).prepare(prompt, CREDENTIAL)
    assert model.gizmo is gizmo
    assert model.name == GPT.name
    assert body(posted)["conversation_mode"]["gizmo_id"] == "g-abc"


async def test_gpt_that_cannot_be_described_is_an_error_before_anything_is_uploaded() -> None:
    files = StoredFiles()
    picture = Attachment("image", "data:image/png;base64,", "", "messages[0]")
    prompt = Prompt(GPT, [ChatMessage("user", "Hello", (picture,))])
    broken = preparation(Described(failure=ConnectFailed("refused")), files)
    with pytest.raises(ApiError, match="cannot be reached"):
        await broken.prepare(prompt, CREDENTIAL)
    assert files.uploaded == []


async def test_attachments_of_all_messages_are_uploaded() -> None:
    reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
    content = await reader.picture_in(png())
    first, second = (Attachment("image", "", f"{n}.png", f"image.[{n}]") for n in (0, 1))
    history = [ChatMessage("user", "One", (first,)), ChatMessage("user", "Two", (second,))]
    prompt = Prompt(GPT_4, history, {first: content, second: content})
    files = StoredFiles()
    _, posted = await preparation(files=files).prepare(prompt, CREDENTIAL)
    assert [name for _, name, _ in files.uploaded] == ["0.png", "1.png"]
    names = [message["metadata"]["attachments"][0]["name"] for message in body(posted)["messages"]]
    assert names == ["0.png", "1.png"]


def test_ids_are_fresh() -> None:
    assert new_id() != new_id()
