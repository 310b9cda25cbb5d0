"""What is remembered of uploads, for how long, and for whom."""

import asyncio
import hashlib
from dataclasses import dataclass, field

import pytest

from accounts import Credential
from tests.eventually import eventually
from tests.upstream.rig import KEY, ME
from upstream import ConnectionLost, UpstreamError
from upstream.files.upload_cache import (
    HASH_IN_THREAD_BYTES,
    MAX_AGE_SECONDS,
    TRUSTED_SECONDS,
    Identity,
    StoredFile,
    UploadCache,
)

pytestmark = pytest.mark.timeout(seconds=60)

PICTURE = Identity("account", b"content", "multimodal", "")


@dataclass
class Backend:
    """Gives ids in order; each store waits for `open`, if that is cleared."""

    now: float = 0.0
    stored: int = 0
    looks: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    trouble: UpstreamError | None = None
    cancelled: int = 0
    max_entries: int = 100
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.cache = UploadCache(lambda: self.now, max_entries=self.max_entries)
        self.open.set()

    async def store(self) -> StoredFile:
        self.stored += 1
        mine = StoredFile(f"file-{self.stored}")
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.trouble:
            raise self.trouble
        return mine

    async def is_there(self, file_id: str) -> bool:
        self.looks.append(file_id)
        await self.open.wait()
        if self.trouble:
            raise self.trouble
        return file_id not in self.gone

    async def obtain(self, identity: Identity = PICTURE) -> str:
        return (await self.cache.obtain(identity, self)).file_id

    def start(self, identity: Identity = PICTURE) -> "asyncio.Task[str]":
        return asyncio.create_task(self.obtain(identity))


async def test_second_upload_of_the_same_is_remembered() -> None:
    backend = Backend()
    assert [await backend.obtain(), await backend.obtain()] == ["file-1", "file-1"]
    assert backend.stored == 1
    assert backend.looks == []


@pytest.mark.parametrize(
    "other",
    [
        Identity("another account", b"content", "multimodal", ""),
        Identity("account", b"other content", "multimodal", ""),
        Identity("account", b"content", "my_files", ""),
        Identity("account", b"content", "multimodal", "name"),
    ],
)
async def test_anything_else_is_stored_for_itself(other: Identity) -> None:
    backend = Backend()
    assert [await backend.obtain(), await backend.obtain(other)] == ["file-1", "file-2"]


async def test_file_seen_lately_is_not_looked_for() -> None:
    backend = Backend()
    await backend.obtain()
    backend.now += TRUSTED_SECONDS - 1
    assert await backend.obtain() == "file-1"
    assert backend.looks == []


async def test_file_not_seen_for_some_minutes_is_looked_for_and_trusted_again() -> None:
    backend = Backend()
    await backend.obtain()
    backend.now += TRUSTED_SECONDS
    assert await backend.obtain() == "file-1"
    backend.now += TRUSTED_SECONDS - 1
    assert await backend.obtain() == "file-1"
    assert backend.looks == ["file-1"]
    assert backend.stored == 1


async def test_file_that_is_gone_is_stored_anew() -> None:
    backend = Backend(gone={"file-1"})
    await backend.obtain()
    backend.now += TRUSTED_SECONDS
    assert await backend.obtain() == "file-2"
    assert await backend.obtain() == "file-2"


async def test_file_that_cannot_be_looked_for_is_taken_to_be_there() -> None:
    backend = Backend()
    await backend.obtain()
    backend.now += TRUSTED_SECONDS
    backend.trouble = ConnectionLost("body", "reset")
    assert await backend.obtain() == "file-1"
    assert await backend.obtain() == "file-1"
    assert backend.looks == ["file-1", "file-1"]  # it was not seen, so it is not trusted either


async def test_old_file_is_stored_anew_even_if_it_was_always_in_use() -> None:
    backend = Backend()
    await backend.obtain()
    while backend.now < MAX_AGE_SECONDS:
        backend.now += TRUSTED_SECONDS
        last = await backend.obtain()
    assert last == "file-2"
    assert "file-2" not in backend.looks


