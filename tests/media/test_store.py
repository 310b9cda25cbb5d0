"""The store: what is in it is whole, under a name nobody can guess, and nobody else's file is touched."""

import asyncio
import os
import re
from pathlib import Path

import pytest

from media.errors import NotStored, StoreFailed, TooBig
from media.store import MediaStore
from media.threads import in_thread
from tests.media.pictures import png
from tests.media.stores import SECRET, Clock, content, occupy, small_store
from tests.runtime.disk import full_disk


async def test_saved_file_comes_back_with_its_type_and_size(store: MediaStore, clock: Clock) -> None:
    name = await store.save(png(), "a cat.png")
    assert re.fullmatch(r"[0-9a-f]{32}-a_cat\.png", name)
    file = await store.open(name)
    assert (file.name, file.media_type, file.size) == (name, "image/png", len(png()))
    assert file.modified == clock.now
    assert file.disposition("attachment") == 'attachment; filename="a_cat.png"'
    assert await file.read(1, 3) == b"PNG"
    assert await file.read(file.size, 10) == b""
    file.close()


async def test_fifty_saves_at_once_get_fifty_names_and_each_its_own_bytes(store: MediaStore) -> None:
    pictures = [png(width) for width in range(1, 51)]
    names = await asyncio.gather(*(store.save(picture) for picture in pictures))
    assert len(set(names)) == 50
    for name, picture in zip(names, pictures, strict=True):
        assert await content(store, name) == picture


async def test_same_bytes_saved_twice_get_two_names(store: MediaStore) -> None:
    assert await store.save(png()) != await store.save(png())


async def test_nothing_but_whole_files_is_in_the_directory_afterwards(store: MediaStore, root: Path) -> None:
    name = await store.save(png())
    assert os.listdir(root) == [name]
    assert (root / name).stat().st_mode & 0o137 == 0


async def test_empty_file_is_a_file(store: MediaStore) -> None:
    assert await content(store, await store.save(b"", "empty.txt")) == b""


async def test_file_above_the_limit_is_refused_and_leaves_nothing(root: Path) -> None:
    store = small_store(root, Clock(), max_file_bytes=10)
    await store.save(bytes(10))
    with pytest.raises(TooBig, match="11 bytes; the limit is 10 bytes"):
        await store.save(bytes(11))
    assert len(os.listdir(root)) == 1


async def test_full_disk_in_mid_file_leaves_nothing_behind(store: MediaStore, root: Path) -> None:
    with full_disk(50), pytest.raises(StoreFailed, match="File too large") as failure:
        await store.save(png())
    assert str(root) not in str(failure.value)
    assert os.listdir(root) == []
    assert await content(store, await store.save(png())) == png()


async def test_directory_that_cannot_be_made_is_a_failure_to_store(root: Path, store: MediaStore) -> None:
    root.parent.write_bytes(b"a file is where the directory should be")
    with pytest.raises(StoreFailed):
        await store.save(png())


async def test_link_in_the_way_of_a_new_file_is_not_written_through(store: MediaStore, root: Path) -> None:
    os.makedirs(root)
    outside = root.parent / "outside"
    await in_thread(outside.write_bytes, SECRET)
    name = store.reserve()
    (root / f".{name[:32]}.part").symlink_to(outside)
    await store.fill(name, png())
    assert await in_thread(outside.read_bytes) == SECRET
    assert os.listdir(root) == [name]


async def test_event_loop_goes_on_while_twenty_megabytes_are_stored_and_nobody_sees_half_of_them(
    store: MediaStore, root: Path
) -> None:
    most = 0
    for _ in range(5):  # the loop may stand still for another reason while one of them is stored
        name = store.reserve()
        storing = asyncio.ensure_future(store.fill(name, bytes(20 << 20)))
        turns = 0
        while not storing.done():
            turns += 1
            if await in_thread((root / name).exists):
                assert (root / name).stat().st_size == 20 << 20
            await asyncio.sleep(0)
        await storing
        most = max(most, turns)
    assert most > 3


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
    store: MediaStore, root: Path, name: str
) -> None:
    occupy(root)
    with pytest.raises(NotStored):
        await store.open(name)


async def test_links_pipes_and_folders_with_a_fitting_name_are_not_served(
    store: MediaStore, root: Path, clock: Clock
) -> None:
    outside, *_ = occupy(root)
    os.utime(outside, (clock.now, clock.now))  # so that its age is no reason
    for digit in "123":
        with pytest.raises(NotStored):
            await store.open(f"{digit * 32}.png")


async def test_file_that_is_too_old_is_gone_even_before_it_is_swept(store: MediaStore, clock: Clock) -> None:
    name = await store.save(png())
    clock.now += 1001
    with pytest.raises(NotStored, match="no longer kept"):
        await store.open(name)


async def test_file_being_read_can_be_read_to_its_end_after_it_was_swept(
    store: MediaStore, clock: Clock
) -> None:
    file = await store.open(await store.save(png()))
    clock.now += 1001
    await store.sweep()
    assert await file.read(0, 10_000) == png()
    file.close()
