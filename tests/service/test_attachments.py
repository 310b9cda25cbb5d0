"""Pictures and files in messages: uploaded in three steps under the caller's account, shown to the model."""

import base64
import json
from typing import Any

import pytest

from simulator import Knobs
from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed
from tests.service.test_images import pixel

PICTURE = "data:image/png;base64," + base64.b64encode(pixel()).decode()
NOTE = "data:text/plain;base64," + base64.b64encode("Grüße, 世界".encode()).decode()


async def send(service: Deployment, *parts: object, key: str = "") -> Answer:
    body = {"model": "gpt-4-s", "messages": [{"role": "user", "content": list(parts)}]}
    return await (service.post(body, key=key) if key else service.post(body))


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def conversation(service: Deployment) -> Any:
    """The last body posted."""
    return [r.body for r in service.upstream.requests if r.path.endswith("/conversation")][-1]


def uploads(service: Deployment) -> int:
    return sum(r.path.endswith("/files") for r in service.upstream.requests)


async def test_picture_is_uploaded_in_three_steps_and_stands_before_the_text() -> None:
    async with deployed() as service:
        answer = await send(service, {"type": "text", "text": "What is this?"}, image(PICTURE))
        steps = [
            (r.method, r.path.rpartition("/")[2])
            for r in service.upstream.requests
            if not r.path.endswith("/models")
        ]
        message = conversation(service)["messages"][0]
    assert answer.status == 200
    assert [method for method, _ in steps] == ["POST", "PUT", "POST", "POST"]
    assert (steps[0][1], steps[2][1], steps[3][1]) == ("files", "uploaded", "conversation")
    assert message["content"]["content_type"] == "multimodal_text"
    pointer, text = message["content"]["parts"]
    assert pointer["asset_pointer"].startswith("file-service://")
    assert (pointer["width"], pointer["height"]) == (1, 1)
    assert text == "What is this?"
    assert message["metadata"]["attachments"][0]["mimeType"] == "image/png"


async def test_file_is_an_attachment_and_the_content_stays_text() -> None:
    async with deployed() as service:
        part = {"type": "file", "file": {"filename": "grüße.txt", "file_data": NOTE}}
        answer = await send(service, {"type": "text", "text": "Read this"}, part)
        message = conversation(service)["messages"][0]
    assert answer.status == 200
    assert message["content"] == {"content_type": "text", "parts": ["Read this"]}
    assert message["metadata"]["attachments"][0]["name"] == "grüße.txt"


async def test_several_in_one_message_keep_their_order() -> None:
    async with deployed() as service:
        other = {"type": "input_image", "image_url": PICTURE}
        part = {"type": "input_file", "filename": "a.txt", "file_data": NOTE}
        await send(service, image(PICTURE), part, other, {"type": "input_text", "text": "All of it"})
        message = conversation(service)["messages"][0]
    kinds = [attachment["mimeType"] for attachment in message["metadata"]["attachments"]]
    assert kinds == ["image/png", "text/plain", "image/png"]
    assert len(message["content"]["parts"]) == 3


async def test_the_same_picture_in_the_next_request_is_not_uploaded_again() -> None:
    async with deployed() as service:
        await send(service, image(PICTURE))
        await send(service, image(PICTURE))
        assert uploads(service) == 1


async def test_two_accounts_never_share_an_upload() -> None:
    async with deployed() as service:
        await send(service, image(PICTURE), key="fk-account-number-one")
        await send(service, image(PICTURE), key="fk-account-number-two")
        assert uploads(service) == 2


@pytest.mark.parametrize(
    "part",
    [
        image("data:image/png;base64,%%%"),
        image("data:image/png;base64,AAAA"),
        image("data:text/html,<b>"),
        image("http://127.0.0.1/x.png"),
        image("http://localhost/x.png"),
        image("http://2130706433/x.png"),
        image("http://[::ffff:127.0.0.1]/x.png"),
        image("http://169.254.169.254/latest"),
        image("ftp://example.com/x.png"),
        image("https://user:secret@example.com/x.png"),
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_audio", "input_audio": {"data": "UklGR", "format": "wav"}},
        {"type": "image_url", "image_url": {"url": 7}},
        {"type": "image_url"},
    ],
)
async def test_part_that_cannot_be_used_is_named_and_nothing_is_sent(part: object) -> None:
    async with deployed() as service:
        answer = await send(service, {"type": "text", "text": "x"}, part)
        assert service.upstream.attempts == 0
        assert uploads(service) == 0
    assert answer.status == 400
    assert answer.json["error"]["param"].startswith("messages.[0].content.[1]")
    assert b"secret" not in answer.body


async def test_part_that_cannot_be_used_is_no_fault_of_the_backend() -> None:
    async with deployed() as service:
        await send(service, image("ftp://example.com/x.png"))
        metrics = (await service.ask("GET", "/metrics")).body.decode()
    assert 'pandora_requests_total{model="gpt-4-s",outcome="invalid",route="chat"} 1.0' in metrics


async def test_pixel_bomb_is_refused_by_its_header() -> None:
    data = bytearray(pixel())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    async with deployed() as service:
        answer = await send(service, image("data:image/png;base64," + base64.b64encode(data).decode()))
        assert uploads(service) == 0
    assert answer.status == 400


async def test_addresses_are_not_fetched_where_that_is_switched_off() -> None:
    async with deployed({"FETCH_URLS": "false"}) as service:
        answer = await send(service, image("https://pics.example/cat.png"))
    assert answer.status == 400
    assert answer.json["error"]["code"] == "url_not_allowed"


async def test_upload_that_the_backend_refuses_is_no_answer_without_the_picture() -> None:
    async with deployed(knobs=Knobs(busy=False, other_fault="unauthorized")) as service:
        answer = await send(service, image(PICTURE))
        assert service.upstream.attempts == 0
    assert answer.status == 401


async def test_pictures_count_into_the_usage() -> None:
    async with deployed() as service:
        bare = (await send(service, {"type": "text", "text": "x"})).json["usage"]["prompt_tokens"]
        seen = (await send(service, {"type": "text", "text": "x"}, image(PICTURE))).json["usage"]
    assert seen["prompt_tokens"] >= bare + 85
    assert json.dumps(seen)