async def test_failure_is_raised_and_not_remembered() -> None:
    backend = Backend(trouble=ConnectionLost("body", "reset"))
    with pytest.raises(ConnectionLost):
        await backend.obtain()
    backend.trouble = None
    assert await backend.obtain() == "file-2"


async def test_least_recently_used_is_forgotten_first() -> None:
    backend = Backend(max_entries=2)
    first, second, third = (Identity("account", bytes([n]), "multimodal", "") for n in range(3))
    for identity in (first, second, first, third):
        await backend.obtain(identity)
    assert await backend.obtain(first) == "file-1"
    assert await backend.obtain(second) == "file-4"


async def test_callers_at_the_same_time_share_one_upload() -> None:
    backend = Backend()
    backend.open.clear()
    callers = [backend.start() for _ in range(5)]
    await asyncio.sleep(0)
    backend.open.set()
    assert await asyncio.gather(*callers) == ["file-1"] * 5
    assert backend.stored == 1


async def test_callers_at_the_same_time_share_one_look() -> None:
    backend = Backend()
    await backend.obtain()
    backend.now += TRUSTED_SECONDS
    assert await asyncio.gather(*(backend.obtain() for _ in range(5))) == ["file-1"] * 5
    assert backend.looks == ["file-1"]


async def test_callers_at_the_same_time_share_a_failure() -> None:
    backend = Backend(trouble=ConnectionLost("body", "reset"))
    results = await asyncio.gather(*(backend.obtain() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionLost] * 3
    assert backend.stored == 1


async def test_upload_goes_on_while_one_caller_still_waits() -> None:
    backend = Backend()
    backend.open.clear()
    leaving, staying = backend.start(), backend.start()
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    backend.open.set()
    assert await staying == "file-1"
    assert (backend.stored, backend.cancelled) == (1, 0)


async def test_upload_is_cancelled_when_the_last_caller_leaves() -> None:
    backend = Backend()
    backend.open.clear()
    callers = [backend.start(), backend.start()]
    await asyncio.sleep(0.01)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await eventually(lambda: backend.cancelled == 1)
    backend.open.set()
    assert await backend.obtain() == "file-2"


async def test_caller_who_comes_right_after_the_last_one_left_gets_an_upload_of_his_own() -> None:
    backend = Backend()
    backend.open.clear()
    leaving = backend.start()
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    coming = backend.start()
    backend.open.set()
    assert await coming == "file-2"


async def test_failure_that_nobody_waits_for_leaves_the_log_quiet() -> None:
    """The log is looked at after each test."""
    backend = Backend(trouble=ConnectionLost("body", "reset"))
    backend.open.clear()
    caller = backend.start()
    await asyncio.sleep(0.01)
    backend.open.set()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    await asyncio.sleep(0.01)


async def test_cancelled_look_does_not_forget_the_file() -> None:
    backend = Backend()
    await backend.obtain()
    backend.now += TRUSTED_SECONDS
    backend.open.clear()
    looking = backend.start()
    await asyncio.sleep(0.01)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    backend.open.set()
    assert await backend.obtain() == "file-1"


async def test_identity_tells_accounts_and_contents_apart_without_holding_them() -> None:
    cache = UploadCache(lambda: 0.0)
    mine = await cache.identify(ME, b"canary-content", "multimodal", "")
    assert mine == await cache.identify(ME, b"canary-content", "multimodal", "")
    assert mine != await cache.identify(Credential(KEY + "2"), b"canary-content", "multimodal", "")
    assert mine != await cache.identify(Credential(KEY, "workspace"), b"canary-content", "multimodal", "")
    assert mine != await cache.identify(ME, b"other", "multimodal", "")
    assert KEY not in repr(mine)
    assert "canary" not in repr(mine)


@pytest.mark.parametrize(("size", "off_the_loop"), [(1, False), (HASH_IN_THREAD_BYTES, True)])
async def test_only_large_content_is_hashed_off_the_loop(size: int, off_the_loop: bool) -> None:
    data = bytes(size)
    identifying = asyncio.create_task(UploadCache(lambda: 0.0).identify(ME, data, "", ""))
    await asyncio.sleep(0)
    assert identifying.done() != off_the_loop
    assert (await identifying).content == hashlib.sha256(data).digest()
