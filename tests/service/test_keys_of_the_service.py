"""Keys of this service over HTTP: who is let in, and which models there are for them."""

import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.roster.rig import content, key
from tests.service.deployment import CHAT, JSON_TYPE, Deployment, deployed, question

LAPTOP, TABLET, OLD = "sk-pandora-laptop", "sk-pandora-tablet", "sk-pandora-old"
KEYS = [
    key("laptop", LAPTOP),
    key("tablet", TABLET, models=["gpt-3.5-turbo", "whisper-*"]),
    key("old", OLD, expires="2020-01-01"),
]
NAMED = {
    "MODELS": "named",
    "MODEL_SLUGS": "gpt-4-s=gpt-4,gpt-4-mobile=gpt-4-mobile,gpt-3.5-turbo=text-davinci-002-render-sha",
}
"""No backend is asked what models there are."""


@asynccontextmanager
async def with_keys(folder: Path, **settings: str) -> AsyncIterator[Deployment]:
    """A service with these keys."""
    path = folder / "accounts.json"
    (folder / "token").write_text("fk-canary-of-an-account")
    path.write_bytes(content(accounts=[{"alias": "anna", "credential": {"file": "token"}}], keys=KEYS))
    async with deployed({"ACCOUNTS_FILE": str(path), **NAMED, **settings}) as service:
        yield service


