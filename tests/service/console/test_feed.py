"""`GET /console/events`: requests as they run and the last ones, and the state, told while they change."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from activity.activity import MAX_WATCHES
from handlers.console_feed import STATE_SECONDS
from tests.eventually import eventually
from tests.raw_client import Connection
from tests.service.console.test_routes import ADMIN
from tests.service.deployment import KEY, Deployment, deployed
from tests.service.test_administration import ADMIN as OPERATOR
from tests.service.test_administration import LAPTOP, administered, write
from tests.service.test_tools import WEATHER
from translate.values import Overloaded

EVENTS = "/console/events"
SOON = {"KEEPALIVE_INTERVAL": "0.1"}


@asynccontextmanager
async def watching(service: Deployment, key: str = "") -> AsyncIterator[Connection]:
    """A page of the administrator's that reads the feed, behind its headers."""
    async with service.connect() as page:
        await page.send("GET", EVENTS, {"Authorization": f"Bearer {key}"} if key else {})
        await page.read_head()
        assert page.status == 200
        yield page


async def next_of(page: Connection, kind: str) -> Any:
    """The next event of a kind."""
    async with asyncio.timeout(20):
        while True:
            event = await page.read_event()
            if event.startswith("data: ") and (told := json.loads(event[6:]))["type"] == kind:
                return told


async def until_ended(page: Connection, count: int = 1) -> list[dict[str, Any]]:
    """Requests that have ended, the newest last."""
    ended: list[dict[str, Any]] = []
    while len(ended) < count:
        ended += reversed((await next_of(page, "requests"))["ended"])
    return ended


async def test_it_begins_with_all_that_there_is() -> None:
    async with deployed() as service:
        await service.chat()
        async with watching(service) as page:
            state, requests = await next_of(page, "state"), await next_of(page, "requests")
        asked = (await service.ask("GET", "/console/state", key="")).json
    assert state["state"] == asked
    assert (requests["in_flight"], requests["queued"], requests["running"]) == (0, 0, [])
    (ended,) = requests["ended"]
    assert (ended["route"], ended["model"], ended["outcome"]) == ("chat", "gpt-4-s", "ok")
    assert page.headers["content-type"] == "text/event-stream"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-accel-buffering"] == "no"
    assert "'none'" in page.headers["content-security-policy"]
    assert "access-control-allow-origin" not in page.headers


async def test_request_is_seen_when_it_comes_while_it_answers_and_when_it_is_over() -> None:
    async with deployed() as service, watching(service) as page, service.connect() as client:
        await next_of(page, "requests")
        await service.begin(client, "Tell me more [[sim pace=20 tokens=200 header_delay=1]]")
        (waiting,) = (await next_of(page, "requests"))["running"]
        (answering,) = (await next_of(page, "requests"))["running"]
        client.close()
        (over,) = await until_ended(page)
        assert (waiting["answering"], answering["answering"]) == (False, True)
        assert {each["request_id"] for each in (waiting, answering, over)} == {waiting["request_id"]}
        assert waiting["key"] == over["key"] != ""
        assert (over["outcome"], over["units"], over["code"]) == ("client_gone", 14, "")
        assert over["ttft"] > 0.5
        assert over["duration"] >= over["ttft"]


