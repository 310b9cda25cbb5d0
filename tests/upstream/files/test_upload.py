"""The three steps of an upload, and what can go wrong at each of them."""

import asyncio
import json

import pytest

from tests.scripted_server import JSON, ScriptedServer, fin, rst, send, stall, status, trickle, wait
from tests.upstream.files.rig import (
    API,
    DATA,
    MAX_BYTES,
    NAME,
    SIGNATURE,
    Script,
    assert_discreet,
    failure,
    reply,
    requests_of,
    signed,
    storage,
    success,
    world,
)
from tests.upstream.rig import KEY, ME
from upstream import ConnectionLost, ResponseRefused, Timeouts, TotalTimeout, UnusableAnswer, UpstreamError
from upstream.files import (
    AddressExpired,
    AddressRefused,
    CallRefused,
    FilesError,
    FileTooLarge,
    TransferRefused,
    Uploaded,
)
from upstream.files.upload import use_case_of

pytestmark = pytest.mark.timeout(seconds=60)

TAKEN: Script = [status(201, {"Content-Length": "0"})]


def place(server: ScriptedServer) -> Script:
    return success(file_id="file-1", upload_url=signed(server))


async def test_upload_takes_the_three_steps_in_order() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success(download_url="x")) as it:
        uploaded = await it.files.upload(ME, DATA, "a.png", "image/png", width=64, height=48)
        assert it.lines == ["POST /files", "POST /files/file-1/uploaded"]
        assert json.loads(it.requests[0].body) == {
            "file_name": "a.png",
            "file_size": len(DATA),
            "use_case": "multimodal",
        }
        assert json.loads(it.requests[1].body) == {}
        (put,) = requests_of(blobs)
    assert uploaded == Uploaded("file-1", "a.png", "image/png", len(DATA), 64, 48, None)
    assert (put.method, put.path, put.body) == ("PUT", f"/blob?sig={SIGNATURE}", DATA)


async def test_bytes_are_put_only_after_the_announcement_and_reported_only_after_that() -> None:
    order = []
    async with storage(TAKEN) as blobs:

        async def announced(_: object) -> None:
            order.append(len(requests_of(blobs)))

        async with world([announced, *place(blobs)], [announced, *success()]) as it:
            await it.files.upload(ME, DATA, "a.png", "image/png")
    assert order == [0, 1]


async def test_put_carries_the_storage_s_headers_and_no_key() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success()) as it:
        await it.files.upload(ME, DATA, "a.png", "image/png")
        assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in it.requests)
        (put,) = requests_of(blobs)
    assert put.headers["x-ms-blob-type"] == "BlockBlob"
    assert put.headers["x-ms-version"] == "2020-04-08"
    assert put.headers["content-type"] == "image/png"
    assert put.headers["content-length"] == str(len(DATA))
    assert "authorization" not in put.headers
    assert KEY not in str(put.header_lines)


@pytest.mark.parametrize("media_type", ["", "image", "image/png\r\nX-Evil: 1", "图/片", "a/b c"])
async def test_media_type_that_is_none_is_sent_as_unknown(media_type: str) -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success()) as it:
        await it.files.upload(ME, DATA, "a.bin", media_type)
        (put,) = requests_of(blobs)
    assert put.headers["content-type"] == "application/octet-stream"
    assert "x-evil" not in put.headers


async def test_empty_file_can_be_uploaded() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success()) as it:
        assert (await it.files.upload(ME, b"", "a.bin", "application/zip")).size == 0
        (put,) = requests_of(blobs)
    assert put.headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("media_type", "use_case"),
    [
        ("image/png", "multimodal"),
        ("image/JPEG", "multimodal"),
        ("image/webp", "multimodal"),
        ("image/svg+xml", "ace_upload"),
        ("text/plain; charset=utf-8", "my_files"),
        ("text/markdown", "my_files"),
        ("application/pdf", "my_files"),
        ("text/csv", "ace_upload"),
        ("application/zip", "ace_upload"),
        ("", "ace_upload"),
    ],
)
def test_use_case_follows_the_media_type(media_type: str, use_case: str) -> None:
    assert use_case_of(media_type) == use_case


async def test_file_over_the_limit_is_not_even_announced() -> None:
    async with world(success()) as it:
        with pytest.raises(FileTooLarge, match=str(MAX_BYTES)):
            await it.files.upload(ME, b"x" * (MAX_BYTES + 1), "a.png", "image/png")
        assert it.requests == []


async def test_file_of_exactly_the_limit_is_uploaded() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success()) as it:
        uploaded = await it.files.upload(ME, b"x" * MAX_BYTES, "a.png", "image/png")
        (put,) = requests_of(blobs)
    assert uploaded.size == len(put.body) == MAX_BYTES


