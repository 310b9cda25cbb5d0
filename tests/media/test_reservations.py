"""Links that are shown before their bytes have come."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from media.errors import NotStored, NotYetStored, StoreFailed, TooBig
from media.store import MediaStore
from tests.media.pictures import png
from tests.media.stores import Clock, small_store
from tests.runtime.disk import full_disk


@pytest.fixture
def store(root: Path) -> MediaStore:
    return MediaStore(root, max_file_bytes=10_000, max_total_bytes=100_000, max_age_seconds=1000)


async def first_bytes(store: MediaStore, name: str) -> bytes:
    file = await store.open(name)
    try:
        return await file.read(0, 4)
    finally:
        file.close()


async def test_reserved_name_has_the_original_extension_and_is_kept_by_the_fill(store: MediaStore) -> None:
    name = store.reserve("sales.csv")
    assert re.fullmatch(r"[0-9a-f]{32}-sales\.csv", name)
    await store.fill(name, b"a,b\n")
    assert await first_bytes(store, name) == b"a,b\n"


async def test_type_is_that_of_the_bytes_and_not_of_the_reserved_name(store: MediaStore) -> None:
    name = store.reserve("cat.png")
    await store.fill(name, b"<html><script>")
    file = await store.open(name)
    assert file.media_type == "text/html"
    file.close()


async def test_reader_who_comes_early_waits_for_the_bytes(store: MediaStore) -> None:
    name = store.reserve("a.txt")
    readers = [asyncio.ensure_future(first_bytes(store, name)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert not any(reader.done() for reader in readers)
    await store.fill(name, b"here")
    assert await asyncio.gather(*readers) == [b"here"] * 3


async def test_early_reader_who_leaves_does_not_spoil_it_for_the_others(store: MediaStore) -> None:
    name = store.reserve("a.txt")
    leaving, staying = (asyncio.ensure_future(first_bytes(store, name)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    await store.fill(name, b"here")
    assert await staying == b"here"


async def test_wait_is_bounded_and_the_name_stays_reserved(root: Path) -> None:
    store = MediaStore(
        root, max_file_bytes=100, max_total_bytes=100, max_age_seconds=0, fill_wait_seconds=0.01
    )
    name = store.reserve("a.txt")
    with pytest.raises(NotYetStored):
        await store.open(name)
    await store.fill(name, b"late")
    assert await first_bytes(store, name) == b"late"


async def test_dropped_name_is_told_at_once_to_those_who_wait(store: MediaStore) -> None:
    name = store.reserve("a.txt")
    reader = asyncio.ensure_future(first_bytes(store, name))
    await asyncio.sleep(0.01)
    store.drop(name)
    with pytest.raises(NotStored) as failure:
        await reader
    assert not isinstance(failure.value, NotYetStored)
    with pytest.raises(NotStored):
        await store.fill(name, b"too late")


async def test_dropping_a_name_that_is_not_reserved_changes_nothing(store: MediaStore) -> None:
    name = await store.save(b"here")
    store.drop(name)
    store.drop("anything")
    assert await first_bytes(store, name) == b"here"


async def test_name_that_was_never_reserved_cannot_be_filled(store: MediaStore, root: Path) -> None:
    for name in ("0" * 32 + ".txt", "../x", await store.save(b"x")):
        with pytest.raises(NotStored):
            await store.fill(name, b"y")
    assert len(os.listdir(root)) == 1


async def test_name_cannot_be_filled_twice(store: MediaStore) -> None:
    name = store.reserve("a.txt")
    await store.fill(name, b"once")
    with pytest.raises(NotStored):
        await store.fill(name, b"twice")
    assert await first_bytes(store, name) == b"once"


async def test_fill_that_fails_drops_the_name(store: MediaStore) -> None:
    name = store.reserve("a.bin")
    with pytest.raises(TooBig):
        await store.fill(name, bytes(10_001))
    with pytest.raises(NotStored):
        await store.open(name)


async def test_fill_for_which_there_is_no_room_drops_the_name(
    store: MediaStore,
) -> None:
    name = store.reserve("b.bin")
    reader = asyncio.ensure_future(first_bytes(store, name))
    await asyncio.sleep(0)
    with full_disk(0), pytest.raises(StoreFailed):
        await store.fill(name, b"x")
    with pytest.raises(NotStored):
        await reader


async def test_reservation_that_nobody_fills_is_given_up(root: Path, clock: Clock) -> None:
    store = small_store(root, clock)
    name = store.reserve("a.txt")
    clock.now += 1000
    await store.sweep()
    with pytest.raises(NotStored):
        await store.fill(name, png())
