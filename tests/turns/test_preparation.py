"""What is posted to begin a turn."""

import json
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from accounts import Caller, Credential
from media import MediaReader
from tests.media.pictures import png
from tests.plenty import plenty
from tests.turns.descriptions import Described
from tests.turns.questions import GPT, GPT_4
from tests.turns.stored_files import StoredFiles
from translate.backend import PostedConversation
from translate.values import ApiError, Attachment, ChatMessage, Gizmo, ListedModel, Place
from turns.attachments import AttachmentUploader
from turns.preparation import Preparation, Prompt, PromptOptions, new_id
from upstream import ConnectFailed

CREDENTIAL = Credential("fk-alice")
CALLER = Caller("fk-alice")

PLAIN = PromptOptions()


def preparation(
    descriptions: Described | None = None,
    files: StoredFiles | None = None,
    options: PromptOptions = PLAIN,
) -> Preparation:
    ids = count(1)
    reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
    uploader = AttachmentUploader(reader, files or StoredFiles(), plenty())
    return Preparation(descriptions or Described(), uploader, options, new_id=lambda: f"id-{next(ids)}")


def body(posted: PostedConversation) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(posted.encode())
    return told


async def test_messages_are_posted_in_order_with_ids_of_their_own() -> None:
    history = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]
    model, posted = await preparation().prepare(Prompt(GPT_4, history), CREDENTIAL, CALLER)
    assert model is GPT_4
    assert [(sent.id, sent.role, sent.text) for sent in posted.sent] == [
        ("id-1", "system", "Be brief."),
        ("id-2", "user", "Hello"),
    ]
    assert (posted.message_id, posted.parent_message_id) == ("id-2", "id-3")


async def test_rules_of_several_system_messages_are_posted_as_one() -> None:
    """Backends of today obey only the first one."""
    rules = [ChatMessage("system", "Be brief."), ChatMessage("system", "Answer in French.")]
    _, posted = await preparation().prepare(
        Prompt(GPT_4, [*rules, ChatMessage("user", "Hello")]), CREDENTIAL, CALLER
    )
    assert [(sent.role, sent.text) for sent in posted.sent] == [
        ("system", "Be brief.\n\nAnswer in French."),
        ("user", "Hello"),
    ]


@pytest.mark.parametrize("temporary", [False, True])
async def test_conversation_is_temporary_if_the_settings_say_so(temporary: bool) -> None:
    prompt = Prompt(GPT_4, [ChatMessage("user", "Hello")])
    _, posted = await preparation(options=PromptOptions(temporary=temporary)).prepare(
        prompt, CREDENTIAL, CALLER
    )
    assert body(posted)["history_and_training_disabled"] is temporary


@pytest.mark.parametrize("temporary", [False, True])
async def test_conversation_that_others_may_go_on_with_is_not_temporary(temporary: bool) -> None:
    made = preparation(options=PromptOptions(temporary=temporary))
    prompt = Prompt(GPT_4, [ChatMessage("user", "Hello")], lasting=True)
    _, posted = await made.prepare(prompt, CREDENTIAL, CALLER)
    assert body(posted)["history_and_training_disabled"] is False
    assert made.hides(prompt) is temporary


async def test_messages_go_on_at_a_place() -> None:
    made = preparation(options=PromptOptions(temporary=True))
    prompt = Prompt(GPT_4, [ChatMessage("user", "More")], place=Place("c-1", "m-1"))
    _, posted = await made.prepare(prompt, CREDENTIAL, CALLER)
    assert (body(posted)["conversation_id"], posted.parent_message_id) == ("c-1", "m-1")
    assert body(posted)["history_and_training_disabled"] is False
    assert made.preflight(prompt)["conversation_id"] == "c-1"


async def test_gpt_is_described() -> None:
    gizmo = Gizmo("g-abc", {"id": "g-abc"})
    prompt = Prompt(GPT, [ChatMessage("user", "Hello")])
    model, posted = await preparation(Described({"g-abc": gizmo})).prepare(prompt, CREDENTIAL, CALLER)
    assert model.gizmo is gizmo
    assert model.name == GPT.name
    assert body(posted)["conversation_mode"]["gizmo_id"] == "g-abc"


async def test_gpt_that_cannot_be_described_is_an_error_before_anything_is_uploaded() -> None:
    files = StoredFiles()
    picture = Attachment("image", "data:image/png;base64,", "", "messages[0]")
    prompt = Prompt(GPT, [ChatMessage("user", "Hello", (picture,))])
    broken = preparation(Described(failure=ConnectFailed("refused")), files)
    with pytest.raises(ApiError, match="cannot be reached"):
        await broken.prepare(prompt, CREDENTIAL, CALLER)
    assert files.uploaded == []


