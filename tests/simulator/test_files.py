"""Uploads in three steps, downloads by signed addresses, and turns about attached files."""

import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator import Knobs, Simulator
from simulator.pictures.scenes import draw
from tests.simulator.client import API, Answer, Clock, ask, call, fetch, message, running

PICTURE = draw("a cat", 64, 48)


async def announce(simulator: Simulator, content: bytes, name: str, use_case: str) -> dict[str, Any]:
    request = {"file_name": name, "file_size": len(content), "use_case": use_case}
    found: dict[str, Any] = (await call(simulator, "POST", f"{API}/files", request)).json
    return found


async def put(
    simulator: Simulator, url: str, content: bytes, key: str | None = None, **headers: str
) -> Answer:
    parts = urlsplit(url)
    return await call(simulator, "PUT", f"{parts.path}?{parts.query}", content, key=key, **headers)


async def upload(simulator: Simulator, content: bytes, name: str, use_case: str) -> str:
    announced = await announce(simulator, content, name, use_case)
    await put(simulator, announced["upload_url"], content, x_ms_blob_type="BlockBlob")
    await call(simulator, "POST", f"{API}/files/{announced['file_id']}/uploaded", {})
    return str(announced["file_id"])


def with_picture(file_id: str, text: str, **sizes: int) -> dict[str, Any]:
    part = {"content_type": "image_asset_pointer", "asset_pointer": f"file-service://{file_id}", **sizes}
    return message(content={"content_type": "multimodal_text", "parts": [part, text]})


def with_attachment(file_id: str, text: str) -> dict[str, Any]:
    return message(text, metadata={"attachments": [{"id": file_id, "name": "a.txt", "size": 3}]})


async def test_upload_in_three_steps_then_download_without_a_bearer() -> None:
    async with running() as simulator:
        announced = await announce(simulator, PICTURE, "cat.png", "multimodal")
        sent = await put(simulator, announced["upload_url"], PICTURE, x_ms_blob_type="BlockBlob")
        registered = await call(simulator, "POST", f"{API}/files/{announced['file_id']}/uploaded", {})
        got = await fetch(simulator, registered.json["download_url"])
        again = await call(simulator, "POST", f"{API}/files/{announced['file_id']}/uploaded", {})
        (kept,) = simulator.state.files
    assert announced["status"] == "success"
    assert (sent.status, sent.body) == (201, b"")
    assert registered.json["status"] == "success"
    assert (got.body, got.headers["content-type"]) == (PICTURE, "image/png")
    assert again.json["status"] == "error"
    assert kept.as_json()["registered"] is True
    assert kept.as_json()["authorization_on_put"] is False


async def test_registering_before_the_put_is_an_error() -> None:
    async with running() as simulator:
        announced = await announce(simulator, b"abc", "a.txt", "my_files")
        answer = await call(simulator, "POST", f"{API}/files/{announced['file_id']}/uploaded", {})
    assert (answer.json["status"], answer.json["error_code"]) == ("error", "file_not_found")


async def test_put_without_the_blob_header_is_refused_and_a_bearer_is_noted() -> None:
    async with running() as simulator:
        announced = await announce(simulator, b"abc", "a.txt", "my_files")
        answer = await put(simulator, announced["upload_url"], b"abc", key="fk-tester")
        (kept,) = simulator.state.files
    assert answer.status == 400
    assert kept.content is None
    assert kept.authorization_on_put is True


async def test_put_to_a_tampered_address_is_refused() -> None:
    async with running() as simulator:
        announced = await announce(simulator, b"abc", "a.txt", "my_files")
        wrong = announced["upload_url"].replace("se=", "se=9")
        answer = await put(simulator, wrong, b"abc", x_ms_blob_type="BlockBlob")
    assert answer.status == 403


async def test_download_address_is_no_upload_address() -> None:
    async with running() as simulator:
        await upload(simulator, b"abc", "a.txt", "my_files")
        (kept,) = simulator.state.files
        query = simulator.state.files.signed_query(kept, "get")
        answer = await put(
            simulator, f"{simulator.url}/__files/{kept.id}?{query}", b"x", x_ms_blob_type="BlockBlob"
        )
    assert answer.status == 403


@pytest.mark.parametrize(
    "request_",
    [
        {"file_size": 1, "use_case": "my_files"},
        {"file_name": "a", "use_case": "my_files"},
        {"file_name": "a", "file_size": 1, "use_case": "other"},
    ],
)
async def test_announcing_needs_name_size_and_use_case(request_: dict[str, Any]) -> None:
    async with running() as simulator:
        assert (await call(simulator, "POST", f"{API}/files", request_)).status == 422


