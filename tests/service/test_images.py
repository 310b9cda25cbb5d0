"""`/v1/images/...`: pictures out of a model that is asked in words."""

import base64
import io
import json
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.deployment import KEY, Deployment, deployed
from tests.translate.schemas import check

GENERATIONS = "/v1/images/generations"
PNG = b"\x89PNG\r\n\x1a\n"


def pixel() -> bytes:
    """A PNG of one pixel."""
    text = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    return base64.b64decode(text)


async def draw(service: Deployment, prompt: str = "a red fox", **fields: Any) -> Answer:
    return await service.post({"prompt": prompt, **fields}, path=GENERATIONS)


def client(service: Deployment) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{service.port}/v1", api_key=KEY, max_retries=0)


async def test_url_leads_to_a_picture_that_needs_no_key() -> None:
    async with deployed() as service:
        answer = await draw(service)
        entry = answer.json["data"][0]
        picture = await service.ask("GET", urlsplit(entry["url"]).path, key="")
    check(answer.json, "ImagesResponse")
    assert set(entry) == {"url", "revised_prompt"}
    assert picture.headers["content-type"] == "image/png"
    assert picture.body.startswith(PNG)


async def test_base64_is_bare_and_the_picture_is_not_kept() -> None:
    async with deployed() as service:
        entry = (await draw(service, response_format="b64_json")).json["data"][0]
        stored = await service.ask("GET", "/images/none.png", key="")
    assert "url" not in entry
    assert base64.b64decode(entry["b64_json"]).startswith(PNG)
    assert stored.status == 404


@pytest.mark.parametrize("model", ["dall-e-3", "dall-e-2", "gpt-image-1", None])
async def test_names_of_drawing_models_land_on_a_model_that_draws(model: str | None) -> None:
    async with deployed() as service:
        answer = await draw(service, model=model)
        assert answer.status == 200
        assert service.last_stream.model == "gpt-4"


async def test_gpt_image_models_answer_in_base64_unless_asked_otherwise() -> None:
    async with deployed() as service:
        assert "b64_json" in (await draw(service, model="gpt-image-1")).json["data"][0]


async def test_several_pictures_come_from_one_conversation_if_it_brings_them() -> None:
    async with deployed() as service:
        answer = await draw(service, n=3)
        assert len(answer.json["data"]) == 3
        assert service.upstream.accepted == 1
    assert len({entry["url"] for entry in answer.json["data"]}) == 3


async def test_missing_pictures_are_asked_for_again() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, images=1)) as service:
        answer = await draw(service, n=2)
        assert len(answer.json["data"]) == 2
        assert service.upstream.accepted == 2


async def test_size_is_a_hint_in_the_words_for_the_model() -> None:
    async with deployed() as service:
        await draw(service, size="1792x1024")
        sent = json.dumps(service.posted[0].body)
    assert "1792x1024 (wide)" in sent
    assert "a red fox" in sent


async def test_refusal_is_an_error_with_the_words_of_the_model() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, kind="draw_refused")) as service:
        answer = await draw(service)
    assert answer.status == 400
    assert answer.json["error"]["code"] == "content_policy_violation"
    assert "content policy" in answer.json["error"]["message"]


async def test_words_instead_of_a_picture_are_an_error_too() -> None:
    async with deployed(knobs=Knobs(busy=False, cap=0, kind="text")) as service:
        answer = await draw(service)
        assert service.upstream.accepted == 1
    assert answer.status == 400
    assert answer.json["error"]["code"] == "image_generation_failed"


async def test_failure_of_the_backend_keeps_its_status() -> None:
    async with deployed(knobs=Knobs(busy=False, fault="model_cap_exceeded")) as service:
        answer = await draw(service)
    assert answer.status == 429
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 33_000}, "prompt"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"n": "two"}, "n"),
        ({"size": "big"}, "size"),
        ({"response_format": "png"}, "response_format"),
        ({"stream": True}, "stream"),
        ({"model": 3}, "model"),
        ({"model": "gpt-9-x"}, "model"),
    ],
)
async def test_bad_field_is_named_and_nothing_is_sent_upstream(fields: dict[str, Any], param: str) -> None:
    async with deployed() as service:
        answer = await service.post({"prompt": "a fox"} | fields, path=GENERATIONS)
        assert service.upstream.attempts == 0
    assert answer.status == (404 if fields == {"model": "gpt-9-x"} else 400)
    assert answer.json["error"]["param"] == param


