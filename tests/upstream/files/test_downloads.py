"""Fetching the bytes at a signed address."""

import asyncio

import pytest

from runtime import ByteBudget
from tests.eventually import eventually
from tests.plenty import held
from tests.scripted_server import ScriptedServer, Verb, chunk, flood, rst, send, stall, status, trickle
from tests.upstream.files.rig import (
    DATA,
    MAX_BYTES,
    SIGNATURE,
    Script,
    assert_discreet,
    content,
    requests_of,
    signed,
    storage,
    world,
)
from tests.upstream.rig import KEY, ME, PREFIX, nothing_left, refusing_address
from upstream import ConnectFailed, ConnectionLost, TotalTimeout
from upstream.files import (
    AddressExpired,
    AddressRefused,
    Download,
    FileHasNoRoom,
    FileMissing,
    FileTooLarge,
    TransferRefused,
)

pytestmark = pytest.mark.timeout(seconds=60)

CHUNKED = {"Transfer-Encoding": "chunked"}


def redirect(location: str, code: int = 302) -> Script:
    return [status(code, {"Location": location, "Content-Length": "0"})]


async def test_bytes_are_what_the_storage_gives() -> None:
    async with storage(content(DATA, {"Content-Type": "Image/PNG; x=y"})) as blobs, world() as it:
        assert await it.files.fetch(signed(blobs), held()) == Download(DATA, "", "image/png")
        (request,) = requests_of(blobs)
    assert (request.method, request.path) == ("GET", f"/blob?sig={SIGNATURE}")


async def test_no_key_and_no_cookie_goes_to_the_storage() -> None:
    async with storage(content(DATA)) as blobs, world() as it:
        await it.files.fetch(signed(blobs), held())
        (request,) = requests_of(blobs)
    assert set(request.headers) == {"host", "connection", "accept", "user-agent"}
    assert request.headers["accept"] == "*/*"


async def test_name_comes_from_the_signed_address() -> None:
    named = {"Content-Disposition": 'attachment; filename="other.csv"'}
    async with storage(content(DATA, named)) as blobs, world() as it:
        url = signed(blobs, rscd="attachment%3B%20filename%3Dout.csv")
        assert (await it.files.fetch(url, held())).file_name == "out.csv"


async def test_name_comes_from_the_header_if_the_address_has_none() -> None:
    named = {"Content-Disposition": "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.csv"}
    async with storage(content(DATA, named)) as blobs, world() as it:
        assert (await it.files.fetch(signed(blobs), held())).file_name == "报告.csv"


async def test_name_in_the_address_survives_a_redirect() -> None:
    async with storage(redirect("/elsewhere"), content(DATA)) as blobs, world() as it:
        assert (
            await it.files.fetch(signed(blobs, rscd="attachment; filename=out.csv"), held())
        ).file_name == "out.csv"


async def test_file_of_exactly_the_limit_is_taken() -> None:
    async with storage(content(b"x" * MAX_BYTES)) as blobs, world() as it:
        assert len((await it.files.fetch(signed(blobs), held())).data) == MAX_BYTES


@pytest.mark.parametrize(
    "script",
    [
        [status(200, {"Content-Length": str(1 << 40)}), flood(b"x" * 65536)],
        [status(200, CHUNKED), flood(b"10000\r\n" + b"x" * 65536 + b"\r\n")],
        [status(200), flood(b"x" * 65536)],
    ],
    ids=["announced", "chunked", "until it closes"],
)
async def test_endless_body_is_cut_at_the_limit(script: list[Verb]) -> None:
    async with storage(script) as blobs, world() as it:
        with pytest.raises(FileTooLarge, match=str(MAX_BYTES)):
            await it.files.fetch(signed(blobs), held())
        assert await blobs.connections[0].gone_within(5)


async def test_one_byte_too_many_is_too_large() -> None:
    async with storage(content(b"x" * (MAX_BYTES + 1))) as blobs, world() as it:
        with pytest.raises(FileTooLarge):
            await it.files.fetch(signed(blobs), held())


async def test_slow_drip_is_given_up_in_the_end() -> None:
    slow = [status(200, {"Content-Length": "60"}), trickle(b"x" * 60, pause=0.01)]
    async with storage(slow) as blobs, world(fetch=0.15) as it:
        with pytest.raises(TotalTimeout):
            await it.files.fetch(signed(blobs), held())
        for connection in blobs.connections:  # none, if the machine was so busy
            assert await connection.gone_within(5)


async def test_slow_redirects_share_one_time_limit() -> None:
    async def pause(_: object) -> None:
        await asyncio.sleep(0.08)

    hop: Script = [pause, *redirect("/again")]
    async with storage(hop, hop, hop, content(DATA)) as blobs, world(fetch=0.2) as it:
        with pytest.raises(TotalTimeout):
            await it.files.fetch(signed(blobs), held())