async def test_too_large_a_file_is_an_error_with_200() -> None:
    request = {"file_name": "a", "file_size": 10**9, "use_case": "my_files"}
    async with running() as simulator:
        answer = await call(simulator, "POST", f"{API}/files", request)
    assert (answer.status, answer.json["status"]) == (200, "error")


async def test_text_files_are_indexed_after_some_polls() -> None:
    async with running(Knobs(not_ready=1)) as simulator:
        file_id = await upload(simulator, b"abcdefgh", "a.txt", "my_files")
        polls = [await call(simulator, "GET", f"{API}/files/{file_id}") for _ in range(2)]
    assert [poll.json["retrieval_index_status"] for poll in polls] == ["pending", "success"]
    assert [poll.json["file_size_tokens"] for poll in polls] == [None, 2]


async def test_files_of_others_and_unknown_files_get_404() -> None:
    async with running() as simulator:
        file_id = await upload(simulator, b"abc", "a.txt", "my_files")
        others = await call(simulator, "GET", f"{API}/files/{file_id}/download", key="fk-other")
        unknown = await call(simulator, "GET", f"{API}/files/file-nothing/download")
        asked = await ask(simulator, with_attachment("file-nothing", "What is in it?"))
    assert {others.status, unknown.status, asked.status} == {404}


async def test_signed_addresses_expire() -> None:
    clock = Clock()
    async with running(Knobs(link_ttl=60), clock=clock) as simulator:
        file_id = await upload(simulator, b"abc", "a.txt", "my_files")
        url = (await call(simulator, "GET", f"{API}/files/{file_id}/download")).json["download_url"]
        clock.now += 59
        fresh = await fetch(simulator, url)
        clock.now += 2
        stale = await fetch(simulator, url)
    assert (fresh.status, fresh.body) == (200, b"abc")
    assert stale.status == 403
    assert b"AuthenticationFailed" in stale.body


async def test_downloads_can_come_with_a_wrong_type() -> None:
    async with running(Knobs(download_type="text/html", download_delay=0.01)) as simulator:
        file_id = await upload(simulator, PICTURE, "cat.png", "multimodal")
        url = (await call(simulator, "GET", f"{API}/files/{file_id}/download")).json["download_url"]
        answer = await fetch(simulator, url)
    assert answer.headers["content-type"].startswith("text/html")


async def test_pictures_are_echoed_and_described() -> None:
    async with running() as simulator:
        file_id = await upload(simulator, PICTURE, "cat.png", "multimodal")
        sent = with_picture(file_id, "What is this?", width=64, height=48)
        answer = await ask(simulator, sent, model="gpt-4")
        claimed = await ask(simulator, with_picture(file_id, "And?", width=1, height=2), model="gpt-4")
    assert answer.messages[1]["content"] == sent["content"]
    assert f"cat.png: image/png, 64 x 48, {len(PICTURE)} bytes" in answer.text
    assert "claimed" not in answer.text
    assert "claimed as 1 x 2" in claimed.text


async def test_text_files_are_searched_and_cited_by_name() -> None:
    async with running() as simulator:
        file_id = await upload(simulator, "第一行 about tea\nsecond".encode(), "notes.txt", "my_files")
        answer = await ask(simulator, with_attachment(file_id, "What does the file say?"), model="gpt-4")
    tools = [shown for shown in answer.messages if shown["author"]["role"] == "tool"]
    assert [shown["metadata"]["command"] for shown in tools] == ["spinner", "context_stuff", "prompt"]
    assert {shown["author"]["name"] for shown in tools} == {"myfiles_browser"}
    assert tools[0]["weight"] == 0.0
    assert tools[1]["content"]["url"] == file_id
    assert tools[1]["content"]["text"] == "第一行 about tea\nsecond"
    assert "第一行 about tea" in answer.text
    (citation,) = answer.messages[-1]["metadata"]["citations"]
    assert citation["metadata"]["type"] == "file"
    assert answer.text[citation["start_ix"] : citation["end_ix"]] == "【7:0†source】"


async def test_files_for_python_are_opened() -> None:
    async with running() as simulator:
        file_id = await upload(simulator, b"a,b\n1,2", "data.csv", "ace_upload")
        answer = await ask(simulator, with_attachment(file_id, "How long is it?"), model="gpt-4")
    assert "data.csv" in answer.text
    assert "2 lines, 7 bytes" in answer.text


async def test_other_fault_refuses_all_calls_but_the_conversation() -> None:
    async with running(Knobs(other_fault="status_503")) as simulator:
        asked = await ask(simulator, "Hello")
        path = f"{API}/conversation/{uuid.uuid4()}"
        hidden = await call(simulator, "PATCH", path, {"is_visible": False})
    assert asked.status == 200
    assert hidden.status == 503
