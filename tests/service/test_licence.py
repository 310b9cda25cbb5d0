"""What the licence's own server says was used: asked for politely, shown beside our count, never fatal."""

import json

import pytest

from tests.eventually import eventually
from tests.scripted_server import JSON, ScriptedServer, Verb, fin, rst, send, status
from tests.service.deployment import deployed

PATH = "/api/secret-licence-id/usage"
USAGE = {"license_id": "secret-licence-id", "current": 120, "total": 5000, "ip": "1.2.3.4", "ttl": 40212}


async def test_usage_of_the_licence_stands_beside_our_count_without_its_id() -> None:
    body = json.dumps(USAGE).encode()
    async with ScriptedServer(
        [status(200, JSON | {"Content-Length": str(len(body))}), send(body)]
    ) as licence:
        async with deployed({"LICENCE_USAGE_URL": licence.url + PATH}) as service:
            await eventually(lambda: service.server.service.licence.latest is not None)
            answer = await service.ask("GET", "/v1/usage", key="")
        (asked,) = licence.connections
    assert asked.request is not None
    assert (asked.request.method, asked.request.path) == ("GET", PATH)
    assert "authorization" not in asked.request.headers
    assert answer.json["licence"] == {"current": 120, "total": 5000, "ttl": 40212}
    assert b"secret-licence-id" not in answer.body


@pytest.mark.parametrize(
    "script",
    [
        [status(403, JSON | {"Content-Length": "2"}), send(b"{}")],
        [status(429, JSON | {"Content-Length": "2"}), send(b"{}")],
        [status(200, JSON | {"Content-Length": "4"}), send(b"oops")],
        [rst()],
        [fin()],
    ],
)
async def test_licence_that_does_not_tell_is_said_so_once_and_harms_nothing(
    script: list[Verb], loud_log: pytest.LogCaptureFixture
) -> None:
    async with (
        ScriptedServer(script) as licence,
        deployed({"LICENCE_USAGE_URL": licence.url + PATH}) as service,
    ):
        await eventually(lambda: "licence's server did not say what was used" in loud_log.text)
        assert (await service.chat()).status == 200
        answer = await service.ask("GET", "/v1/usage", key="")
    assert answer.json["licence"] is None
    assert "secret-licence-id" not in loud_log.text


async def test_nothing_is_asked_without_an_address() -> None:
    async with deployed() as service:
        await service.chat()
        answer = await service.ask("GET", "/v1/usage", key="")
    assert answer.json["licence"] is None