async def test_attachments_of_all_messages_are_uploaded() -> None:
    reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
    content = await reader.picture_in(png())
    first, second = (Attachment("image", "", f"{n}.png", f"image.[{n}]") for n in (0, 1))
    history = [ChatMessage("user", "One", (first,)), ChatMessage("user", "Two", (second,))]
    prompt = Prompt(GPT_4, history, {first: content, second: content})
    files = StoredFiles()
    _, posted = await preparation(files=files).prepare(prompt, CREDENTIAL, CALLER)
    assert [name for _, name, _ in files.uploaded] == ["0.png", "1.png"]
    names = [message["metadata"]["attachments"][0]["name"] for message in body(posted)["messages"]]
    assert names == ["0.png", "1.png"]


THINKER = replace(
    GPT_4, listed=ListedModel("gpt-5-6-thinking", efforts=("standard", "extended"), enabled_tools=("search",))
)


async def told(options: PromptOptions, **asked: Any) -> dict[str, Any]:
    """What is posted to `f/conversation` for a prompt with what is asked of it."""
    prompt = Prompt(asked.pop("model", THINKER), [ChatMessage("user", "Hello")], **asked)
    _, posted = await preparation(options=options).prepare(prompt, CREDENTIAL, CALLER)
    found: dict[str, Any] = json.loads(posted.encode_for_today(prepared=True))
    return found


async def test_effort_of_the_request_counts_before_that_of_the_alias_and_that_before_the_setting() -> None:
    options, alias = PromptOptions(effort="medium"), replace(THINKER, effort="low")
    assert (await told(options, model=alias, effort="high"))["thinking_effort"] == "extended"
    assert (await told(options, model=alias))["thinking_effort"] == "standard"
    assert (await told(options))["thinking_effort"] == "extended"
    assert "thinking_effort" not in await told(PLAIN)
    assert "thinking_effort" not in await told(options, model=GPT_4)


async def test_hints_of_request_alias_and_setting_come_together_as_far_as_the_model_has_the_tools() -> None:
    body = await told(
        PromptOptions(hints=("think", "canvas")), model=replace(THINKER, hints=("search",)), hints=("search",)
    )
    assert body["system_hints"] == ["search", "reason"]
    assert body["messages"][-1]["metadata"]["system_hints"] == ["search", "reason"]
    assert "system_hints" not in await told(PLAIN)


@pytest.mark.parametrize("hint", ["picture", "research"])
async def test_turn_that_cannot_be_temporary_is_not_and_is_hidden_afterwards(hint: str) -> None:
    temporary = PromptOptions(temporary=True)
    assert "history_and_training_disabled" not in await told(temporary, hints=(hint,))
    assert (await told(temporary, hints=("search",)))["history_and_training_disabled"] is True
    for options, hints, hidden in [
        (temporary, (hint,), True),
        (temporary, (), False),
        (PLAIN, (hint,), False),
    ]:
        assert preparation(options=options).hides(Prompt(GPT_4, [], hints=hints)) is hidden


async def test_history_is_folded_if_the_settings_say_so() -> None:
    talk = [ChatMessage("user", "One"), ChatMessage("assistant", "Two"), ChatMessage("user", "Three")]
    for fold, roles in ((False, ["user", "assistant", "user"]), (True, ["system", "user"])):
        _, posted = await preparation(options=PromptOptions(fold=fold)).prepare(
            Prompt(GPT_4, talk), CREDENTIAL, CALLER
        )
        assert [message["author"]["role"] for message in body(posted)["messages"]] == roles


@pytest.mark.parametrize(("limit", "names"), [(0, []), (9000, ["message-1.txt"]), (20_000, [])])
async def test_text_above_the_limit_is_uploaded_as_a_file(limit: int, names: list[str]) -> None:
    files = StoredFiles()
    prompt = Prompt(GPT_4, [ChatMessage("user", "x" * 10_000)])
    _, posted = await preparation(files=files, options=PromptOptions(text_file_bytes=limit)).prepare(
        prompt, CREDENTIAL, CALLER
    )
    assert [(name, kind) for _, name, kind in files.uploaded] == [(name, "text/plain") for name in names]
    (message,) = body(posted)["messages"]
    assert [file["name"] for file in message["metadata"].get("attachments", [])] == names
    assert (len(message["content"]["parts"][0]) == 10_000) is (not names)


async def test_pool_gets_long_texts_in_the_message_because_its_files_may_be_on_another_account() -> None:
    files = StoredFiles()
    prompt = Prompt(GPT_4, [ChatMessage("user", "x" * 10_000)])
    options = PromptOptions(text_file_bytes=9000)
    await preparation(files=files, options=options).prepare(prompt, Credential("pk-pool"), CALLER)
    assert files.uploaded == []


def test_preflight_says_what_will_be_asked_and_none_of_the_words() -> None:
    prompt = Prompt(replace(GPT, hints=("search",)), [ChatMessage("user", "canary-prompt")])
    told = preparation().preflight(prompt)
    assert told["model"] == GPT.slug
    assert told["conversation_mode"] == {"kind": "gizmo_interaction", "gizmo_id": "g-abc"}
    assert told["system_hints"] == ["search"]
    assert "messages" not in told
    assert "canary-prompt" not in json.dumps(told)


def test_ids_are_fresh() -> None:
    assert new_id() != new_id()
