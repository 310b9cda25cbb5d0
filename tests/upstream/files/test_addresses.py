"""Asking for the address of a file, and of one in a sandbox."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.scripted_server import rst, stall
from tests.upstream.files.rig import (
    NAME,
    SIGNATURE,
    Script,
    World,
    assert_discreet,
    failure,
    reply,
    success,
    world,
)
from tests.upstream.rig import KEY, ME, PATIENT, PREFIX, refusing_address
from upstream import ConnectFailed, ConnectionLost, HttpClient, ResponseRefused, TotalTimeout, UnusableAnswer
from upstream.files import (
    AddressRefused,
    BackendFiles,
    CallRefused,
    FileMissing,
    FileNotReady,
    SandboxGone,
)

pytestmark = pytest.mark.timeout(seconds=60)

ADDRESS = f"https://files.example/x?sig={SIGNATURE}&rscd=attachment"
FOUND = success(download_url=ADDRESS, metadata={}, file_name="a.png", creation_time="2023-12-15")
RETRY = reply({"status": "retry"})
TRIES = 4

Ask = Callable[[World], Awaitable[str]]


async def of_file(it: World) -> str:
    return await it.files.download_url(ME, "file-1")


async def of_sandbox(it: World) -> str:
    return await it.files.sandbox_url(ME, "c1", "m1", f"/mnt/data/{NAME}")


both = pytest.mark.parametrize("ask", [of_file, of_sandbox])


async def test_address_of_a_file_is_asked_with_the_key() -> None:
    async with world(FOUND) as it:
        assert await of_file(it) == ADDRESS
        assert it.lines == ["GET /files/file-1/download"]
        assert it.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_address_in_a_sandbox_is_asked_with_message_and_path() -> None:
    path = "/mnt/data/报告 (1) 100%+a&b=c?#'\"\r\nX: y.csv"
    async with world(FOUND) as it:
        assert await it.files.sandbox_url(ME, "c1", "m 1", path) == ADDRESS
        (request,) = it.requests
    parts = urlsplit(request.path)
    assert parts.path == f"/{PREFIX}/backend-api/conversation/c1/interpreter/download"
    assert parse_qs(parts.query, strict_parsing=True) == {"message_id": ["m 1"], "sandbox_path": [path]}
    assert "/" not in parts.query
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "x" not in request.headers


async def test_path_with_half_a_character_is_asked_all_the_same() -> None:
    async with world(FOUND) as it:
        await it.files.sandbox_url(ME, "c1", "m1", "/mnt/data/\ud83d.csv")
        assert it.requests[0].path.endswith("sandbox_path=%2Fmnt%2Fdata%2F%3F.csv")


@both
@pytest.mark.parametrize(
    ("script", "error"),
    [
        (failure("file_not_found"), FileMissing),
        (failure("file_not_found", 403), FileMissing),
        (failure("file_not_found", 404), FileMissing),
        (reply({"detail": "Interpreter file not found"}, 404), FileMissing),
        (reply(b"", 404), FileMissing),
        (failure("ace_pod_expired"), SandboxGone),
        (failure("ace_pod_expired", 403), SandboxGone),
        (failure("ace_pod_expired", 404), SandboxGone),
        (reply({"detail": "ace_pod_expired"}, 410), SandboxGone),
        (reply({"detail": {"code": "ace_pod_expired"}}, 403), SandboxGone),
        (failure("something_else"), CallRefused),
        (reply({"detail": "Forbidden"}, 403), CallRefused),
        (reply({"detail": {"code": "token_expired"}}, 401), CallRefused),
        (reply({"detail": "Too many requests"}, 429), CallRefused),
        (reply(b"<!DOCTYPE html>", 403), CallRefused),
        (reply(b"<html>"), UnusableAnswer),
        (reply(b"[]"), UnusableAnswer),
        (reply({"status": "success"}), UnusableAnswer),
        (reply({"status": "success", "download_url": None}), UnusableAnswer),
        (reply({"download_url": ADDRESS}), UnusableAnswer),
        (success(download_url="ftp://127.0.0.1/x"), AddressRefused),
        (success(download_url="http://me:pw@127.0.0.1/x"), AddressRefused),
    ],
)
async def test_what_the_backend_says_becomes_its_error(
    ask: Ask, script: Script, error: type[Exception]
) -> None:
    async with world(script) as it:
        with pytest.raises(error) as caught:
            await ask(it)
    assert type(caught.value) is error
    assert_discreet(caught)


async def test_gone_means_the_sandbox_for_one_and_the_file_for_the_other() -> None:
    async with world(reply(b"", 410)) as it:
        with pytest.raises(SandboxGone):
            await of_sandbox(it)
        with pytest.raises(FileMissing):
            await of_file(it)


async def test_refusal_keeps_what_the_backend_said() -> None:
    async with world(reply({"detail": {"code": "token_expired", "message": "x"}}, 401)) as it:
        with pytest.raises(ResponseRefused, match="token_expired") as caught:
            await of_file(it)
    assert caught.value.status == 401
    assert caught.value.content_type == "application/json"
    assert b"token_expired" in caught.value.body


async def test_code_that_is_no_code_stays_out_of_the_text() -> None:
    async with world(reply({"detail": f"No file {NAME}"}, 403)) as it:
        with pytest.raises(CallRefused) as caught:
            await of_file(it)
    assert str(caught.value) == "the backend refused a call about a file with status 403"
    assert_discreet(caught)


@both
@pytest.mark.parametrize(
    "not_yet",
    [RETRY, reply({"detail": "x"}, 500), reply(b"", 502), [rst()]],
    ids=["retry", "500", "502", "reset"],
)
async def test_answer_that_may_get_better_is_asked_for_again(ask: Ask, not_yet: Script) -> None:
    async with world(not_yet, not_yet, FOUND) as it:
        assert await ask(it) == ADDRESS
        assert len(it.server.connections) == 3


@pytest.mark.parametrize("not_yet", [failure("file_not_found"), reply({"detail": "x"}, 404)])
async def test_picture_that_is_not_stored_yet_is_asked_for_again(not_yet: Script) -> None:
    async with world(not_yet, not_yet, FOUND) as it:
        assert await of_file(it) == ADDRESS


BEFORE, LATER, ATTACHED = (
    "GET /files/file_0a/download",
    "GET /files/download/file_0a?conversation_id=c1&inline=false",
    "GET /conversation/c1/attachment/file_0a/download",
)


async def of_picture(it: World) -> str:
    return await it.files.download_url(ME, "file_0a", "c1")


@pytest.mark.parametrize(
    "not_here",
    [
        failure("file_not_found"),
        reply({"detail": "Not Found"}, 404),
        reply({"detail": "Method Not Allowed"}, 405),
        reply({"detail": []}, 422),
        reply({"detail": "Forbidden"}, 403),
        reply(b"<html>"),
    ],
)
async def test_picture_of_today_is_looked_for_by_each_of_its_calls(not_here: Script) -> None:
    async with world(not_here, not_here, FOUND) as it:
        assert await of_picture(it) == ADDRESS
        assert it.lines == [BEFORE, LATER, ATTACHED]


@pytest.mark.parametrize("not_yet", [reply({}, 403), reply({}, 404)])
async def test_calls_for_a_picture_of_today_are_made_again_after_a_while(not_yet: Script) -> None:
    async with world(*[not_yet] * 4, FOUND) as it:
        assert await of_picture(it) == ADDRESS
        assert it.lines == [BEFORE, LATER, ATTACHED, BEFORE, LATER]


async def test_looking_for_a_picture_of_today_comes_to_an_end() -> None:
    async with world(reply({}, 404)) as it:
        with pytest.raises(FileMissing):
            await of_picture(it)
        assert len(it.requests) == 3 * TRIES


@pytest.mark.parametrize("final", [reply({}, 401), reply({}, 429)])
async def test_refusal_of_the_key_or_the_rate_is_no_reason_to_look_elsewhere(final: Script) -> None:
    async with world(final, FOUND) as it:
        with pytest.raises(CallRefused):
            await of_picture(it)
        assert it.lines == [BEFORE]


async def test_picture_without_name_and_size_is_asked_for_again_and_taken_in_the_end() -> None:
    nameless = success(download_url="https://files.example/early", file_name=None, file_size_bytes=None)
    async with world(nameless, nameless, FOUND) as it:
        assert await of_picture(it) == ADDRESS
    async with world(nameless) as it:
        assert await of_picture(it) == "https://files.example/early"
        assert it.lines == [BEFORE] * TRIES


async def test_file_that_is_not_in_the_sandbox_is_asked_for_once() -> None:
    async with world(failure("file_not_found"), FOUND) as it:
        with pytest.raises(FileMissing):
            await of_sandbox(it)
        assert len(it.requests) == 1


@both
@pytest.mark.parametrize("final", [failure("ace_pod_expired"), failure("x"), reply({}, 401), reply({}, 429)])
async def test_answer_that_will_not_get_better_is_asked_for_once(ask: Ask, final: Script) -> None:
    async with world(final, FOUND) as it:
        with pytest.raises((SandboxGone, CallRefused)):
            await ask(it)
        assert len(it.requests) == 1


@both
@pytest.mark.parametrize(
    ("script", "error"),
    [(RETRY, FileNotReady), (reply({}, 503), CallRefused), ([rst()], ConnectionLost)],
    ids=["retry", "503", "reset"],
)
async def test_asking_again_comes_to_an_end(ask: Ask, script: Script, error: type[Exception]) -> None:
    async with world(script) as it:
        with pytest.raises(error):
            await ask(it)
        assert len(it.server.connections) == TRIES


@both
async def test_all_tries_share_one_time_limit(ask: Ask) -> None:
    async with world(RETRY, [stall()], address=3) as it:
        with pytest.raises(TotalTimeout):
            await ask(it)
        assert await it.server.connections[-1].gone_within(5)


@both
async def test_cancelling_closes_the_socket(ask: Ask) -> None:
    async with world([stall()]) as it:
        task = asyncio.ensure_future(ask(it))
        connection = await it.server.connected()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await connection.gone_within(5)


async def test_backend_that_is_not_there_is_asked_once() -> None:
    client = HttpClient(refusing_address(), PREFIX, PATIENT)
    with pytest.raises(ConnectFailed):
        await BackendFiles(client, max_bytes=1).download_url(ME, "file-1")
    client.close()


@pytest.mark.parametrize("odd", ["", "..", "a/b", "a?b", "a%2fb", "file-1 ", "é", "a" * 200, "file-1\n"])
async def test_odd_ids_are_not_asked_for(odd: str) -> None:
    async with world(FOUND) as it:
        with pytest.raises(UnusableAnswer):
            await it.files.download_url(ME, odd)
        with pytest.raises(UnusableAnswer):
            await it.files.sandbox_url(ME, odd, "m1", "/mnt/data/x")
        assert it.requests == []
