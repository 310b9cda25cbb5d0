"""What is kept is served to whoever has the link, and to nobody's harm."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from media import (
    MediaStore,
    public_path,
)
from tests.eventually import eventually
from tests.media.pictures import png
from tests.raw_client import Answer
from tests.service.deployment import Deployment, deployed

PNG = png()
LARGE = bytes(range(256)) * (48 << 10)  # 12 MiB, more than the buffers of both ends of a connection


class Media:
    """A service, and its store."""

    def __init__(self, service: Deployment) -> None:
        self.service = service
        self.store: MediaStore = service.server.service.media

    async def add(self, data: bytes, filename: str = "") -> str:
        """Store something; gives the path of its link."""
        return public_path(await self.store.save(data, filename))

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        """Ask as a browser does that follows a link: without any key."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.service.ask(method, path, given, key="")


@asynccontextmanager
async def serving(root: Path, env: Mapping[str, str] | None = None) -> AsyncIterator[Media]:
    async with deployed({"STATE_DIR": str(root), **(env or {})}) as service:
        yield Media(service)


async def test_picture_is_shown_in_place_and_may_be_cached_for_long(tmp_path: Path) -> None:
    async with serving(tmp_path, {"API_PREFIX": "secret", "MEDIA_MAX_AGE": "3600"}) as media:
        path = await media.add(PNG, "a cat.png")
        assert path.startswith("/images/")
        answer = await media.get(path)
        assert (answer.status, answer.body) == (200, PNG)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["content-length"] == str(len(PNG))
        assert answer.headers["content-disposition"] == 'inline; filename="a_cat.png"'
        assert answer.headers["cache-control"] == "public, max-age=3600, immutable"


async def test_what_is_kept_for_ever_may_be_cached_for_a_year(tmp_path: Path) -> None:
    async with serving(tmp_path, {"MEDIA_MAX_AGE": "0"}) as media:
        assert "max-age=31536000" in (await media.get(await media.add(PNG))).headers["cache-control"]


async def test_every_answer_forbids_scripts_and_guessing_and_lets_other_origins_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        for path in (await media.add(PNG), await media.add(b"<script>", "x.html"), "/files/unknown"):
            headers = (await media.get(path, Origin="https://chat.example")).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"] == "sandbox; default-src 'none'"
            assert headers["cross-origin-resource-policy"] == "cross-origin"
            assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("data", "filename", "served_as"),
    [
        (b"a,b\n", "sales.csv", "text/plain"),
        (b"%PDF-1.7\n", "report.pdf", "application/pdf"),
        (b"\0\0\0\x18ftypisom", "film.mp4", "video/mp4"),
        (b"<html><script>", "x.html", "application/octet-stream"),
        (b"<svg onload='x'>", "x.svg", "application/octet-stream"),
        (b"<html><script>", "x.png", "application/octet-stream"),
        (b"PK\x03\x04", "book.xlsx", "application/octet-stream"),
        (b"\x7fELF\0", "tool", "application/octet-stream"),
        (b"", "empty.txt", "application/octet-stream"),
    ],
)
async def test_all_but_pictures_is_a_download_of_a_type_that_nobody_runs(
    tmp_path: Path, data: bytes, filename: str, served_as: str
) -> None:
    async with serving(tmp_path) as media:
        answer = await media.get(await media.add(data, filename))
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["content-type"] == served_as
        assert answer.headers["content-disposition"].startswith("attachment; ")


