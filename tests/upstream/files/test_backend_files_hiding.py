"""Hiding one conversation, and never all of them."""

import json

import pytest

from accounts import Credential
from simulator.server import Simulator
from tests.scripted_server import rst, stall, status
from tests.upstream.files.rig import Script, reply, world
from tests.upstream.rig import KEY, ME, PATIENT, PREFIX
from upstream import HttpClient, Timeouts
from upstream.files import BackendFiles
from upstream.http import ABSENT_SECONDS

pytestmark = pytest.mark.timeout(seconds=60)

CID = "0f5b0a52-6c1e-4b57-9c2e-6d8a5a2b1c3d"
DONE = reply({"success": True})


async def test_conversation_is_hidden_by_a_patch_of_it_alone() -> None:
    async with world(DONE) as it:
        assert await it.files.hide_conversation(ME, CID)
        assert it.lines == [f"PATCH /conversation/{CID}"]
        assert json.loads(it.requests[0].body) == {"is_visible": False}
        assert it.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "script",
    [
        reply({"detail": "x"}, 404),
        reply({"success": True}, 500),
        reply({"success": False}),
        reply(b"<html>"),
        reply(b"[true]"),
        [status(302, {"Location": "/x"})],
        [rst()],
    ],
)
async def test_failure_to_hide_is_told_not_raised(script: Script) -> None:
    async with world(script) as it:
        assert not await it.files.hide_conversation(ME, CID)


@pytest.mark.parametrize("status_code", [404, 405, 501])
async def test_conversation_is_deleted_where_it_cannot_be_hidden_and_that_is_remembered_for_an_hour(
    status_code: int,
) -> None:
    now = 0.0
    patch, delete = f"PATCH /conversation/{CID}", f"DELETE /conversation/id/{CID}"
    absent = reply({"detail": "x"}, status_code)
    async with world(absent, DONE, DONE, absent, DONE, clock=lambda: now) as it:
        for _ in range(2):
            assert await it.files.hide_conversation(ME, CID)
        now = ABSENT_SECONDS
        assert await it.files.hide_conversation(ME, CID)
        assert it.lines == [patch, delete, delete, patch, delete]


async def test_conversation_that_can_be_neither_hidden_nor_deleted_proves_nothing_of_the_next_one() -> None:
    absent = reply({"detail": "x"}, 404)
    async with world(absent, absent, DONE) as it:
        assert not await it.files.hide_conversation(ME, CID)
        assert await it.files.hide_conversation(ME, CID)
        assert [line.partition(" ")[0] for line in it.lines] == ["PATCH", "DELETE", "PATCH"]


async def test_silence_is_told_not_raised() -> None:
    async with world([stall()], timeouts=Timeouts(first_byte=0.05)) as it:
        assert not await it.files.hide_conversation(ME, CID)


async def test_closed_client_is_told_not_raised() -> None:
    async with world(DONE) as it:
        it.client.close()
        assert not await it.files.hide_conversation(ME, CID)


async def test_key_that_cannot_travel_is_told_not_raised() -> None:
    async with world(DONE) as it:
        assert not await it.files.hide_conversation(Credential("two\r\nlines"), CID)
        assert it.requests == []


@pytest.mark.parametrize(
    "odd", ["", " ", ".", "..", "../conversations", "x/../../conversations", "s?", "%2e%2e"]
)
async def test_without_a_usable_id_nothing_is_sent(odd: str) -> None:
    async with world(DONE) as it:
        assert not await it.files.hide_conversation(ME, odd)
        assert it.requests == []


async def test_only_the_one_conversation_goes_from_the_simulated_backend() -> None:
    backend = Simulator(PREFIX)
    await backend.start()
    client = HttpClient(backend.url, PREFIX, PATIENT)
    mine, other = (backend.state.conversations.create("fk-me", 0.0, temporary=False) for _ in range(2))
    files = BackendFiles(client, max_bytes=1)
    assert await files.hide_conversation(Credential("fk-me"), mine.id)
    assert not await files.hide_conversation(Credential("fk-me"), "")
    assert (mine.visible, other.visible) == (False, True)
    assert backend.state.hide_all_calls == 0
    client.close()
    await backend.stop()
