"""What requests of today ask for, from the HTTP request to what the backend of 2026 gets."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from simulator import Knobs
from tests.service.deployment import CHAT, JSON_TYPE, KEY, Deployment, deployed, question

ROUTE = "/f/conversation"


@asynccontextmanager
async def today(env: Mapping[str, str] | None = None, age: str = "2026") -> AsyncIterator[Deployment]:
    """A service over the simulator of that age, which finds out what its backend has."""
    knobs = Knobs(busy=False, cap=0, age=age)
    async with deployed({"CONVERSATION_ROUTE": "auto", **(env or {})}, knobs) as service:
        yield service


def posts(service: Deployment) -> list[Any]:
    """The messages that were posted to the backend, on whatever route."""
    seen = service.upstream.requests
    return [request for request in seen if request.path.endswith("/conversation") and request.body]


def paths(service: Deployment) -> list[str]:
    return [request.path.rpartition("/backend-api")[2] for request in posts(service)]


async def test_backend_of_2026_is_told_before_and_gets_each_message_once() -> None:
    async with today() as service:
        for _ in range(2):
            answer = await service.chat()
            assert answer.status == 200
        assert paths(service) == [ROUTE, ROUTE]
        assert [post.body["client_prepare_state"] for post in posts(service)] == ["success", "success"]
        assert service.simulator.state.prepared == 2


@pytest.mark.parametrize("age", ["2023-05", "2023-12", "2024", "2025"])
async def test_older_backend_gets_each_message_where_it_reads_them(age: str) -> None:
    async with today(age=age) as service:
        for _ in range(2):
            answer = await service.chat()
            assert answer.status == 200
        usage = (await service.ask("GET", "/v1/usage")).json
        assert paths(service) == [ROUTE, "/conversation", "/conversation"]
        assert len(service.simulator.state.streams) == 2
    assert usage["today"]["units"] == 2 * 14, "what was not read has cost nothing"


@pytest.mark.parametrize(
    ("asked", "field", "sent"),
    [
        ({"reasoning_effort": "medium"}, "thinking_effort", "extended"),
        ({"reasoning_effort": "low"}, "thinking_effort", "standard"),
        ({"web_search_options": {}}, "system_hints", ["search"]),
    ],
)
async def test_what_a_request_asks_for_reaches_the_backend(
    asked: dict[str, Any], field: str, sent: object
) -> None:
    async with today() as service:
        await service.chat(model="gpt-5-6-thinking", **asked)
        assert posts(service)[-1].body[field] == sent


@pytest.mark.parametrize(
    ("setting", "value", "field", "sent"),
    [
        ("REASONING_EFFORT", "high", "thinking_effort", "max"),
        ("SYSTEM_HINTS", "search", "system_hints", ["search"]),
    ],
)
async def test_what_the_settings_ask_for_reaches_the_backend(
    setting: str, value: str, field: str, sent: object
) -> None:
    async with today() as plain, today({setting: value}) as service:
        for each in (plain, service):
            await each.chat(model="gpt-5-6-thinking")
        assert posts(plain)[-1].body.get(field) != sent
        assert posts(service)[-1].body[field] == sent


@pytest.mark.parametrize(("form", "count"), [("messages", 3), ("folded", 2)])
async def test_history_is_posted_in_the_form_of_the_setting(form: str, count: int) -> None:
    said = [("user", "One?"), ("assistant", "Two."), ("user", "Three?")]
    messages = [{"role": role, "content": text} for role, text in said]
    async with today({"PROMPT_FORM": form}) as service:
        assert (await service.chat(messages=messages)).status == 200
        assert len(posts(service)[-1].body["messages"]) == count


@pytest.mark.parametrize(("limit", "uploads"), [("0", 0), ("5000", 1), ("9000", 0)])
async def test_text_above_the_limit_of_the_setting_is_a_file(limit: str, uploads: int) -> None:
    async with today({"TEXT_FILE_BYTES": limit}) as service:
        assert (await service.chat("word " * 1600)).status == 200
        (message,) = posts(service)[-1].body["messages"]
    assert len(message["metadata"].get("attachments", [])) == uploads
    assert (len(str(message["content"])) < 5000) == bool(uploads)


async def test_account_is_named_by_the_key_or_a_header_and_has_its_own_usage() -> None:
    named = {"ChatGPT-Account-ID": "acc-2"}
    async with today() as service:
        assert (await service.chat(key=f"{KEY},acc-1")).status == 200
        answer = await service.ask("POST", CHAT, JSON_TYPE | named, json.dumps(question()).encode())
        assert answer.status == 200
        told = [post.headers["Chatgpt-Account-Id"] for post in posts(service)]
        keys = {post.headers["Authorization"] for post in posts(service)}
        usages = [
            (await service.ask("GET", "/v1/usage", headers, key=key)).json["today"]["units"]
            for headers, key in (({}, f"{KEY},acc-1"), (named, KEY), ({}, f"{KEY},acc-2"), ({}, KEY))
        ]
    assert (told, keys) == (["acc-1", "acc-2"], {f"Bearer {KEY}"})
    assert usages == [14, 14, 14, 0]


async def test_header_that_names_no_account_is_refused() -> None:
    refused = {**JSON_TYPE, "ChatGPT-Account-ID": "no account"}
    async with today() as service:
        answer = await service.ask("POST", CHAT, refused, json.dumps(question()).encode())
        assert (answer.status, posts(service)) == (400, [])
        assert "no account" not in answer.error["message"]