async def test_download_keeps_its_chinese_name(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        answer = await media.get(await media.add(b"a,b\n", "销售.csv"))
        expected = "attachment; filename=\"__.csv\"; filename*=UTF-8''%E9%94%80%E5%94%AE.csv"
        assert answer.headers["content-disposition"] == expected


async def test_head_tells_the_same_without_the_body(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        path = await media.add(PNG)
        differing = {"x-request-id", "date"}
        get, head = await media.get(path), await media.get(path, method="HEAD")
        assert head.status == 200
        assert {name: value for name, value in head.header_lines if name not in differing} == {
            name: value for name, value in get.header_lines if name not in differing
        }
        ranged = await media.get(path, method="HEAD", Range="bytes=0-1")
        assert (ranged.status, ranged.headers["content-length"]) == (200, str(len(PNG)))


@pytest.mark.parametrize(
    "name",
    [
        "0" * 32 + ".png",
        "unknown",
        "..",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e%2fsettings.py",
        "a%00b",
        "%0d%0aSet-Cookie:x",
        "x" * 300,
        "0" * 32 + "-" + "x" * 300 + ".png",
        "0" * 32 + ".png%2f..",
    ],
)
async def test_unknown_name_is_a_404_in_json_that_is_not_cached(tmp_path: Path, name: str) -> None:
    async with serving(tmp_path) as media:
        await media.add(PNG)
        for room in ("images", "files"):
            answer = await media.get(f"/{room}/{name}")
            assert answer.status == 404
            assert answer.headers["cache-control"] == "no-store"
            assert "retry-after" not in answer.headers
            assert answer.error["code"] == "file_not_found"
            assert str(tmp_path) not in answer.error["message"]


async def test_file_that_has_aged_out_is_a_404(tmp_path: Path) -> None:
    async with serving(tmp_path, {"MEDIA_MAX_AGE": "60"}) as media:
        name = await media.store.save(PNG)
        os.utime(tmp_path / "media" / name, (0, 0))
        assert (await media.get(public_path(name))).status == 404


async def test_link_that_is_followed_before_its_file_has_come_waits_for_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        name = media.store.reserve("a.csv")
        early = asyncio.ensure_future(media.get(public_path(name)))
        await asyncio.sleep(0.05)
        assert not early.done()
        await media.store.fill(name, b"a,b\n")
        assert (await early).body == b"a,b\n"


async def test_file_that_does_not_come_is_a_404_that_says_when_to_ask_again(tmp_path: Path) -> None:
    store = MediaStore(
        tmp_path, max_file_bytes=1, max_total_bytes=1, max_age_seconds=0, fill_wait_seconds=0.01
    )
    async with deployed(adapt=lambda parts: replace(parts, media=store)) as service:
        answer = await Media(service).get(public_path(store.reserve("a.csv")))
        assert (answer.status, answer.headers["retry-after"]) == (404, "2")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=2-5", 2, 5),
        ("bytes=5-", 5, 99),
        ("bytes=-3", 97, 99),
        ("bytes=-1000", 0, 99),
        ("bytes=90-1000", 90, 99),
        ("bytes= 2 - 5", 2, 5),
    ],
)
async def test_range_gets_exactly_its_bytes(tmp_path: Path, asked: str, first: int, last: int) -> None:
    data = bytes(range(100))
    async with serving(tmp_path) as media:
        answer = await media.get(await media.add(data), Range=asked)
        assert (answer.status, answer.body) == (206, data[first : last + 1])
        assert answer.headers["content-range"] == f"bytes {first}-{last}/100"
        assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    "asked",
    ["", "bytes=", "bytes=-", "bytes=x-y", "bytes=5-2", "bytes=0-1,5-6", "lines=1-2", "bytes=" + "9" * 50],
)
async def test_range_that_cannot_be_read_gets_the_whole_file(tmp_path: Path, asked: str) -> None:
    async with serving(tmp_path) as media:
        answer = await media.get(await media.add(bytes(100)), Range=asked)
        assert (answer.status, len(answer.body)) == (200, 100)
        assert "content-range" not in answer.headers


async def test_range_of_an_empty_file_gets_all_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        answer = await media.get(await media.add(b"", "empty.txt"), Range="bytes=0-")
        assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
async def test_range_behind_the_end_is_a_416_that_tells_the_size(tmp_path: Path, asked: str) -> None:
    async with serving(tmp_path) as media:
        answer = await media.get(await media.add(bytes(100)), Range=asked)
        assert (answer.status, answer.headers["content-range"]) == (416, "bytes */100")
        assert "100 bytes" in answer.error["message"]
        assert "content-disposition" not in answer.headers