async def test_silent_storage_is_given_up() -> None:
    async with storage([stall()]) as blobs, world(fetch=0.3) as it:
        with pytest.raises(TotalTimeout):
            await it.files.fetch(signed(blobs), held())
        for connection in blobs.connections:  # none, if the machine was so busy
            assert await connection.gone_within(5)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (403, AddressExpired),
        (404, FileMissing),
        (410, FileMissing),
        (400, TransferRefused),
        (304, TransferRefused),
        (500, TransferRefused),
        (503, TransferRefused),
    ],
)
async def test_refusals_of_the_storage_have_their_errors(code: int, error: type[Exception]) -> None:
    body = f"<Error>{SIGNATURE}</Error>".encode()
    refusal = [
        status(code, {"Content-Type": "application/xml", "Content-Length": str(len(body))}),
        send(body),
    ]
    async with storage(refusal) as blobs, world() as it:
        with pytest.raises(error) as caught:
            await it.files.fetch(signed(blobs), held())
    assert_discreet(caught)
    if error is TransferRefused:
        assert f"status {code}" in str(caught.value)


async def test_reset_in_mid_body_is_a_lost_connection() -> None:
    script = [status(200, {"Content-Length": "1000"}), send(DATA), rst()]
    async with storage(script) as blobs, world() as it:
        with pytest.raises(ConnectionLost) as caught:
            await it.files.fetch(signed(blobs), held())
    assert caught.value.phase == "body"
    assert_discreet(caught)


async def test_body_that_ends_early_is_a_lost_connection() -> None:
    async with storage([status(200, CHUNKED), chunk(DATA)]) as blobs, world() as it:
        with pytest.raises(ConnectionLost):
            await it.files.fetch(signed(blobs), held())


async def test_storage_that_is_not_there_is_a_failed_connect() -> None:
    async with world() as it:
        with pytest.raises(ConnectFailed) as caught:
            await it.files.fetch(f"{refusing_address()}/blob?sig={SIGNATURE}", held())
    assert_discreet(caught)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "data:text/plain,x",
        "javascript:alert(1)",
        "sandbox:/mnt/data/x",
        "http://",
        "http:",
        "https:///x",
        "//:80/x",
        "http://:80/x",
        "http://user@127.0.0.1/x",
        "http://user:pass@127.0.0.1/x",
        "//user:pass@127.0.0.1/x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:port/x",
        "http://[::1/x",
    ],
)
async def test_address_that_is_not_to_be_followed_is_refused_unfollowed(address: str) -> None:
    async with world() as it:
        with pytest.raises(AddressRefused) as caught:
            await it.files.fetch(address, held())
        assert it.requests == []
    assert "pass" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/files/a?sig=1", "/files/a?sig=1"),
        ("files/a?sig=1", f"/{PREFIX}/files/a?sig=1"),
        ("/backend-api/estuary/content?id=a&sig=1", f"/{PREFIX}/backend-api/estuary/content?id=a&sig=1"),
        ("/files/报 告.csv#part", "/files/%E6%8A%A5%20%E5%91%8A.csv"),
    ],
)
async def test_relative_address_is_the_backend_s_own(address: str, path: str) -> None:
    async with world(content(DATA)) as it:
        assert (await it.files.fetch(address, held())).data == DATA
        (request,) = it.requests
    assert request.path == path
    assert "authorization" not in request.headers


async def test_address_on_the_backend_s_own_host_gets_no_key_either() -> None:
    async with world(content(DATA)) as it:
        await it.files.fetch(signed(it.server), held())
        assert "authorization" not in it.requests[0].headers


ESTUARY = f"/{PREFIX}/backend-api/estuary/content"


@pytest.mark.parametrize(
    "address",
    [
        "/backend-api/estuary/content?id=a&sig=1",
        "https://official.example/backend-api/estuary/content?id=a&sig=1",
        f"https://proxy.example/{PREFIX}/backend-api/estuary/content?id=a&sig=1",
    ],
)
async def test_file_in_the_backend_s_own_keeping_is_asked_of_it_with_the_key(address: str) -> None:
    async with world(content(DATA)) as it:
        assert it.files.needs_key(address)
        assert (await it.files.fetch(address, held(), ME)).data == DATA
        (request,) = it.requests
    assert request.path == f"{ESTUARY}?id=a&sig=1"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "path", ["/backend-api/estuary/../me", "/backend-api/estuary/%2e%2e/me", "/backend-api/me", "/blob"]
)
async def test_no_other_address_gets_the_key(path: str) -> None:
    async with storage(content(DATA)) as blobs, world() as it:
        address = signed(blobs, path)
        assert not it.files.needs_key(address)
        await it.files.fetch(address, held(), ME)
        (request,) = requests_of(blobs)
    assert "authorization" not in request.headers