async def test_unused_fields_and_nulls_are_accepted() -> None:
    unused: dict[str, Any] = {
        "quality": "hd",
        "style": "vivid",
        "user": "u",
        "background": None,
        "n": None,
        "size": None,
    }
    async with deployed() as service:
        assert (await draw(service, **unused)).status == 200


async def test_edit_sends_the_picture_and_the_instruction() -> None:
    async with deployed() as service:
        async with client(service) as sdk:
            made = await sdk.images.edit(
                model="dall-e-2", image=("cat.png", pixel()), mask=("m.png", pixel()), prompt="make it green"
            )
        body = next(r.body for r in service.upstream.requests if r.path.endswith("/conversation"))
        uploads = service.upstream.files
    assert made.data
    content = body["messages"][0]["content"]
    assert [part["content_type"] for part in content["parts"][:2]] == ["image_asset_pointer"] * 2
    assert "make it green" in content["parts"][-1]
    assert "mask" in content["parts"][-1]
    assert uploads is not None


async def test_variation_needs_no_prompt() -> None:
    async with deployed() as service, client(service) as sdk:
        with pytest.warns(DeprecationWarning, match="deprecated"):
            made = await sdk.images.create_variation(image=("cat.png", io.BytesIO(pixel())), n=2)
    assert made.data
    assert len(made.data) == 2


async def test_form_without_a_picture_or_with_something_else_is_refused() -> None:
    async with deployed() as service:
        async with client(service) as sdk:
            with pytest.raises(openai.BadRequestError) as caught:
                await sdk.images.edit(model="dall-e-2", image=("cat.png", b"no picture"), prompt="green")
        empty = await service.ask(
            "POST",
            "/v1/images/edits",
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nx\r\n--b--\r\n',
        )
        unbounded = await service.ask(
            "POST", "/v1/images/edits", {"Content-Type": "multipart/form-data"}, b"x"
        )
        assert service.upstream.attempts == 0
    assert caught.value.body["param"] == "image.[0]"  # type: ignore[index]
    assert (empty.status, empty.json["error"]["param"]) == (400, "image")
    assert unbounded.status == 415


async def test_pictures_in_a_response_are_held_until_it_is_written_or_nobody_waits_for_it() -> None:
    async with deployed() as service:
        room = service.server.service.app.common.room
        answer = await draw(service, response_format="b64_json")
        assert answer.status == 200
        await eventually(lambda: room.used == 0)
        async with service.connect(receive_buffer=4096) as connection:
            headers = {"Authorization": f"Bearer {KEY}"}
            body = {"prompt": "a red fox", "n": 4, "size": "1024x1024", "response_format": "b64_json"}
            await connection.send("POST", GENERATIONS, headers, json.dumps(body).encode())
            await eventually(lambda: room.used > 0)
        await eventually(lambda: room.used == 0)


async def test_picture_of_an_earlier_answer_is_sent_back_by_its_address() -> None:
    async with deployed({"FETCH_URLS": "false"}) as service:
        url = (await draw(service)).json["data"][0]["url"]
        parts = [{"type": "text", "text": "Make it blue"}, {"type": "image_url", "image_url": {"url": url}}]
        answer = await service.post({"model": "gpt-4-s", "messages": [{"role": "user", "content": parts}]})
        assert answer.status == 200, answer.body
        drawn, sent = (file.content for file in service.upstream.files)
        assert sent == drawn
        message = service.posted[-1].body["messages"][-1]
    assert [part["content_type"] for part in message["content"]["parts"][:1]] == ["image_asset_pointer"]
    assert len(message["metadata"]["attachments"]) == 1
