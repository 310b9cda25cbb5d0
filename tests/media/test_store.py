"""The store: what is in it is whole, under a name nobody can guess, and nobody else's file is touched."""

import asyncio
import errno
import os
import re
import secrets
import threading
from pathlib import Path

import pytest

import media.store
from media.errors import NotStored, StoreFailed, TooBig
from media.store import MediaStore
from media.threads import in_thread
from tests.media.pictures import png

SECRET = b"the contents of somebody else's file"


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state" / "media"


@pytest.fixture
def store(root: Path, clock: Clock) -> MediaStore:
    return MediaStore(
        root, max_file_bytes=32 << 20, max_total_bytes=1 << 30, max_age_seconds=1000, clock=clock
    )


def small_store(
    root: Path,
    clock: Clock,
    *,
    max_file_bytes: int = 100,
    max_total_bytes: int = 1000,
    max_age_seconds: float = 0,
) -> MediaStore:
    """Ten files of a hundred bytes fit in."""
    return MediaStore(
        root,
        max_file_bytes=max_file_bytes,
        max_total_bytes=max_total_bytes,
        max_age_seconds=max_age_seconds,
        clock=clock,
    )


async def content(store: MediaStore, name: str) -> bytes:
    """All of a stored file."""
    file = await store.open(name)
    try:
        return await file.read(0, file.size + 1)
    finally:
        file.close()


@pytest.fixture
def occupied(root: Path, tmp_path: Path) -> list[Path]:
    """Things in the store's directory that are not its own, all very old, and a file outside."""
    outside = tmp_path / "outside.png"
    outside.write_bytes(SECRET)
    root.mkdir(parents=True)
    link, fifo, folder = (root / f"{digit * 32}.png" for digit in "123")
    link.symlink_to(outside)
    os.mkfifo(fifo)
    folder.mkdir()
    foreign = root / "README.txt"
    foreign.write_bytes(SECRET)
    dangling = root / f".{'4' * 32}.part"
    dangling.symlink_to(outside)
    for path in (outside, foreign):
        os.utime(path, (0, 0))
    os.utime(link, (0, 0), follow_symlinks=False)
    os.utime(dangling, (0, 0), follow_symlinks=False)
    return [outside, link, fifo, folder, foreign, dangling]


async def test_saved_file_comes_back_with_its_type_and_size(store: MediaStore, clock: Clock) -> None:
    stored = await store.save(png(), "a cat.png")
    assert re.fullmatch(r"[0-9a-f]{32}-a_cat\.png", stored.name)
    assert (stored.media_type, stored.size) == ("image/png", len(png()))
    file = await store.open(stored.name)
    assert (file.name, file.media_type, file.size) == (stored.name, "image/png", len(png()))
    assert file.modified == clock.now
    assert await file.read(1, 3) == b"PNG"
    assert await file.read(file.size, 10) == b""
    file.close()


async def test_fifty_saves_at_once_get_fifty_names_and_each_its_own_bytes(store: MediaStore) -> None:
    pictures = [png(width) for width in range(1, 51)]
    stored = await asyncio.gather(*(store.save(picture) for picture in pictures))
    assert len({item.name for item in stored}) == 50
    for item, picture in zip(stored, pictures, strict=True):
        assert await content(store, item.name) == picture


async def test_same_bytes_saved_twice_get_two_names(store: MediaStore) -> None:
    assert (await store.save(png())).name != (await store.save(png())).name


async def test_nothing_but_whole_files_is_in_the_directory_afterwards(store: MediaStore, root: Path) -> None:
    stored = await store.save(png())
    assert os.listdir(root) == [stored.name]
    assert (root / stored.name).stat().st_mode & 0o137 == 0


async def test_empty_file_is_a_file(store: MediaStore) -> None:
    assert await content(store, (await store.save(b"", "empty.txt")).name) == b""


async def test_file_above_the_limit_is_refused_and_leaves_nothing(root: Path) -> None:
    store = small_store(root, Clock(), max_file_bytes=10)
    await store.save(bytes(10))
    with pytest.raises(TooBig, match="11 bytes; the limit is 10 bytes"):
        await store.save(bytes(11))
    assert len(os.listdir(root)) == 1


async def test_full_disk_in_mid_file_leaves_nothing_behind(
    store: MediaStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def fills_up(descriptor: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:10])

    monkeypatch.setattr(os, "write", fills_up)
    with pytest.raises(StoreFailed, match="No space left on device") as failure:
        await store.save(png())
    assert str(root) not in str(failure.value)
    assert os.listdir(root) == []
    monkeypatch.undo()
    assert await content(store, (await store.save(png())).name) == png()


async def test_directory_that_cannot_be_made_is_a_failure_to_store(root: Path, store: MediaStore) -> None:
    root.parent.write_bytes(b"a file is where the directory should be")
    with pytest.raises(StoreFailed):
        await store.save(png())


