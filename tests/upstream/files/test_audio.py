"""Recordings and words, as a scripted backend gives them."""

import json
from collections.abc import Sequence

import pytest

from accounts import Credential
from tests.plenty import held
from tests.scripted_server import ScriptedServer, Verb, send, status
from tests.upstream.rig import KEY, ME, PREFIX, rig
from upstream import ResponseRefused, UpstreamError
from upstream.files import AudioMissing, BackendFiles, FileTimeouts, FileTooLarge
from upstream.http import ABSENT_SECONDS, UnusableAnswer

pytestmark = pytest.mark.timeout(seconds=60)

QUERY = {"message_id": "m 1", "conversation_id": "c&1", "voice": "cove", "format": "mp3"}


def answer(code: int, body: bytes, content_type: str = "application/json") -> list[Verb]:
    return [status(code, {"Content-Type": content_type, "Content-Length": str(len(body))}), send(body)]


@pytest.mark.parametrize(
    ("body", "content_type"), [(b'{"text": "hello"}', "application/json"), (b" hello\n", "text/plain")]
)
async def test_recording_is_sent_as_a_form_and_words_come_back(body: bytes, content_type: str) -> None:
    async with rig(answer(200, body, content_type)) as world:
        files = BackendFiles(world.client, max_bytes=1000)
        words = await files.transcribe(ME, b"\x00sound", 'a"\r\nX: y/b.mp3', "en")
        request = world.server.connections[0].request
    assert words == "hello"
    assert request is not None
    assert (request.method, request.path) == ("POST", f"/{PREFIX}/backend-api/transcribe")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    boundary = request.headers["content-type"].partition("boundary=")[2]
    assert request.body.split(f"--{boundary}".encode()) == [
        b"",
        b'\r\nContent-Disposition: form-data; name="file"; filename="a___X__y_b.mp3"\r\n\r\n\x00sound\r\n',
        b'\r\nContent-Disposition: form-data; name="language"\r\n\r\nen\r\n',
        b"--\r\n",
    ]


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (404, b'{"detail": "Not Found"}', AudioMissing),
        (405, b"", AudioMissing),
        (401, b'{"detail": "no"}', ResponseRefused),
        (200, b'{"words": 5}', UnusableAnswer),
        (200, b"<html>", UnusableAnswer),
    ],
)
async def test_answers_without_words_are_failures(code: int, body: bytes, error: type[Exception]) -> None:
    async with rig(answer(code, body)) as world:
        with pytest.raises(error) as raised:
            await BackendFiles(world.client, max_bytes=1000).transcribe(ME, b"sound", "", "")
    assert type(raised.value) is error


async def test_recording_of_a_message_is_asked_for_by_its_ids() -> None:
    async with rig(answer(200, b"sound", "audio/mpeg")) as world:
        room = held()
        data = await BackendFiles(world.client, max_bytes=1000).read_out(ME, QUERY, room)
        request = world.server.connections[0].request
    assert (data, room.size) == (b"sound", 5)
    assert request is not None
    query = "message_id=m+1&conversation_id=c%261&voice=cove&format=mp3"
    assert request.path == f"/{PREFIX}/backend-api/synthesize?{query}"


@pytest.mark.parametrize("content_type", ["audio/ogg", "application/octet-stream", ""])
async def test_sound_may_be_of_a_type_that_does_not_tell(content_type: str) -> None:
    async with rig(answer(200, b"sound", content_type)) as world:
        assert await BackendFiles(world.client, max_bytes=1000).read_out(ME, QUERY, held()) == b"sound"


IN_ITS_KEEPING = answer(200, b'{"download_url": "/backend-api/estuary/content?id=1"}')


async def test_recording_in_the_backends_keeping_is_fetched_with_the_key_once_it_is_there() -> None:
    not_yet, there = answer(404, b"{}"), answer(200, b"sound", "audio/mpeg")
    async with rig(IN_ITS_KEEPING, not_yet, there) as world:
        timeouts = FileTimeouts(address_pauses=(0.001,))
        files = BackendFiles(world.client, max_bytes=1000, timeouts=timeouts)
        data = await files.read_out(ME, QUERY, held())
        asked = [connection.request for connection in world.server.connections]
    assert data == b"sound"
    assert len(asked) == 3
    assert {request.headers.get("authorization") for request in asked if request} == {f"Bearer {KEY}"}


async def test_recording_on_another_host_is_fetched_without_the_key() -> None:
    async with ScriptedServer(answer(200, b"sound", "audio/mpeg")) as storage:
        elsewhere = json.dumps({"download_url": f"{storage.url}/blob"}).encode()
        async with rig(answer(200, elsewhere)) as world:
            data = await BackendFiles(world.client, max_bytes=1000).read_out(ME, QUERY, held())
        request = storage.connections[0].request
    assert data == b"sound"
    assert request is not None
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"<html>Log in", "text/html"), (b"error", "text/plain"), (b"", "audio/mpeg"), (b"", "")],
)
@pytest.mark.parametrize("direct", [True, False])
async def test_what_is_no_sound_is_no_recording(body: bytes, content_type: str, direct: bool) -> None:
    last = answer(200, body, content_type)
    async with rig(*([last] if direct else [IN_ITS_KEEPING, last])) as world:
        with pytest.raises(UnusableAnswer):
            await BackendFiles(world.client, max_bytes=1000).read_out(ME, QUERY, held())


@pytest.mark.parametrize(
    ("code", "body", "content_type", "error"),
    [
        (404, b"{}", "application/json", AudioMissing),
        (404, b'{"detail": {"code": "conversation_not_found"}}', "application/json", ResponseRefused),
        (404, b'{"detail": {"code": "message_not_found"}}', "application/json", ResponseRefused),
        (429, b"{}", "application/json", ResponseRefused),
        (200, b"{}", "application/json", UnusableAnswer),
        (200, b"x" * 2000, "audio/mpeg", FileTooLarge),
    ],
)
async def test_answers_without_a_recording_are_failures(
    code: int, body: bytes, content_type: str, error: type[Exception]
) -> None:
    async with rig(answer(code, body, content_type)) as world:
        with pytest.raises(error) as raised:
            await BackendFiles(world.client, max_bytes=1000).read_out(ME, QUERY, held())
    assert type(raised.value) is error


NONE = answer(404, b'{"detail": "Not Found"}', "application/json")


async def test_account_without_speech_is_remembered_for_an_hour() -> None:
    now = 0.0
    async with rig(NONE) as world:
        files = BackendFiles(world.client, max_bytes=1000, clock=lambda: now)
        assert files.may_read_out(ME)
        with pytest.raises(AudioMissing):
            await files.read_out(ME, QUERY, held())
        assert (files.may_read_out(ME), files.may_read_out(Credential("fk-other"))) == (False, True)
        now = ABSENT_SECONDS
        assert files.may_read_out(ME)


@pytest.mark.parametrize(
    ("refusal", "credential"),
    [
        (NONE, Credential("pk-pool")),
        (answer(404, b'{"detail": {"code": "conversation_not_found"}}', "application/json"), ME),
        (answer(500, b"{}", "application/json"), ME),
    ],
    ids=["a pool", "a conversation that is gone", "a failure"],
)
async def test_refusal_that_does_not_tell_of_the_account_is_not_remembered(
    refusal: Sequence[Verb], credential: Credential
) -> None:
    async with rig(refusal) as world:
        files = BackendFiles(world.client, max_bytes=1000)
        with pytest.raises(UpstreamError):
            await files.read_out(credential, QUERY, held())
        assert files.may_read_out(credential)