async def test_refused_announcement_ends_the_upload() -> None:
    async with world(failure("file_upload_not_allowed")) as it:
        with pytest.raises(CallRefused, match="file_upload_not_allowed") as caught:
            await it.files.upload(ME, DATA, NAME, "image/png")
        assert it.lines == ["POST /files"]
    assert_discreet(caught)


@pytest.mark.parametrize("code", [401, 403, 413, 429, 500])
async def test_refusal_by_status_is_also_a_refused_response_with_its_body(code: int) -> None:
    script = reply({"detail": {"message": "canary-content", "code": "x"}}, code)
    async with world(script) as it:
        with pytest.raises(ResponseRefused) as caught:
            await it.files.upload(ME, DATA, NAME, "image/png")
    assert isinstance(caught.value, FilesError)
    assert caught.value.status == code
    assert b"canary-content" in caught.value.body
    assert_discreet(caught)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"x"', b"[" * 100_000, b"\xff"])
async def test_answer_that_is_no_json_object_is_a_refusal(body: bytes) -> None:
    async with world(reply(body)) as it:
        with pytest.raises(CallRefused):
            await it.files.upload(ME, DATA, NAME, "image/png")


@pytest.mark.parametrize(
    "place",
    [
        {},
        {"file_id": "file-1"},
        {"upload_url": "http://x/"},
        {"file_id": 1, "upload_url": "http://x/"},
        {"file_id": "", "upload_url": "http://x/"},
        {"file_id": "../conversations", "upload_url": "http://x/"},
    ],
)
async def test_announcement_answered_without_a_usable_place_is_odd(place: dict[str, object]) -> None:
    async with world(success(**place)) as it:
        with pytest.raises(UnusableAnswer):
            await it.files.upload(ME, DATA, NAME, "image/png")
        assert it.lines == ["POST /files"]


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://me:pw@127.0.0.1/x", "http://", "http://[x"]
)
async def test_upload_address_that_is_not_to_be_followed_ends_the_upload(address: str) -> None:
    async with world(success(file_id="file-1", upload_url=address)) as it:
        with pytest.raises(AddressRefused) as caught:
            await it.files.upload(ME, DATA, NAME, "image/png")
        assert it.lines == ["POST /files"]
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "error"),
    [(403, AddressExpired), (400, TransferRefused), (302, TransferRefused), (503, TransferRefused)],
)
async def test_storage_that_refuses_ends_the_upload(code: int, error: type[Exception]) -> None:
    async with (
        storage([status(code, {"Location": "/elsewhere", "Content-Length": "0"})]) as blobs,
        world(place(blobs)) as it,
    ):
        with pytest.raises(error) as caught:
            await it.files.upload(ME, DATA, NAME, "image/png")
        assert it.lines == ["POST /files"]
        assert len(blobs.connections) == 1
    assert_discreet(caught)


async def test_storage_that_resets_ends_the_upload() -> None:
    async with storage([rst()]) as blobs, world(place(blobs)) as it:
        with pytest.raises(ConnectionLost) as caught:
            await it.files.upload(ME, DATA, NAME, "image/png")
        assert it.lines == ["POST /files"]
    assert_discreet(caught)


async def test_storage_that_never_answers_is_given_up() -> None:
    async with storage([stall()]) as blobs, world(place(blobs), upload=0.3) as it:
        with pytest.raises(UpstreamError, match=r"0\.3 s"):
            await it.files.upload(ME, DATA, NAME, "image/png")
        for connection in blobs.connections:  # none, if the machine was so busy
            assert await connection.gone_within(5)


async def test_large_upload_may_take_longer_than_a_first_byte() -> None:
    hasty = Timeouts(connect=30, first_byte=3, idle=30)
    async with storage([wait(3.5), *TAKEN]) as blobs, world(place(blobs), success(), timeouts=hasty) as it:
        await it.files.upload(ME, DATA, NAME, "image/png")


async def test_refused_report_ends_the_upload() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), failure("file_not_found")) as it:
        with pytest.raises(CallRefused):
            await it.files.upload(ME, DATA, NAME, "image/png")


async def test_cancelling_while_bytes_are_put_closes_the_socket() -> None:
    async with storage([stall()]) as blobs, world(place(blobs)) as it:
        task = asyncio.create_task(it.files.upload(ME, DATA, NAME, "image/png"))
        connection = await blobs.connected()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await connection.gone_within(5)


async def test_document_is_looked_at_until_its_index_is_ready() -> None:
    pending = reply({"retrieval_index_status": "pending", "file_size_tokens": None})
    ready = reply({"retrieval_index_status": "success", "file_size_tokens": 321})
    async with storage(TAKEN) as blobs, world(place(blobs), success(), pending, pending, ready) as it:
        uploaded = await it.files.upload(ME, DATA, NAME, "text/plain")
        assert it.lines[2:] == ["GET /files/file-1"] * 3
    assert uploaded.file_tokens == 321