def operations(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of all that looks at a key."""
    return [
        (method.upper(), re.sub(r"\{\w+\}", "some-1", path))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in ("get", "post", "delete")
        and path.startswith(("/v1/", "/dashboard/"))
        and operation["security"]
    ]


async def test_every_route_refuses_keys_that_are_none_of_the_service(tmp_path: Path) -> None:
    async with with_keys(tmp_path, AUDIO="true", ALLOW_ANY_GPT="true") as service:
        document = (await service.ask("GET", "/openapi.json", key="")).json
        found = operations(document)
        assert {path for _, path in found} >= {CHAT, "/v1/models", "/v1/messages", "/v1/files", "/v1/usage"}
        for method, path in found:
            for wrong in ("fk-canary", "sk-pandora-canary"):
                answer = await service.ask(
                    method, path, JSON_TYPE, b"{}" if method == "POST" else b"", key=wrong
                )
                assert answer.status == 401, (method, path)
                assert b"Incorrect API key provided" in answer.body, (method, path)
                assert b"canary" not in answer.body
        assert not service.upstream.requests


async def test_key_in_the_header_of_anthropic_or_azure_is_looked_at_too(tmp_path: Path) -> None:
    async with with_keys(tmp_path) as service:
        wrong = await service.ask("POST", "/v1/messages", {"x-api-key": "fk-x"} | JSON_TYPE, b"{}", key="")
        right = await service.ask("GET", "/v1/models", {"x-api-key": LAPTOP}, key="")
        azure = await service.ask("GET", "/v1/models", {"api-key": LAPTOP}, key="")
        bearer = await service.ask("GET", "/v1/models", {"api-key": "fk-x"}, key=LAPTOP)
    assert (azure.status, bearer.status) == (200, 200), "a bearer token counts first"
    assert (wrong.status, wrong.json["error"]["type"]) == (401, "authentication_error")
    assert right.status == 200


async def test_expired_key_is_told_so(tmp_path: Path) -> None:
    async with with_keys(tmp_path) as service:
        answer = await service.chat(key=OLD)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    assert "has expired" in answer.error["message"]
    assert answer.headers["x-should-retry"] == "false"


async def test_flood_of_incorrect_keys_is_throttled_and_good_keys_pass(tmp_path: Path) -> None:
    async with with_keys(tmp_path, REFUSALS_PER_MINUTE="5") as service:
        answers = [await service.ask("GET", "/v1/models", key=f"sk-{number}") for number in range(20)]
        assert {answer.status for answer in answers} == {401, 429}
        assert [answer.status for answer in answers[:5]] == [401] * 5
        assert (await service.ask("GET", "/v1/models", key=LAPTOP)).status == 200


async def test_account_that_a_header_names_has_no_meaning(tmp_path: Path) -> None:
    async with with_keys(tmp_path) as service:
        answer = await service.ask("GET", "/v1/models", {"ChatGPT-Account-ID": "no id!"}, key=LAPTOP)
    assert answer.status == 200


@pytest.mark.parametrize("passes_on", [True, False])
async def test_keys_of_the_backend_are_passed_on_beside_those_of_the_service_if_that_is_set(
    tmp_path: Path, passes_on: bool
) -> None:
    async with with_keys(tmp_path, PASSTHROUGH=str(passes_on)) as service:
        answer = await service.chat("Say exactly: fine", key="fk-own-account")
        assert answer.status == (200 if passes_on else 401)
        assert len(service.posted) == passes_on
        assert (await service.ask("GET", "/v1/models", key="sk-pandora-revoked")).status == 401


async def test_admin_token_still_sees_all_and_is_no_key(tmp_path: Path) -> None:
    async with with_keys(tmp_path, ADMIN_TOKEN="the-admin") as service:
        usage = await service.ask("GET", "/v1/usage", key="the-admin")
        state = await service.ask("GET", "/console/state", key="the-admin")
        models = await service.ask("GET", "/v1/models", key="the-admin")
    assert (usage.status, state.status, models.status) == (200, 200, 401)
    assert "admin token" in models.error["message"]


async def test_log_names_the_key_of_each_request_also_of_one_that_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with with_keys(tmp_path) as service:
        await service.chat(key=TABLET)  # another model than it is for
        await service.ask("GET", "/v1/models", key=LAPTOP)
        await service.ask("GET", "/v1/models", key="sk-wrong")
    lines = [vars(record)["fields"] for record in caplog.records if record.message == "request"]
    told = [(line["status"], line["key"]) for line in lines]
    assert told == [(404, "tablet"), (200, "laptop"), (401, None)]


async def test_key_sees_the_models_that_it_is_for(tmp_path: Path) -> None:
    async with with_keys(tmp_path) as service:
        tablet = await service.ask("GET", "/v1/models", key=TABLET)
        laptop = await service.ask("GET", "/v1/models", key=LAPTOP)
        one = await service.ask("GET", "/v1/models/gpt-3.5-turbo", key=TABLET)
        other = await service.ask("GET", "/v1/models/gpt-4-s", key=TABLET)
    assert [model["id"] for model in tablet.json["data"]] == ["gpt-3.5-turbo"]
    assert {"gpt-4-s", "gpt-3.5-turbo"} <= {model["id"] for model in laptop.json["data"]}
    assert (one.status, other.status, other.error["code"]) == (200, 404, "model_not_found")


REQUESTS = {
    "chat": (CHAT, question(model="gpt-4-s")),
    "an alias": (CHAT, question(model="claude-opus")),
    "a GPT": (CHAT, question(model="gpt-4-gizmo-g-AbC123xyZ")),
    "responses": ("/v1/responses", {"model": "gpt-4-s", "input": "Hello"}),
    "pictures": ("/v1/images/generations", {"prompt": "a cat"}),
    "speech": ("/v1/audio/speech", {"model": "gpt-4-s", "input": "Hello", "voice": "alloy"}),
    "messages": (
        "/v1/messages",
        {"model": "claude-opus", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_model_that_a_key_is_not_for_does_not_exist_for_it(tmp_path: Path, name: str) -> None:
    path, body = REQUESTS[name]
    async with with_keys(tmp_path, AUDIO="true", ALLOW_ANY_GPT="true") as service:
        answer = await service.post(body, path=path, key=TABLET)
        assert not service.upstream.requests
    assert answer.status == 404
    assert json.dumps(answer.json).count("not_found")


async def test_official_sdk_is_told_as_openai_would(tmp_path: Path) -> None:
    async with with_keys(tmp_path) as service:
        base = f"http://127.0.0.1:{service.port}/v1"
        async with AsyncOpenAI(base_url=base, api_key="sk-wrong") as stranger:
            with pytest.raises(openai.AuthenticationError) as refusal:
                await stranger.chat.completions.create(
                    model="gpt-4-s", messages=[{"role": "user", "content": "Hello"}]
                )
        assert (refusal.value.code, refusal.value.type) == ("invalid_api_key", "invalid_request_error")
        async with AsyncOpenAI(base_url=base, api_key=TABLET) as limited:
            with pytest.raises(openai.NotFoundError) as missing:
                await limited.chat.completions.create(
                    model="gpt-4-s", messages=[{"role": "user", "content": "Hello"}], stream=True
                )
            listed = [model.id async for model in limited.models.list()]
        assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
        assert listed == ["gpt-3.5-turbo"]
        assert not service.upstream.requests
