"""Pictures of the simulated backend of 2026: drawn later or in the stream, and what is told without one."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator import Knobs
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.backend_of_today import BackendOfToday, over
from tests.service.deployment import Deployment, deployed

pytestmark = pytest.mark.timeout(seconds=120)

LINK = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
MODEL = "gpt-4-s"


def today(**knobs: Any) -> Knobs:
    return Knobs(**{"age": "2026", "busy": False, "cap": 0, "task_time": 0.2, **knobs})


async def shown(service: Deployment, answer: Answer) -> list[tuple[str, bytes]]:
    """Alternative text and bytes of each picture in an answer of chat completions."""
    assert answer.status == 200, answer.body
    text = answer.json["choices"][0]["message"]["content"]
    found = LINK.findall(text)
    assert LINK.sub("", text).strip() == ""
    return [(alt, (await service.ask("GET", urlsplit(url).path, key="")).body) for alt, url in found]


async def drawn(service: Deployment, prompt: str = "Draw a red fox") -> Answer:
    return await service.chat(prompt, model=MODEL)


@pytest.mark.parametrize(
    "knobs",
    [
        {"pictures": "async"},
        {"pictures": "flags"},
        {"pictures": "sync"},
        {"previews": 0},
        {"previews": 5, "images": 2},
        {"celsius": "none"},
        {"socket_drop": 2},
        {"poll_fails": 3},
        {"poll_fails": 2, "poll_error": "many_requests"},
        {"watermark": True},
        {"estuary": "official"},
        {"lookup": "attachment"},
        {"not_ready": 2},
    ],
    ids=json.dumps,
)
async def test_picture_is_shown_once_and_sharp_whenever_and_however_it_comes(knobs: dict[str, Any]) -> None:
    async with deployed(knobs=today(**knobs)) as service:
        pictures = await shown(service, await drawn(service))
        files = [file for file in service.upstream.files if file.is_generated]
        per_picture = knobs.get("previews", 1) + 1
        assert len(pictures) == knobs.get("images", 1)
        assert [data for _, data in pictures] == [
            file.content for file in files[per_picture - 1 :: per_picture]
        ]
        assert all("fox" in alt for alt, _ in pictures)
        assert len(service.posted) == 1
        assert service.requests("ok") == 1


async def test_pictures_come_with_the_stream_as_they_are_drawn() -> None:
    async with deployed(knobs=today(images=2)) as service:
        answer = await service.chat("Draw two foxes", model=MODEL, stream=True)
        assert len(LINK.findall(answer.stream.text)) == 2
        assert answer.stream.done


async def draw(service: Deployment, prompt: str = "a red fox", **fields: Any) -> Answer:
    return await service.post({"prompt": prompt, **fields}, path="/v1/images/generations")


async def test_images_routes_wait_for_pictures_too() -> None:
    async with deployed(knobs=today(images=2)) as service:
        answer = await draw(service, n=2)
        assert answer.status == 200, answer.body
        entries = answer.json["data"]
        pictures = [await service.ask("GET", urlsplit(entry["url"]).path, key="") for entry in entries]
        assert len(service.posted) == 1
    assert [set(entry) for entry in entries] == [{"url"}] * 2  # a title is no prompt
    assert all(picture.body.startswith(b"\x89PNG") for picture in pictures)


async def test_picture_that_never_comes_is_waited_for_so_long_and_costs_one_message() -> None:
    env = {"PICTURE_TIMEOUT": "0.5", "UPSTREAM_RETRIES": "3"}
    async with deployed(env, today(endless=True)) as service:
        answers = [await drawn(service), await draw(service)]
        assert len(service.posted) == 2
    for answer in answers:
        assert answer.status == 504
        assert "picture that was announced has not come" in answer.error["message"]
        assert "counts as spent" in answer.error["message"]
        assert answer.headers["x-should-retry"] == "false"


async def test_picture_that_is_not_to_be_waited_for_is_told_of() -> None:
    async with deployed({"PICTURE_TIMEOUT": "0"}, today()) as service:
        answer = await drawn(service)
    assert answer.status == 200
    assert "still at work" in answer.json["choices"][0]["message"]["content"]
    assert "Processing image" not in answer.body.decode()


async def test_refusal_that_comes_instead_of_an_announced_picture_is_told_as_one() -> None:
    knobs = today(kind="draw_late_refused")
    async with deployed(knobs=knobs) as service:
        said = (await drawn(service)).json["choices"][0]["message"]["content"]
        refused = await draw(service)
    assert "content policy" in said
    assert (refused.status, refused.error["code"]) == (400, "content_policy_violation")


async def test_limit_is_told_with_its_wait() -> None:
    async with deployed(knobs=today(kind="draw_limit")) as service:
        said = (await drawn(service)).json["choices"][0]["message"]["content"]
        limited = await draw(service)
    assert "resets in 40 minutes" in said
    assert (limited.status, limited.headers["retry-after"]) == (429, "2400")
    assert limited.headers["x-should-retry"] == "false"


async def test_limit_without_a_wait_in_words_has_that_which_the_backend_tells_beside_them() -> None:
    resets = datetime.now(UTC) + timedelta(hours=2)
    left = {"feature_name": "image_gen", "remaining": 0, "reset_after": resets.isoformat()}
    told: dict[str, object] = {"type": "conversation_detail_metadata", "limits_progress": [left]}
    backend = BackendOfToday(records=[told], words="You have reached your daily image limit.")
    async with over(backend) as service:
        limited = await draw(service)
    assert limited.status == 429
    assert 7100 < int(limited.headers["retry-after"]) <= 7200


async def test_limit_of_the_backend_has_no_wait_of_our_own_quota_and_counts_as_no_rejection() -> None:
    backend = BackendOfToday(words="You have reached your daily image limit.")
    async with over(backend, {"QUOTA_PER_DAY": "14"}) as service:
        limited = await draw(service)
        exposed = (await service.ask("GET", "/metrics")).body.decode()
    assert limited.status == 429
    assert limited.headers["x-ratelimit-remaining-units"] == "0"
    assert "retry-after" not in limited.headers
    assert 'pandora_rejected_total{reason="quota"} 0.0' in exposed


async def test_conversation_that_draws_is_hidden_afterwards_where_others_are_temporary() -> None:
    async with deployed({"HISTORY": "temporary"}, today()) as service:
        answer = await draw(service)
        (conversation,) = service.upstream.conversations
        assert not conversation.temporary
        await eventually(lambda: not conversation.visible)
    assert answer.status == 200, answer.body
