"""Searching the store of GPTs through the service, where any GPT may be used."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from simulator import Knobs
from simulator.gizmos import GIZMOS
from tests.scripted_server import JSON, Request, ScriptedServer, Verb, rst, send, status
from tests.service.deployment import KEY, PREFIX, Deployment, deployed

PATH = "/v1/gpts/search"
GPT = {"id": "g-AbC123", "display": {"name": "码", "description": "Reads"}}
ANSWER = {"hits": {"items": [{"resource": {"gizmo": GPT}}], "cursor": "c2"}}


def says(code: int, body: object) -> Sequence[Verb]:
    content = json.dumps(body).encode()
    return status(code, {**JSON, "Content-Length": str(len(content))}), send(content)


@asynccontextmanager
async def store(*script: Verb, allowed: str = "true") -> AsyncIterator[tuple[Deployment, list[Request]]]:
    """A service whose backend answers everything so, and what it was asked."""
    seen: list[Request] = []

    def aside(request: Request) -> Sequence[Verb]:
        seen.append(request)
        return script

    async with (
        ScriptedServer(aside=aside) as backend,
        deployed({"BASE_URL": backend.url, "ALLOW_ANY_GPT": allowed}) as service,
    ):
        yield service, seen


async def test_found_gpts_have_the_names_by_which_they_can_be_used() -> None:
    async with store(*says(200, ANSWER)) as (service, seen):
        answer = await service.ask("GET", f"{PATH}?q={quote('code 评审')}&cursor=c1")
        assert (service.requests("ok", "gpts"), service.requests("ok", "models")) == (1, 0)
    assert answer.json == {
        "object": "list",
        "data": [{"id": "gpt-4-gizmo-g-AbC123", "object": "model", "name": "码", "description": "Reads"}],
        "cursor": "c2",
    }
    (request,) = seen
    assert request.path == f"/{PREFIX}/backend-api/gizmos/search?q=code+{quote('评审')}&cursor=c1"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (says(401, {"detail": {"message": "no", "code": "token_expired"}}), 401),
        (says(429, {"detail": "Too many requests in 1 hour."}), 429),
        (says(500, {"detail": "oops"}), 502),
        (says(200, ["x"]), 502),
        ((rst(),), 502),
    ],
    ids=["401", "429", "500", "no list", "lost"],
)
async def test_backend_that_does_not_answer_is_told(script: Sequence[Verb], code: int) -> None:
    async with store(*script) as (service, _):
        answer = await service.ask("GET", f"{PATH}?q=x")
    assert answer.status == code
    assert answer.error["message"]


@pytest.mark.parametrize("query", ["", "?q=", "?q=" + "x" * 1001])
async def test_query_that_is_none_is_refused_here(query: str) -> None:
    async with store(*says(200, ANSWER)) as (service, seen):
        assert (await service.ask("GET", PATH + query)).status == 400
        assert (await service.ask("GET", f"{PATH}?q=x", key="")).status == 401
        assert seen == []


async def test_every_gpt_of_the_simulated_store_is_found_by_pages_and_can_be_used() -> None:
    async with deployed({"ALLOW_ANY_GPT": "true"}, Knobs(age="2026", busy=False, cap=0)) as service:
        pages = [(await service.ask("GET", f"{PATH}?q=a")).json]
        while cursor := pages[-1]["cursor"]:
            pages.append((await service.ask("GET", f"{PATH}?q=a&cursor={cursor}")).json)
        (reader,) = (await service.ask("GET", f"{PATH}?q=READS+sim")).json["data"]
        answer = await service.chat("Hello", model=reader["id"])
    ids = [gpt["id"] for page in pages for gpt in page["data"]]
    assert ids == [f"gpt-4-gizmo-{gizmo.id}" for gizmo in GIZMOS]
    assert len(pages) > 1
    assert (reader["name"], answer.status) == ("Sim Reader", 200)


async def test_backend_that_cannot_be_reached_is_told() -> None:
    async with deployed({"BASE_URL": "http://127.0.0.1:1", "ALLOW_ANY_GPT": "true"}) as service:
        answer = await service.ask("GET", f"{PATH}?q=x")
    assert (answer.status, answer.error["code"]) == (503, "upstream_unreachable")


async def test_there_is_no_search_where_only_gpts_of_the_file_are_offered() -> None:
    async with store(*says(200, ANSWER), allowed="false") as (service, seen):
        answer = await service.ask("GET", f"{PATH}?q=x")
    assert (answer.status, answer.error["code"], seen) == (404, "unknown_url", [])
