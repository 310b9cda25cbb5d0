"""What the routes of the console tell, and to whom."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from logs.recent import KEPT
from tests.eventually import eventually
from tests.raw_client import Answer
from tests.service.deployment import KEY, PREFIX, Deployment, deployed

ADMIN = "admin-token-of-the-test"
STATE = "/console/state"
SECRET = "sesame-street"


async def state(service: Deployment, headers: dict[str, str] | None = None, key: str = "") -> Any:
    answer = await service.ask("GET", STATE, headers, key=key)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    return answer.json


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/console/main.js", "text/javascript; charset=utf-8"),
        ("/console/base.css", "text/css; charset=utf-8"),
        ("/console/icon.svg", "image/svg+xml"),
    ],
)
async def test_files_have_their_type_and_forbid_all_that_is_foreign(path: str, content_type: str) -> None:
    async with deployed() as service:
        answer = await service.ask("GET", path, key="")
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers


async def test_page_names_nothing_that_is_not_there_and_nothing_inline() -> None:
    async with deployed() as service:
        page = (await service.ask("GET", "/", key="")).body.decode()
        names = [part.split('"')[0] for part in page.split('="/console/')[1:]]
        assert len(names) >= 5
        for name in names:
            assert (await service.ask("GET", f"/console/{name}", key="")).status == 200
    assert "<style" not in page
    assert " style=" not in page
    assert "//" not in page.replace("<!doctype html>", "")


async def test_file_that_is_known_already_is_not_sent_again() -> None:
    async with deployed() as service:
        first = await service.ask("GET", "/console/main.js", key="")
        again = await service.ask("GET", "/console/main.js", {"If-None-Match": first.headers["etag"]}, key="")
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    "name", ["none.js", "..%2fserver.py", "../server.py", "main.js/x", "%2e%2e/settings.py"]
)
async def test_nothing_else_is_served(name: str) -> None:
    async with deployed() as service:
        answer = await service.ask("GET", f"/console/{name}", key="")
    assert answer.status == 404
    assert answer.error["code"] == "unknown_url"


async def test_this_machine_sees_usage_errors_and_the_host_of_the_backend() -> None:
    async with deployed({"QUOTA_PER_DAY": "100"}) as service:
        await service.chat("Hello")
        seen = await state(service)
    details = seen["details"]
    assert seen["access"] == "granted"
    assert seen["version"]
    assert seen["simulated"] is False
    assert details["upstream"] == f"127.0.0.1:{service.simulator.port}"
    assert details["usage"]["today"]["units"] == 14
    assert len(details["usage"]["hours"]) == 24
    assert details["usage"]["limits"]["units_per_day"] == 100
    assert details["errors"] == []
    assert (details["in_flight"], details["queued"]) == (0, 0)
    assert [model["id"] for model in seen["models"]] == ["gpt-4-s", "gpt-4-mobile", "gpt-3.5-turbo"]
    assert all(secret not in json.dumps(seen) for secret in (PREFIX, KEY))
    assert seen["key"] == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"X-Real-IP": "127.0.0.1"},
        {"CF-Connecting-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Forwarded": "for=127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://page.example"},
        {"Origin": "null"},
        {"Host": "rebound.example"},
        {"Host": "rebound.example:33333"},
    ],
)
async def test_others_see_only_what_is_public(headers: dict[str, str]) -> None:
    async with deployed() as service:
        seen = await state(service, headers)
        usage = await service.ask("GET", "/v1/usage", headers, key="")
    assert (seen["access"], seen["details"]) == ("token", None)
    assert seen["models"]
    assert f"127.0.0.1:{service.simulator.port}" not in json.dumps(seen)
    assert usage.status == 401


async def test_proxy_that_adds_nothing_but_speaks_an_old_http_is_no_browser_here() -> None:
    async with deployed() as service:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(f"GET {STATE} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["access"] == "token"


async def test_made_token_opens_what_it_is_asked_for(tmp_path: Path) -> None:
    async with deployed({"STATE_DIR": str(tmp_path)}) as service:
        token = (tmp_path / "admin_token").read_text().strip()
        proxied = {"X-Forwarded-For": "203.0.113.9"}
        seen = await state(service, proxied, key=token)
        wrong = await service.ask("GET", STATE, proxied, key=KEY)
        usage = await service.ask("GET", "/v1/usage", proxied, key=token)
    assert seen["access"] == "granted"
    assert wrong.status == 401
    assert usage.json["licence"] is None


@pytest.mark.parametrize("sent", ["Bearer wrong", "Basic YTpi", "Bearer", ""])
async def test_wrong_token_shows_nothing_on_this_machine_either(sent: str) -> None:
    async with deployed() as service:
        answer = await service.ask("GET", STATE, {"Authorization": sent}, key="")
    assert answer.status == 401


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:33333", "LOCALHOST"])
async def test_names_of_this_machine_are_local(host: str) -> None:
    async with deployed() as service:
        assert (await state(service, {"Host": host}))["access"] == "granted"


async def test_gpt_that_cannot_be_used_says_why(tmp_path: Path, loud_log: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "gpts.json"
    path.write_text(json.dumps({"good": {"id": "g-YyyyMT9XH"}, "gone": {"id": "g-Missing01"}}))
    async with deployed({"GPTS_FILE": str(path), "KEY_FOR_GPTS_INFO": KEY}) as service:
        availability = service.server.service.gpts.availability
        await eventually(lambda: "not" in str(availability()["gone"].get("reason")).lower(), 5)
        await eventually(lambda: bool(availability()["good"]["available"]), 5)
        seen = await state(service)
    models = {model["id"]: model for model in seen["models"]}
    assert KEY not in json.dumps(seen)
    assert models["good"] == {"id": "good", "units": 14, "windowed": True, "gpt": True, "available": True}
    assert models["gone"]["available"] is False
    assert models["gone"]["reason"]
    assert models["gpt-4-s"]["gpt"] is False


async def test_with_an_admin_token_it_is_needed_and_it_alone_opens() -> None:
    async with deployed({"ADMIN_TOKEN": ADMIN}) as service:
        without = await state(service)
        wrong = await service.ask("GET", STATE, key=KEY)
        right = await state(service, {"X-Forwarded-For": "203.0.113.9"}, key=ADMIN)
    assert (without["access"], without["details"]) == ("token", None)
    assert (wrong.status, wrong.error["code"]) == (401, "invalid_admin_token")
    assert right["details"]["upstream"] == f"127.0.0.1:{service.simulator.port}"


async def test_secret_prefix_of_the_api_is_for_those_who_see_everything() -> None:
    async with deployed({"API_PREFIX": SECRET, "ADMIN_TOKEN": ADMIN}) as service:
        public = await service.ask("GET", STATE, key="")
        private = await state(service, key=ADMIN)
    assert public.json["api"] is None
    assert SECRET.encode() not in public.body
    assert private["api"] == f"/{SECRET}/v1"


async def errors_after(service: Deployment, answer: Answer) -> Any:
    """What is told about that request, once it is."""
    request_id = answer.headers["x-request-id"]
    await eventually(
        lambda: any(f.request_id == request_id for f in service.server.service.app.common.failures.latest())
    )
    return next(e for e in (await state(service))["details"]["errors"] if e["request_id"] == request_id)


async def test_errors_tell_when_what_and_why_without_what_was_said() -> None:
    async with deployed() as service:
        refused = await service.chat("my secret question [[sim fault=cloudflare]]")
        error = await errors_after(service, refused)
    assert (error["route"], error["model"], error["status"]) == ("chat", "gpt-4-s", 503)
    assert error["code"] == "upstream_challenge"
    assert "challenge" in error["reason"]
    assert error["at"] > 1_700_000_000
    assert "secret" not in json.dumps(error)


async def test_errors_of_the_caller_are_told_by_code_alone() -> None:
    async with deployed() as service:
        refused = await service.chat("Hello", model="a-model-with-a-secret-name")
        error = await errors_after(service, refused)
    assert (error["status"], error["code"], error["reason"]) == (404, "model_not_found", "")
    assert "secret" not in json.dumps(error)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("gpt-9", "gpt-9"),
        ("gemini-1.5-pro-002", "gemini-1.5-pro-002"),
        ("gpt-4.1-mini", "gpt-4.1-mini"),
        ("deepseek-r1:70b", "deepseek-r1:70b"),
        ("sk-abcdefghijklmnop", ""),
        ("fk-gpt-4", ""),
        ("gpt-4 please write about my secret", ""),
        ("gpt-eyJhbGciOiJIUzI1NiJ9", ""),
    ],
)
async def test_model_that_is_not_there_is_named_as_it_was_asked_for_if_it_looks_like_one(
    asked: str, shown: str
) -> None:
    async with deployed() as service:
        error = await errors_after(service, await service.chat("Hello", model=asked))
        metrics = (await service.ask("GET", "/metrics", key="")).body.decode()
    assert (error["code"], error["model"]) == ("model_not_found", shown)
    assert asked not in metrics, "names that clients make up are no labels"


async def test_stream_that_breaks_off_is_an_error_too() -> None:
    async with deployed() as service:
        broken = await service.chat("Hello [[sim fault=reset_mid]]", stream=True)
        error = await errors_after(service, broken)
    assert (error["status"], error["code"]) == (200, "upstream_error")


async def test_only_the_last_errors_are_kept_the_newest_first_and_scanners_are_not_among_them() -> None:
    async with deployed() as service:
        for number in range(KEPT + 3):
            await service.chat("Hello", model="none", key=f"fk-{number}")
        last = await service.chat("Hello", n=2)
        await service.ask("GET", "/wp-login.php", key="")
        await errors_after(service, last)
        errors = (await state(service))["details"]["errors"]
    assert len(errors) == KEPT
    assert errors[0]["request_id"] == last.headers["x-request-id"]
    assert {error["route"] for error in errors} == {"chat"}


async def test_answers_under_way_are_counted() -> None:
    async with (
        deployed({"KEY_CONCURRENCY": "1"}) as service,
        service.connect() as one,
        service.connect() as two,
    ):
        await service.begin(one, "Hello [[sim header_delay=5]]")
        await service.begin(two, "Hello")
        await eventually(lambda: service.server.service.queue.waiting == 1)
        details = (await state(service))["details"]
    assert (details["in_flight"], details["queued"]) == (2, 1)
