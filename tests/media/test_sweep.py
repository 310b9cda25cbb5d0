"""Sweeping: what is too old or too much goes, and nothing that the store did not make is touched."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from media.errors import NotStored
from media.store import MediaStore
from media.threads import in_thread
from tests.media.pictures import png
from tests.media.stores import SECRET, Clock, content, occupy, small_store


async def test_sweep_touches_nothing_that_is_not_the_stores_own(store: MediaStore, root: Path) -> None:
    outside, *inside = occupy(root)
    await store.sweep()
    assert set(os.listdir(root)) == {path.name for path in inside}
    assert await in_thread(outside.read_bytes) == SECRET


async def test_sweep_removes_what_is_too_old(store: MediaStore, root: Path, clock: Clock) -> None:
    old = await store.save(png(1))
    clock.now += 900
    young = await store.save(png(2))
    clock.now += 101
    await store.sweep()
    assert os.listdir(root) == [young]
    with pytest.raises(NotStored):
        await store.open(old)


async def test_age_of_zero_keeps_for_ever(root: Path, clock: Clock) -> None:
    store = small_store(root, clock)
    name = await store.save(png())
    clock.now += 1e9
    await store.sweep()
    assert await content(store, name) == png()


async def test_sweep_removes_the_oldest_above_the_total_and_makes_some_room(root: Path, clock: Clock) -> None:
    store = small_store(root, clock)
    names = []
    for _ in range(11):
        names.append(await store.save(bytes(100)))
        clock.now += 1
    await store.sweep()
    assert set(os.listdir(root)) == set(names[2:])  # nine tenths of the total


async def test_total_that_is_just_reached_removes_nothing(root: Path, clock: Clock) -> None:
    store = small_store(root, clock)
    for _ in range(10):
        await store.save(bytes(100))
    await store.sweep()
    assert len(os.listdir(root)) == 10


async def test_leftovers_of_a_crash_are_swept_but_not_what_is_being_written(
    store: MediaStore, root: Path, clock: Clock
) -> None:
    os.makedirs(root)
    for digit, age in (("a", 3601), ("b", 10)):
        leftover = root / f".{digit * 32}.part"
        await in_thread(leftover.write_bytes, b"half of a file")
        os.utime(leftover, (clock.now - age, clock.now - age))
    await store.sweep()
    assert os.listdir(root) == [f".{'b' * 32}.part"]


async def test_store_without_a_directory_can_be_swept_and_asked(store: MediaStore, tmp_path: Path) -> None:
    await store.sweep()
    with pytest.raises(NotStored):
        await store.open("0" * 32 + ".png")
    assert os.listdir(tmp_path) == []


class Watched(MediaStore):
    """Tells when it has swept."""

    def watch(self) -> None:
        self.swept = asyncio.Event()

    async def sweep(self) -> None:
        try:
            await super().sweep()
        finally:
            self.swept.set()

    async def next_sweep(self) -> None:
        self.swept.clear()
        await asyncio.wait_for(self.swept.wait(), 5)


async def test_started_store_sweeps_at_once_and_again_when_the_total_is_exceeded(
    root: Path, clock: Clock
) -> None:
    await small_store(root, clock).save(bytes(100))
    clock.now += 51
    store = Watched(root, max_file_bytes=100, max_total_bytes=1000, max_age_seconds=50, clock=clock)
    store.watch()
    store.start()
    await store.next_sweep()
    assert os.listdir(root) == []
    names = []
    for _ in range(11):
        names.append(await store.save(bytes(100)))
        clock.now += 1
    await store.next_sweep()
    assert set(os.listdir(root)) == set(names[2:])
    await store.close()


async def test_sweeping_goes_on_after_a_directory_that_cannot_be_read(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Watched(root, max_file_bytes=100, max_total_bytes=1000, max_age_seconds=50, sweep_seconds=0.001)
    store.watch()
    os.makedirs(root.parent)
    await in_thread(root.write_bytes, b"no directory")
    store.start()
    await store.next_sweep()
    assert "cannot be swept: Not a directory" in caplog.text
    assert str(root) not in caplog.text
    os.remove(root)
    old = time.time() - 51
    os.utime(root / await store.save(bytes(100)), (old, old))
    await store.next_sweep()
    await store.next_sweep()
    assert os.listdir(root) == []
    await store.close()


async def test_clock_that_is_a_year_ahead_removes_nothing_even_after_a_restart_and_a_new_file(
    store: MediaStore, root: Path, clock: Clock
) -> None:
    right = clock.now
    names = {await store.save(png(1)), await store.save(png(2))}
    clock.now += 400 * 86400
    await store.sweep()
    names.add(await store.save(png(3)))
    restarted = small_store(root, clock, max_age_seconds=1000)
    await restarted.sweep()
    assert set(os.listdir(root)) == names
    clock.now = right
    await restarted.sweep()
    for name in names:
        assert await content(restarted, name)


async def test_total_size_holds_whatever_the_clock_says(root: Path, clock: Clock) -> None:
    store = small_store(root, clock, max_age_seconds=1000)
    for _ in range(11):
        await store.save(bytes(100))
    clock.now += 400 * 86400
    await store.sweep()
    assert len(os.listdir(root)) == 9