async def test_what_is_told_of_an_answer_is_what_the_client_and_the_ledger_know() -> None:
    async with deployed() as service, watching(service) as page:
        answer = await service.chat("Hello")
        (told,) = await until_ended(page)
        (row,) = (await service.ask("GET", "/v1/usage")).json["data"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert (told["status"], told["outcome"], told["finish_reason"]) == (200, "ok", "stop")
    usage = answer.json["usage"]
    assert told["prompt_tokens"] == usage["prompt_tokens"] == row["prompt_tokens"]
    assert told["completion_tokens"] == usage["completion_tokens"] == row["completion_tokens"]
    assert (told["units"], told["key"], told["account"]) == (row["units"], row["key"], row["account"])


@pytest.mark.parametrize(
    ("text", "fields", "end"),
    [
        ("Tell me about rain [[sim tokens=40 finish=max_tokens]]", {}, "length"),
        ("Tell me about rain [[sim tokens=40 moderation=blocked]]", {}, "content_filter"),
        ("What is the weather in Oslo?", {"tools": [WEATHER]}, "tool_calls"),
    ],
)
async def test_end_of_a_good_answer_is_told_as_the_client_gets_it(
    text: str, fields: dict[str, Any], end: str
) -> None:
    async with deployed({"CONTINUE_LIMIT": "0"}) as service, watching(service) as page:
        answer = await service.chat(text, **fields)
        (told,) = await until_ended(page)
    assert told["finish_reason"] == answer.json["choices"][0]["finish_reason"] == end


async def test_answer_without_a_good_end_has_no_reason_for_one() -> None:
    async with deployed() as service, watching(service) as page, service.connect() as client:
        await service.chat("Hello [[sim pace=200 fault=error_mid]]", stream=True)
        (failed,) = await until_ended(page)
        await service.begin(client, "Tell me more [[sim pace=20 tokens=200]]")
        await eventually(lambda: service.in_flight == 1)
        client.close()
        (left,) = await until_ended(page)
    ends = [(each["outcome"], each["finish_reason"]) for each in (failed, left)]
    assert ends == [("upstream_error", ""), ("client_gone", "")]


async def test_failures_say_why_and_no_word_of_the_request() -> None:
    async with deployed() as service, watching(service) as page:
        await service.chat("my secret question [[sim fault=cloudflare]]")
        await service.chat("Hello", model="a-secret-model")
        await service.chat("Hello", stream=True, key="")
        refused, unknown, stranger = await until_ended(page, 3)
    assert (refused["status"], refused["code"], refused["outcome"]) == (
        503, "upstream_challenge", "upstream_error",
    )  # fmt: skip
    assert "challenge" in refused["reason"]
    assert (unknown["status"], unknown["code"], unknown["reason"]) == (404, "model_not_found", "")
    assert (stranger["status"], stranger["outcome"], stranger["key"]) == (401, "invalid", "")
    assert "secret" not in json.dumps([refused, unknown, stranger])
    assert KEY not in json.dumps([refused, unknown, stranger])


async def test_what_is_no_answer_is_not_among_them() -> None:
    async with deployed() as service, watching(service) as page:
        for path in ("/v1/models", "/v1/usage", "/healthz", "/v1/responses/resp_1"):
            await service.ask("GET", path)
        await service.ask("OPTIONS", "/v1/chat/completions", {"Origin": "https://page.example"}, key="")
        answer = await service.chat()
        (told,) = await until_ended(page)
    assert told["request_id"] == answer.headers["x-request-id"]


async def test_state_is_told_again_when_it_has_changed() -> None:
    async with deployed() as service, watching(service) as page:
        first = await next_of(page, "state")
        await service.chat()
        async with asyncio.timeout(4 * STATE_SECONDS):
            second = await next_of(page, "state")
    assert first["state"]["details"]["usage"]["today"]["units"] == 0
    assert second["state"]["details"]["usage"]["today"]["units"] == 14


async def test_silence_is_broken_by_comments() -> None:
    async with deployed(SOON) as service, watching(service) as page:
        async with asyncio.timeout(20):
            await page.read_until(": ping")


async def test_it_is_for_the_administrator_alone() -> None:
    async with deployed({"ADMIN_TOKEN": ADMIN}) as service:
        for key in ("", KEY, f"{ADMIN}x"):
            refused = await service.ask("GET", EVENTS, key=key)
            assert (refused.status, b"running" in refused.body) == (401, False)
        in_the_address = await service.ask("GET", f"{EVENTS}?token={ADMIN}", key="")
        assert in_the_address.status == 401
        async with watching(service, ADMIN) as page:
            assert (await next_of(page, "state"))["state"]["access"] == "granted"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://page.example"},
        {"Host": "rebound.example"},
    ],
)
async def test_pages_of_other_sites_and_who_comes_through_a_proxy_see_nothing(
    headers: dict[str, str],
) -> None:
    async with deployed() as service:
        refused = await service.ask("GET", EVENTS, headers, key="")
        assert refused.status == 401


async def test_more_pages_than_may_watch_are_told_to_come_later_and_a_closed_one_makes_room() -> None:
    async with deployed() as service:
        with ExitStack() as stack:
            for _ in range(MAX_WATCHES - 1):
                stack.enter_context(service.server.service.app.common.activity.watch())
            async with watching(service) as page:
                await next_of(page, "state")
                refused = await service.ask("GET", EVENTS, key="")
                assert (refused.status, refused.headers["retry-after"]) == (503, "30")
            await eventually(lambda: has_room(service))


def has_room(service: Deployment) -> bool:
    """Whether another page may watch."""
    try:
        with service.server.service.app.common.activity.watch():
            return True
    except Overloaded:
        return False


async def test_page_that_does_not_read_is_cut_off_and_holds_nothing_up() -> None:
    async with deployed({"WRITE_TIMEOUT": "0.5", **SOON}) as service:
        activity = service.server.service.app.common.activity
        async with service.connect(receive_buffer=1024) as page:
            await page.send("GET", EVENTS, {})
            await eventually(lambda: activity.watched)
            async with asyncio.timeout(60):
                while activity.watched:  # more and more events, until the kernel takes no more of them
                    await asyncio.gather(*(service.chat("Hello", model="none") for _ in range(30)))
        async with watching(service) as other:
            assert len((await next_of(other, "requests"))["ended"]) == 100


async def test_stopping_service_tells_it_and_waits_for_no_page() -> None:
    async with deployed({"DRAIN_TIMEOUT": "60"}) as service, watching(service) as page:
        await next_of(page, "requests")
        async with asyncio.timeout(20):
            _, rest = await asyncio.gather(service.server.stop(), page.read_rest())
        assert page.ended
        assert b'"status":"draining"' in rest


async def test_accounts_and_keys_are_named_by_their_aliases(tmp_path: Path) -> None:
    write(tmp_path, "anna")
    async with administered(tmp_path) as service, watching(service, OPERATOR) as page:
        await service.chat(key=LAPTOP)
        (told,) = await until_ended(page)
    assert (told["account"], told["key"], told["units"]) == ("anna", "laptop", 14)
    assert "canary" not in json.dumps(told)