async def test_broken_answers_about_the_index_are_asked_again() -> None:
    ready = reply({"retrieval_index_status": "success", "file_size_tokens": 5})
    scripts = [
        reply({"detail": "oops"}, 502),
        reply(b"<html>"),
        [status(200, JSON), send(b"{"), fin()],
        ready,
    ]
    async with storage(TAKEN) as blobs, world(place(blobs), success(), *scripts) as it:
        assert (await it.files.upload(ME, DATA, NAME, "application/pdf")).file_tokens == 5


@pytest.mark.parametrize("state", ["failed", "parse_error"])
async def test_index_that_failed_is_not_waited_for(state: str) -> None:
    async with (
        storage(TAKEN) as blobs,
        world(place(blobs), success(), reply({"retrieval_index_status": state})) as it,
    ):
        assert (await it.files.upload(ME, DATA, NAME, "text/plain")).file_tokens is None
        assert len(it.requests) == 3


async def test_index_that_never_gets_ready_is_given_up() -> None:
    pending = reply({"retrieval_index_status": "pending"})
    async with storage(TAKEN) as blobs, world(place(blobs), success(), pending, index=0.1) as it:
        uploaded = await it.files.upload(ME, DATA, NAME, "text/plain")
        assert set(it.lines[2:]) == {"GET /files/file-1"}
    assert (uploaded.file_id, uploaded.file_tokens) == ("file-1", None)


async def test_silence_about_the_index_is_given_up() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success(), [stall()], index=0.3) as it:
        assert (await it.files.upload(ME, DATA, NAME, "text/plain")).file_tokens is None
        assert await it.server.connections[-1].gone_within(5)


async def test_tokens_that_are_no_number_are_none() -> None:
    odd = reply({"retrieval_index_status": "success", "file_size_tokens": "many"})
    async with storage(TAKEN) as blobs, world(place(blobs), success(), odd) as it:
        assert (await it.files.upload(ME, DATA, NAME, "text/plain")).file_tokens is None


async def test_picture_has_no_index_to_wait_for() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), success()) as it:
        await it.files.upload(ME, DATA, NAME, "image/gif")
        assert len(it.requests) == 2


async def test_upload_address_may_be_relative_to_the_backend() -> None:
    async with world(success(file_id="file-1", upload_url="/files/up?x=1"), TAKEN, success()) as it:
        await it.files.upload(ME, DATA, NAME, "image/png")
        assert it.requests[1].path == "/files/up?x=1"
        assert "authorization" not in it.requests[1].headers
        assert it.requests[2].path == f"{API}/files/file-1/uploaded"


async def test_backend_that_is_gone_after_the_put_is_an_error() -> None:
    async with storage(TAKEN) as blobs, world(place(blobs), [rst()]) as it:
        with pytest.raises(ConnectionLost):
            await it.files.upload(ME, DATA, NAME, "image/png")


async def test_total_limit_of_the_put_has_its_own_error() -> None:
    """A storage that trickles its answer is not saved by being busy."""
    slow = [status(201, {"Content-Length": "60"}), trickle(b"x" * 60, pause=0.01)]
    async with storage(slow) as blobs, world(place(blobs), upload=0.15) as it:
        with pytest.raises(TotalTimeout):
            await it.files.upload(ME, DATA, NAME, "image/png")


class Clock:
    """Stands where it was set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    "unclear",
    [reply({}, 401), reply({}, 429), reply({}, 500), reply({"status": "retry"}), [rst()]],
    ids=["401", "429", "500", "retry", "reset"],
)
async def test_answer_that_does_not_tell_whether_a_file_is_there_starts_no_upload(unclear: Script) -> None:
    clock = Clock()
    async with storage(TAKEN) as blobs, world(place(blobs), success(), unclear, clock=clock) as it:
        await it.files.upload(ME, DATA, NAME, "image/png")
        clock.now += 3600
        assert (await it.files.upload(ME, DATA, NAME, "image/png")).file_id == "file-1"
        assert it.lines[2:] == ["GET /files/file-1/download"]


@pytest.mark.parametrize(
    "gone", [failure("file_not_found"), reply({}, 404), reply({}, 403), reply(b"<html>")]
)
async def test_file_that_the_backend_no_longer_gives_is_uploaded_again(gone: Script) -> None:
    clock = Clock()
    async with storage(TAKEN) as blobs:
        scripts = [place(blobs), success(), gone, place(blobs), success()]
        async with world(*scripts, clock=clock) as it:
            await it.files.upload(ME, DATA, NAME, "image/png")
            clock.now += 3600
            await it.files.upload(ME, DATA, NAME, "image/png")
            assert len(it.requests) == 5
            assert len(blobs.connections) == 2