async def test_download_is_resumed_only_if_it_is_still_the_same_file(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        path = await media.add(bytes(100))
        etag = (await media.get(path)).headers["etag"]
        assert (await media.get(path, Range="bytes=50-", If_Range=etag)).status == 206
        assert (await media.get(path, Range="bytes=50-", If_Range='"another"')).status == 200


async def test_browser_that_has_the_file_is_told_to_keep_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        path = await media.add(PNG)
        etag = (await media.get(path)).headers["etag"]
        answer = await media.get(path, If_None_Match=etag)
        assert (answer.status, answer.body) == (304, b"")
        assert (await media.get(path, If_None_Match='"another"')).status == 200


async def test_other_methods_are_a_405_and_preflight_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as media:
        path = await media.add(PNG)
        refused = await media.get(path, method="DELETE")
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert (await media.get(path, method="OPTIONS")).status == 204
        assert (await media.get(path)).status == 200


async def test_large_file_is_read_no_faster_than_the_client_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_bytes = 0
    pread = os.pread

    def counted(descriptor: int, length: int, offset: int) -> bytes:
        nonlocal read_bytes
        data = pread(descriptor, length, offset)
        read_bytes = max(read_bytes, offset + len(data))
        return data

    async with serving(tmp_path) as media, media.service.connect(receive_buffer=1 << 17) as client:
        path = await media.add(LARGE)
        monkeypatch.setattr(os, "pread", counted)
        await client.send("GET", path, {})
        await client.read_head()
        before = -1
        while read_bytes != before:  # until the buffers on the way are full
            before = read_bytes
            await asyncio.sleep(0.1)
        assert read_bytes < len(LARGE)
        assert await client.read_rest() == LARGE
        assert read_bytes == len(LARGE)


async def test_event_loop_goes_on_while_the_disk_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_go_on = threading.Event(), threading.Event()
    pread = os.pread

    def slow(descriptor: int, length: int, offset: int) -> bytes:
        asked.set()
        assert may_go_on.wait(60), "the event loop is blocked by the disk"
        return pread(descriptor, length, offset)

    async with serving(tmp_path) as media:
        path = await media.add(PNG)
        monkeypatch.setattr(os, "pread", slow)
        download = asyncio.ensure_future(media.get(path))
        await eventually(asked.is_set)
        assert (await media.get("/healthz")).status == 200
        assert not download.done()
        may_go_on.set()
        assert (await download).body == PNG


def open_files(folder: Path) -> int:
    """How many files of the folder this process has open."""
    found = 0
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # closed since, as the listing itself
            found += os.readlink(f"/proc/self/fd/{number}").startswith(f"{folder}/")
    return found


async def test_client_that_leaves_in_mid_download_is_counted_as_gone_and_frees_the_file(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as media:
        path = await media.add(LARGE)
        before = open_files(tmp_path / "media")
        async with media.service.connect(receive_buffer=4096) as client:
            await client.send("GET", path, {})
            await client.read_head()
            assert open_files(tmp_path / "media") == before + 1
            client.close(reset=True)
        await eventually(lambda: media.service.requests("client_gone", "media") == 1)
        await eventually(lambda: open_files(tmp_path / "media") == before)


async def test_client_that_stops_reading_is_cut_off(tmp_path: Path) -> None:
    async with serving(tmp_path, {"WRITE_TIMEOUT": "0.2"}) as media:
        path = await media.add(LARGE)
        async with media.service.connect(receive_buffer=4096) as client:
            await client.send("GET", path, {})
            await client.read_head()
            await eventually(lambda: media.service.requests("client_gone", "media") == 1)
            with pytest.raises((EOFError, ConnectionError)):
                await client.read_rest()


async def test_file_that_shrinks_while_it_is_sent_ends_in_a_cut_and_not_in_silence(
    tmp_path: Path, loud_log: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as media, media.service.connect(receive_buffer=4096) as client:
        path = await media.add(LARGE)
        await client.send("GET", path, {})
        await client.read_head()
        os.truncate(tmp_path / "media" / path.rpartition("/")[2], 1000)
        with pytest.raises(EOFError):
            await client.read_rest()
        assert "a stored file cannot be read" in loud_log.text
        assert str(tmp_path) not in loud_log.text


async def test_names_of_files_reach_neither_log_nor_metrics(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(tmp_path) as media:
        path = await media.add(b"a,b\n", "canary.csv")
        await media.get(path)
        await media.get(path.replace("canary", "canary2"))
        assert b"canary" not in (await media.get("/metrics")).body
        assert "canary" not in caplog.text
        assert media.service.requests("ok", "media") == 1
        assert media.service.requests("invalid", "media") == 1
