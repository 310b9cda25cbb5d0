"""`/v1/files` through the service, by the official SDK, and files that messages name by their ids."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest

from tests.service.deployment import Deployment, deployed
from tests.service.test_images import client, pixel

PATH = "/v1/files"
TEXT = "Grüße, 世界".encode()


@asynccontextmanager
async def files(**env: str) -> AsyncIterator[tuple[Deployment, openai.AsyncOpenAI]]:
    async with deployed(env) as service, client(service) as sdk:
        yield service, sdk


def posted(service: Deployment) -> Any:
    """The message that was posted last."""
    return service.posted[-1].body["messages"][-1]


async def test_sdk_stores_lists_reads_and_deletes_files() -> None:
    async with files() as (_, sdk):
        first = await sdk.files.create(file=("grüße.txt", TEXT), purpose="user_data")
        second = await sdk.files.create(
            file=("b.bin", b"\x00"), purpose="vision", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        listed = [file.id async for file in await sdk.files.list(order="asc", limit=1)]
        only = [file.id async for file in await sdk.files.list(purpose="vision")]
        found = await sdk.files.retrieve(first.id)
        content = await sdk.files.content(first.id)
        deleted = await sdk.files.delete(first.id)
        with pytest.raises(openai.NotFoundError) as gone:
            await sdk.files.retrieve(first.id)
    assert (first.filename, first.purpose, first.bytes, first.status) == (
        "grüße.txt", "user_data", len(TEXT), "processed",
    )  # fmt: skip
    assert found == first
    assert sorted(listed) == sorted([first.id, second.id])
    assert only == [second.id]
    assert second.expires_at == second.created_at + 3600
    assert content.content == TEXT
    assert "UTF-8''gr%C3%BC%C3%9Fe.txt" in content.response.headers["content-disposition"]
    assert deleted.deleted
    assert gone.value.code == "file_not_found"


async def test_content_of_a_file_cannot_be_deleted_without_the_file() -> None:
    async with files() as (service, sdk):
        stored = await sdk.files.create(file=("a", TEXT), purpose="user_data")
        answer = await service.ask("DELETE", f"{PATH}/{stored.id}/content")
        assert (await sdk.files.retrieve(stored.id)).id == stored.id
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_other_key_sees_nothing_of_it() -> None:
    async with files() as (service, sdk):
        stored = await sdk.files.create(file=("a", TEXT), purpose="user_data")
        answers = [
            await service.ask(method, f"{PATH}/{stored.id}{rest}", key="fk-some-other-key")
            for method, rest in (("GET", ""), ("DELETE", ""), ("GET", "/content"))
        ]
        listed = await service.ask("GET", PATH, key="fk-some-other-key")
        named = await service.chat("x", key="fk-some-other-key", messages=[naming(stored.id)])
        assert (await sdk.files.retrieve(stored.id)).id == stored.id
    assert [answer.status for answer in answers] == [404, 404, 404]
    assert listed.json["data"] == []
    assert (named.status, named.json["error"]["code"]) == (400, "file_not_found")


def naming(file_id: str, kind: str = "file") -> dict[str, Any]:
    parts = {
        "file": {"type": "file", "file": {"file_id": file_id}},
        "input_file": {"type": "input_file", "file_id": file_id},
        "input_image": {"type": "input_image", "file_id": file_id},
    }
    return {"role": "user", "content": [{"type": "text", "text": "Look at this"}, parts[kind]]}


@pytest.mark.parametrize("kind", ["file", "input_file"])
async def test_message_that_names_a_file_has_it_uploaded_once_per_account(kind: str) -> None:
    async with files() as (service, sdk):
        stored = await sdk.files.create(file=("grüße.txt", TEXT), purpose="user_data")
        for _ in range(2):
            answer = await service.chat("x", messages=[naming(stored.id, kind)])
            assert answer.status == 200
        uploads = [seen for seen in service.upstream.requests if seen.path.endswith("/backend-api/files")]
        message = posted(service)
    assert len(uploads) == 1
    (attached,) = message["metadata"]["attachments"]
    assert (attached["name"], attached["size"]) == ("grüße.txt", len(TEXT))


async def test_stored_picture_is_shown_to_the_model() -> None:
    async with files() as (service, sdk):
        stored = await sdk.files.create(file=("dot.png", pixel()), purpose="vision")
        answer = await service.chat("x", messages=[naming(stored.id, "input_image")])
        message = posted(service)
    assert answer.status == 200
    pointer, text = message["content"]["parts"]
    assert (pointer["width"], pointer["height"], text) == (1, 1, "Look at this")


async def test_text_that_is_named_as_a_picture_is_a_mistake_of_the_request() -> None:
    async with files() as (service, sdk):
        stored = await sdk.files.create(file=("dot.png", b"no picture"), purpose="vision")
        answer = await service.chat("x", messages=[naming(stored.id, "input_image")])
        assert service.posted == []
    assert (answer.status, answer.json["error"]["param"]) == (400, "messages.[0].content.[1].file_id")


@pytest.mark.parametrize("file_id", ["file-" + "0" * 24, "../../secret", "file-abc"])
async def test_file_that_does_not_exist_costs_nothing(file_id: str) -> None:
    async with files() as (service, _):
        answer = await service.chat("x", messages=[naming(file_id)])
        assert service.posted == []
    assert (answer.status, answer.json["error"]["code"]) == (400, "file_not_found")
    assert answer.json["error"]["param"] == "messages.[0].content.[1].file_id"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "file"),
        ({"file": None, "purpose": "everything"}, "purpose"),
        ({"file": None}, "purpose"),
        ({"file": None, "purpose": "vision", "expires_after[seconds]": "3600"}, "expires_after"),
        (
            {"file": None, "purpose": "vision", "expires_after[anchor]": "created_at"},
            "expires_after",
        ),
        (
            {
                "file": None,
                "purpose": "vision",
                "expires_after[anchor]": "created_at",
                "expires_after[seconds]": "5",
            },
            "expires_after",
        ),
    ],
)
async def test_form_that_lacks_something_is_refused(fields: dict[str, str | None], param: str) -> None:
    async with files() as (service, _):
        answer = await service.ask("POST", PATH, FORM, form(fields))
    assert (answer.status, answer.json["error"]["param"]) == (400, param)


FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def form(fields: dict[str, str | None]) -> bytes:
    parts = []
    for name, value in fields.items():
        told = f'form-data; name="{name}"' + ("" if value is not None else '; filename="a"')
        parts.append(f"--x\r\nContent-Disposition: {told}\r\n\r\n{value or 'data'}\r\n")
    return ("".join(parts) + "--x--\r\n").encode()


async def test_store_that_is_full_says_so() -> None:
    async with files(FILES_MAX_TOTAL_BYTES="400") as (_, sdk):
        await sdk.files.create(file=("a", b"x" * 90), purpose="user_data")
        with pytest.raises(openai.APIStatusError) as full:
            await sdk.files.create(file=("a", b"x" * 11), purpose="user_data")
    assert (full.value.status_code, full.value.code) == (413, "files_full")


async def test_without_room_for_files_there_is_no_such_route() -> None:
    async with files(FILES_MAX_TOTAL_BYTES="0") as (service, _):
        answer = await service.ask("GET", PATH)
        named = await service.chat("x", messages=[naming("file-" + "0" * 24)])
    assert (answer.status, answer.json["error"]["code"]) == (404, "unknown_url")
    assert (named.status, named.json["error"]["code"]) == (400, "file_not_found")


@pytest.mark.parametrize(
    ("query", "param"),
    [("limit=0", "limit"), ("limit=x", "limit"), ("order=up", "order"), ("after=file-x", "after")],
)
async def test_page_that_cannot_be_is_refused(query: str, param: str) -> None:
    async with files() as (service, _):
        answer = await service.ask("GET", f"{PATH}?{query}")
    assert (answer.status, answer.json["error"]["param"]) == (400, param)


async def test_nobody_without_a_key_has_files() -> None:
    async with files() as (service, _):
        answers = [
            await service.ask("GET", PATH, key=""),
            await service.ask("POST", PATH, FORM, form({"file": None, "purpose": "vision"}), key=""),
            await service.ask("DELETE", f"{PATH}/file-x", key=""),
        ]
    assert [answer.status for answer in answers] == [401, 401, 401]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("/v1/embeddings", "embeddings"),
        ("/v1/moderations", "moderation"),
        ("/v1/assistants", "/v1/chat/completions"),
        ("/v1/threads/thread_1/runs", "/v1/chat/completions"),
        ("/v1/batches", "single requests"),
        ("/v1/vector_stores", "attach files"),
    ],
)
async def test_what_does_not_exist_says_so_and_what_to_do(path: str, hint: str) -> None:
    async with files() as (service, _):
        answer = await service.post({"model": "gpt-4-s", "input": "x"}, path=path)
    assert (answer.status, answer.json["error"]["code"]) == (404, "unknown_url")
    assert hint in answer.json["error"]["message"]