async def test_key_stays_behind_where_the_backend_redirects_to_another_host() -> None:
    async with storage(content(DATA)) as blobs, world(redirect(signed(blobs))) as it:
        await it.files.fetch("/backend-api/estuary/content?id=a", held(), ME)
        (request,) = requests_of(blobs)
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    "not_yet", [status(403, {"Content-Length": "0"}), status(404, {"Content-Length": "0"})]
)
async def test_file_in_the_backend_s_own_keeping_may_be_there_only_later(not_yet: Verb) -> None:
    async with world([not_yet], [not_yet], content(DATA)) as it:
        assert (await it.files.fetch("/backend-api/estuary/content?id=a", held(), ME)).data == DATA


async def test_address_that_is_none_needs_no_key() -> None:
    async with world() as it:
        assert not it.files.needs_key("ftp://x/backend-api/estuary/content")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirect_is_followed_to_another_host(code: int) -> None:
    async with (
        storage(content(DATA)) as blobs,
        storage(redirect(signed(blobs), code)) as front,
        world() as it,
    ):
        assert (await it.files.fetch(signed(front), held())).data == DATA
        assert [request.method for request in requests_of(blobs)] == ["GET"]


async def test_relative_redirect_stays_on_the_host_that_sent_it() -> None:
    async with storage(redirect("../b?x=1"), content(DATA)) as blobs, world() as it:
        await it.files.fetch(signed(blobs, "/files/deep/a"), held())
        assert requests_of(blobs)[1].path == "/files/b?x=1"
        assert it.requests == []


async def test_api_path_in_a_redirect_of_another_host_is_not_the_backend_s() -> None:
    async with storage(redirect("/backend-api/x"), content(DATA)) as blobs, world() as it:
        await it.files.fetch(signed(blobs), held())
        assert requests_of(blobs)[1].path == "/backend-api/x"


async def test_three_redirects_are_followed() -> None:
    async with storage(*[redirect("/again")] * 3, content(DATA)) as blobs, world() as it:
        assert (await it.files.fetch(signed(blobs), held())).data == DATA


async def test_fourth_redirect_is_refused() -> None:
    async with storage(redirect("/again")) as blobs, world() as it:
        with pytest.raises(AddressRefused):
            await it.files.fetch(signed(blobs), held())
        assert len(blobs.connections) == 4


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/x", "http://me:pw@127.0.0.1/", "file:///etc/passwd"])
async def test_redirect_to_where_we_do_not_go_is_refused(location: str) -> None:
    async with storage(redirect(location)) as blobs, world() as it:
        with pytest.raises(AddressRefused):
            await it.files.fetch(signed(blobs), held())
        assert len(blobs.connections) == 1


async def test_redirect_without_a_location_is_a_refusal() -> None:
    async with storage([status(302, {"Content-Length": "0"})]) as blobs, world() as it:
        with pytest.raises(TransferRefused):
            await it.files.fetch(signed(blobs), held())


@pytest.mark.parametrize(
    "script",
    [
        [stall()],
        [status(200, {"Content-Length": "1000"}), stall()],
        [status(200, {"Content-Length": "1000"}), send(DATA), stall()],
    ],
    ids=["no headers", "no body", "in the body"],
)
async def test_cancelling_closes_the_socket(script: list[Verb]) -> None:
    async with storage(script) as blobs, world() as it:
        task = asyncio.create_task(it.files.fetch(signed(blobs), held()))
        connection = await blobs.connected()
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await connection.gone_within(5)


async def test_closing_the_client_ends_a_fetch() -> None:
    async with nothing_left(), ScriptedServer([stall()]) as blobs, world() as it:
        task = asyncio.create_task(it.files.fetch(signed(blobs), held()))
        connection = await blobs.connected()
        it.client.close()
        with pytest.raises(Exception, match="aborted"):
            await task
        assert await connection.gone_within(5)


async def test_key_is_known_to_nobody_but_the_backend() -> None:
    """Whatever a signed address says, even on a redirect back to the backend."""
    async with world(content(DATA)) as it, storage(redirect(signed(it.server))) as front:
        await it.files.fetch(signed(front), held())
        assert KEY not in str(it.requests + requests_of(front))


async def test_bytes_wait_for_room_beside_what_is_held_already() -> None:
    room = ByteBudget(2 * len(DATA), largest=10 * len(DATA))
    other, kept = room.hold(), room.hold()
    assert other.grow_to(1) is None
    assert kept.grow_to(2 * len(DATA)) is None
    async with storage(content(DATA)) as blobs, world() as it:
        fetching = asyncio.ensure_future(it.files.fetch(signed(blobs), kept))
        await eventually(lambda: kept.waits)
        other.release()
        assert (await fetching).data == DATA
    assert kept.size == room.used == 3 * len(DATA)


async def test_download_for_which_there_is_no_room_in_time_fails_and_closes_its_socket() -> None:
    room = ByteBudget(10, patience=0.05)
    other, kept = room.hold(), room.hold()
    assert other.grow_to(1) is None
    async with storage([status(200), flood(bytes(1000))]) as blobs, world() as it:
        with pytest.raises(FileHasNoRoom, match="no room"):
            await it.files.fetch(signed(blobs), kept)
        assert await blobs.connections[0].gone_within(5)
