"""What all responses have in common, where a whole service shows it badly."""

import logging
from typing import Any

import pytest

from front import ConnectionTimes
from handlers.base import ApiHandler
from handlers.body import LARGE_BODY, BodyHandler
from metrics import Outcome
from tests.eventually import eventually
from tests.handlers.rig import Rig, ended, serving
from tests.raw_client import Answer, connect
from translate.openai import JsonBody
from translate.values import ApiError, NotFound, Usage


class Failing(ApiHandler):
    """Raises what it is told to."""

    route = "chat"
    raises: Exception = NotFound("no such thing")

    def get(self) -> None:
        raise self.raises


class Unknown(Failing):
    """A path that scanners ask for."""

    route = "unknown"


class Probe(ApiHandler):
    """Asked every few seconds."""

    route = "probe"

    def get(self) -> None:
        self.send_body(b"{}")


class Upload(BodyHandler[JsonBody]):
    """Takes a body."""

    route = "chat"

    def new_body(self) -> JsonBody:
        return JsonBody()

    async def post(self) -> None:
        self.send_body(b'{"size": %d}' % await self.parsed(lambda body: body.other_bytes))


class Counted(ApiHandler):
    """A request with a turn."""

    route = "chat"
    usage = Usage(10, 20)
    units = 14

    def get(self) -> None:
        self.model_name = "gpt-4-s"
        self.record_turn(ended(Outcome.OK, units=self.units, usage=self.usage))
        self.send_body(b"{}")


class Free(Counted):
    """A turn that has cost nothing and said nothing."""

    usage = Usage(0, 0)
    units = 0


async def ask(rig: Rig, handler: type[ApiHandler], method: str = "GET", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with serving(rig, ("/", handler)), connect(rig.port) as client:
        await client.send(method, "/", named)
        return await client.answer(to_head=method == "HEAD")


def line(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The fields of the one line of the request."""
    (record,) = [record for record in caplog.records if record.getMessage() == "request"]
    fields: dict[str, Any] = record.__dict__["fields"]
    return fields | {"level": record.levelno}


async def test_error_is_told_recorded_and_remembered(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig = Rig()
    answer = await ask(rig, Failing)
    assert (answer.status, answer.error["message"]) == (404, "no such thing")
    assert (line(caplog)["status"], line(caplog)["outcome"]) == (404, "invalid")
    assert [failure.request_id for failure in rig.failures.latest()] == [answer.headers["x-request-id"]]


async def test_what_scanners_ask_for_is_not_remembered() -> None:
    rig = Rig()
    assert (await ask(rig, Unknown)).status == 404
    assert rig.failures.latest() == []


async def test_probes_are_logged_quietly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(Rig(), Probe)
    assert line(caplog)["level"] == logging.DEBUG
    assert line(caplog)["units"] is None


@pytest.mark.parametrize(
    ("handler", "prompt", "completion", "units"), [(Counted, 10, 20, 14), (Free, None, None, 0)]
)
async def test_cost_of_a_turn_is_logged(
    handler: type[ApiHandler],
    prompt: int | None,
    completion: int | None,
    units: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(Rig(), handler)
    fields = line(caplog)
    assert (fields["prompt_tokens"], fields["completion_tokens"]) == (prompt, completion)
    assert (fields["units"], fields["model"]) == (units, "gpt-4-s")


async def test_method_that_is_not_allowed_names_those_that_are() -> None:
    answer = await ask(Rig(), Upload, "DELETE")
    assert (answer.status, answer.error["code"]) == (405, "method_not_supported")
    assert answer.headers["allow"] == "POST, OPTIONS"


async def test_what_tornado_cannot_understand_is_a_400_in_json() -> None:
    class Malformed(ApiHandler):
        def get(self) -> None:
            self.send_error(400)

    answer = await ask(Rig(), Malformed)
    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")


async def test_route_may_have_errors_of_its_own_shape() -> None:
    class OwnShape(Failing):
        def error_body(self, error: ApiError) -> bytes:
            return error.message.encode()

    assert (await ask(Rig(), OwnShape)).body == b"no such thing"


async def test_body_that_is_refused_is_dropped_while_it_comes() -> None:
    rig = Rig()
    async with serving(rig, ("/", Upload)), connect(rig.port) as client:
        await client.send("POST", "/", {"Authorization": "Bearer fk-alice"}, b" " * 1000)
        assert (await client.answer()).json == {"size": 1000}
        await client.send("POST", "/", {"Authorization": "Bearer fk-alice"}, b" " * 1001)
        assert (await client.answer()).status == 413


async def test_body_that_trickles_is_given_up_and_its_room_with_it() -> None:
    rig = Rig()
    async with serving(rig, ("/", Upload), times=ConnectionTimes(body=3.0)), connect(rig.port) as client:
        headers = {"Authorization": "Bearer fk-alice", "Content-Length": "1000"}
        await client.send("POST", "/", headers, b" ")
        await eventually(lambda: rig.bodies.used == 1000)
        assert await client.closed_within(10)
        await eventually(lambda: rig.bodies.used == 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "1000"},
        {"Content-Length": "1000", "Authorization": "Bearer fk-alice", "Content-Type": "text/plain"},
        {"Content-Length": "1001", "Authorization": "Bearer fk-alice"},
    ],
)
async def test_body_that_is_not_wanted_takes_no_room(headers: dict[str, str]) -> None:
    rig = Rig()
    async with serving(rig, ("/", Upload)), connect(rig.port) as client:
        await client.send("POST", "/", headers, b" " * 999)
        assert rig.bodies.used == 0
        await client.send_raw(b" " * 2)
        assert (await client.answer()).status in (401, 413, 415)
        assert rig.bodies.used == 0


async def test_room_is_taken_when_the_headers_are_there_and_given_back_with_the_answer() -> None:
    rig = Rig()
    async with serving(rig, ("/", Upload)), connect(rig.port) as client:
        headers = {"Authorization": "Bearer fk-alice", "Content-Length": "1000"}
        await client.send("POST", "/", headers)
        await eventually(lambda: rig.bodies.used == 1000)
        await client.send_raw(b" " * 1000)
        assert (await client.answer()).json == {"size": 1000}
        assert rig.bodies.used == 0


async def test_large_bodies_are_parsed_one_at_a_time_and_small_ones_meanwhile() -> None:
    rig, headers = Rig(max_body_bytes=LARGE_BODY), {"Authorization": "Bearer fk-alice"}
    async with serving(rig, ("/", Upload)), connect(rig.port) as first, connect(rig.port) as second:
        async with rig.large_bodies:
            await first.send("POST", "/", headers, b" " * LARGE_BODY)
            await eventually(lambda: bool(rig.bodies.used))
            await second.send("POST", "/", headers, b" " * 1000)
            assert (await second.answer()).json == {"size": 1000}
            assert rig.bodies.used == LARGE_BODY
        assert (await first.answer()).json == {"size": LARGE_BODY}
        await second.send("POST", "/", headers, b" " * LARGE_BODY)
        assert (await second.answer()).json == {"size": LARGE_BODY}