async def test_file_is_visible_under_its_name_only_when_it_is_whole(
    store: MediaStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    flush = os.fsync

    def look_and_flush(descriptor: int) -> None:
        seen.extend(os.listdir(root))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", look_and_flush)
    stored = await store.save(png())
    assert seen == [f".{stored.name[:32]}.part"]


async def test_link_in_the_way_of_a_new_file_is_not_written_through(
    store: MediaStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "a" * size * 2)
    outside = tmp_path / "outside"
    await in_thread(outside.write_bytes, SECRET)
    os.makedirs(root)
    os.symlink(outside, root / f".{'a' * 32}.part")
    with pytest.raises(StoreFailed):
        await store.save(png())
    assert await in_thread(outside.read_bytes) == SECRET


async def test_event_loop_goes_on_while_twenty_megabytes_are_stored(
    store: MediaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticked = threading.Event()
    flush = os.fsync

    def flush_when_the_loop_has_ticked(descriptor: int) -> None:
        assert ticked.wait(10), "the event loop is blocked by the save"
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", flush_when_the_loop_has_ticked)
    saving = asyncio.ensure_future(store.save(bytes(20 << 20)))
    for _ in range(50):
        await asyncio.sleep(0.001)
    assert not saving.done()
    ticked.set()
    assert (await saving).size == 20 << 20


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../outside.png",
        "README.txt",
        "0" * 32 + ".png",
        "0" * 32 + ".png\0",
        "%2e%2e",
        "x" * 300,
    ],
)
async def test_unknown_and_hostile_names_are_simply_not_stored(
    store: MediaStore, occupied: list[Path], name: str
) -> None:
    with pytest.raises(NotStored):
        await store.open(name)


async def test_links_pipes_and_folders_with_a_fitting_name_are_not_served(
    store: MediaStore, occupied: list[Path], clock: Clock
) -> None:
    os.utime(occupied[0], (clock.now, clock.now))  # so that its age is no reason
    for digit in "123":
        with pytest.raises(NotStored):
            await store.open(f"{digit * 32}.png")


async def test_sweep_touches_nothing_that_is_not_the_stores_own(
    store: MediaStore, root: Path, occupied: list[Path]
) -> None:
    await store.sweep()
    assert set(os.listdir(root)) == {path.name for path in occupied[1:]}
    assert await in_thread(occupied[0].read_bytes) == SECRET


async def test_sweep_removes_what_is_too_old(store: MediaStore, root: Path, clock: Clock) -> None:
    old = await store.save(png(1))
    clock.now += 900
    young = await store.save(png(2))
    clock.now += 101
    await store.sweep()
    assert os.listdir(root) == [young.name]
    with pytest.raises(NotStored):
        await store.open(old.name)


async def test_file_that_is_too_old_is_gone_even_before_it_is_swept(store: MediaStore, clock: Clock) -> None:
    stored = await store.save(png())
    clock.now += 1001
    with pytest.raises(NotStored, match="no longer kept"):
        await store.open(stored.name)


async def test_age_of_zero_keeps_for_ever(root: Path, clock: Clock) -> None:
    store = small_store(root, clock)
    stored = await store.save(png())
    clock.now += 1e9
    await store.sweep()
    assert await content(store, stored.name) == png()


async def test_sweep_removes_the_oldest_above_the_total_and_makes_some_room(root: Path, clock: Clock) -> None:
    store = small_store(root, clock)
    names = []
    for _ in range(11):
        names.append((await store.save(bytes(100))).name)
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
        names.append((await store.save(bytes(100))).name)
        clock.now += 1
    await store.next_sweep()
    assert set(os.listdir(root)) == set(names[2:])
    await store.close()


async def test_sweeping_goes_on_after_a_directory_that_cannot_be_read(
    root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media.store, "SWEEP_SECONDS", 0.001)
    store = Watched(root, max_file_bytes=100, max_total_bytes=1000, max_age_seconds=50)
    store.watch()
    os.makedirs(root.parent)
    await in_thread(root.write_bytes, b"no directory")
    store.start()
    await store.next_sweep()
    assert "cannot be swept: Not a directory" in caplog.text
    assert str(root) not in caplog.text
    os.remove(root)
    stored = await store.save(bytes(100))
    os.utime(root / stored.name, (0, 0))
    await store.next_sweep()
    await store.next_sweep()
    assert os.listdir(root) == []
    await store.close()


async def test_file_being_read_can_be_read_to_its_end_after_it_was_swept(
    store: MediaStore, clock: Clock
) -> None:
    stored = await store.save(png())
    file = await store.open(stored.name)
    clock.now += 1001
    await store.sweep()
    assert await file.read(0, 10_000) == png()
    file.close()
