"""The store of callers' files on a real disk."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runtime import ByteBudget
from uploads import NoSpace, NoSuchUpload, OwnFiles, UploadFailed, UploadStore

DAY = 86400.0
NOW = 1_800_000_000.0


class Clock:
    """Unix time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def store(
    root: Path, clock: Callable[[], float], *, total: int = 4000, age: float = 30 * DAY, files: int = 1000
) -> UploadStore:
    return UploadStore(root, max_total_bytes=total, max_age_seconds=age, max_files=files, clock=clock)


def inside(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def found(directory: Path, pattern: str) -> list[Path]:
    return [path for path in directory.rglob(pattern) if path.is_file()]


@pytest.fixture
def own(tmp_path: Path, clock: Clock) -> OwnFiles:
    return store(tmp_path / "uploads", clock).of("k-1")


async def test_file_is_found_again_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    added = await store(tmp_path, clock).of("k-1").add(b"tea", "tée.txt", "user_data")
    again = store(tmp_path, clock).of("k-1")
    assert await again.get(added.id) == added
    assert (added.filename, added.purpose, added.size) == ("tée.txt", "user_data", 3)
    assert (added.created_at, added.expires_at) == (int(NOW), int(NOW + 30 * DAY))
    with ByteBudget(100, largest=100).hold() as held:
        assert await again.read(added.id, held) == b"tea"
        assert held.size == 3


async def test_nobody_else_reaches_a_file(tmp_path: Path, clock: Clock) -> None:
    files = store(tmp_path, clock)
    added = await files.of("k-1").add(b"tea", "a", "vision")
    other = files.of("k-2")
    assert await other.list() == []
    for reach in (other.get, other.delete, other.open):
        with pytest.raises(NoSuchUpload):
            await reach(added.id)
    assert await files.of("k-1").get(added.id) == added


async def test_names_on_disk_are_never_those_of_a_caller(tmp_path: Path, clock: Clock) -> None:
    root = tmp_path / "uploads"
    added = await store(root, clock).of("../../etc").add(b"x", "../../passwd", "batch")
    assert [path.name for path in inside(tmp_path)] == ["uploads"]
    (home,) = inside(root)
    assert [path.name for path in inside(home)] == [added.id, f"{added.id}.json"]
    assert {os.stat(path).st_mode & 0o077 for path in (home, *inside(home))} == {0}


@pytest.mark.parametrize("name", ["", "..", "../x", "file-", "file-" + "g" * 24, "file-" + "0" * 24, "a\0b"])
async def test_ids_that_are_none_name_no_file(own: OwnFiles, name: str) -> None:
    with pytest.raises(NoSuchUpload):
        await own.get(name)


async def test_newest_file_comes_first(own: OwnFiles, clock: Clock) -> None:
    ids = []
    for at in (3.0, 1.0, 2.0):
        clock.now = NOW + at
        ids.append((await own.add(b"x", "f", "batch")).id)
    assert [upload.id for upload in await own.list()] == [ids[0], ids[2], ids[1]]


async def test_deleted_file_is_gone_from_the_disk_too(tmp_path: Path, own: OwnFiles) -> None:
    added = await own.add(b"x", "f", "batch")
    await own.delete(added.id)
    with pytest.raises(NoSuchUpload):
        await own.delete(added.id)
    assert found(tmp_path, "*") == []


async def test_file_is_over_at_the_earlier_of_two_ends(own: OwnFiles, clock: Clock) -> None:
    short, long = await own.add(b"x", "a", "batch", 3600), await own.add(b"x", "b", "batch", 90 * DAY)
    clock.now = NOW + 3600
    assert [upload.id for upload in await own.list()] == [long.id]
    with pytest.raises(NoSuchUpload):
        await own.open(short.id)
    clock.now = NOW + 30 * DAY
    assert await own.list() == []


async def test_without_an_age_a_file_stays_until_it_is_deleted(tmp_path: Path, clock: Clock) -> None:
    own = store(tmp_path, clock, age=0).of("k")
    added = await own.add(b"x", "a", "batch")
    clock.now = NOW + 3650 * DAY
    assert (await own.get(added.id)).expires_at is None


async def test_one_caller_has_a_quarter_of_the_room(tmp_path: Path, clock: Clock) -> None:
    files = store(tmp_path, clock, total=4000)
    first = files.of("k-1")
    await first.add(b"x" * 900, "a", "batch")
    with pytest.raises(NoSpace, match="of 1000 bytes 100 are left"):
        await first.add(b"x" * 101, "b", "batch")
    await first.add(b"x" * 100, "b", "batch")
    await files.of("k-2").add(b"x" * 1000, "a", "batch")


async def test_all_callers_together_have_no_more_than_the_room(tmp_path: Path, clock: Clock) -> None:
    files = store(tmp_path, clock, total=4000)
    for caller in range(4):
        await files.of(f"k-{caller}").add(b"x" * 900, "a", "batch")
    with pytest.raises(NoSpace, match="no room"):
        await files.of("k-5").add(b"x" * 500, "a", "batch")


async def test_number_of_files_is_bounded(tmp_path: Path, clock: Clock) -> None:
    own = store(tmp_path, clock, files=2).of("k-1")
    await own.add(b"", "a", "batch")
    await own.add(b"", "b", "batch")
    with pytest.raises(NoSpace, match="At most 2 files"):
        await own.add(b"", "c", "batch")


async def test_disk_that_fails_leaves_nothing_behind(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "uploads").write_text("no directory")
    with pytest.raises(UploadFailed, match="could not be stored"):
        await store(tmp_path / "uploads", clock).of("k").add(b"x", "a", "batch")


async def test_sweep_removes_what_is_over_and_what_a_crash_has_left(tmp_path: Path, clock: Clock) -> None:
    files = store(tmp_path, clock)
    own = files.of("k-1")
    over, kept = await own.add(b"x", "a", "batch", 3600), await own.add(b"x", "b", "batch")
    (home,) = inside(tmp_path)
    crashed = [home / ("file-" + "0" * 24), home / ("file-" + "1" * 24 + ".new")]
    for path in crashed:
        path.write_bytes(b"half")
        os.utime(path, (NOW, NOW))
    foreign = home / "notes.txt"
    foreign.write_text("not ours")
    clock.now = NOW + 3601
    await files.sweep()
    left = {path.name for path in inside(home)}
    assert left == {kept.id, f"{kept.id}.json", "notes.txt"}
    assert over.id not in left


async def test_sweep_leaves_alone_what_is_being_written(tmp_path: Path, clock: Clock) -> None:
    files = store(tmp_path, clock)
    await files.of("k-1").add(b"x", "a", "batch")
    (home,) = inside(tmp_path)
    new = home / ("file-" + "0" * 24)
    new.write_bytes(b"half")
    os.utime(new, (NOW, NOW))
    clock.now = NOW + 60
    await files.sweep()
    assert new.exists()


async def test_clock_that_is_years_ahead_deletes_nothing(tmp_path: Path, clock: Clock) -> None:
    added = await store(tmp_path, clock).of("k-1").add(b"x", "a", "batch")
    clock.now = NOW + 365 * DAY
    await store(tmp_path, clock).sweep()
    (home,) = inside(tmp_path)
    assert (home / added.id).exists()


async def test_links_are_never_followed(tmp_path: Path, own: OwnFiles) -> None:
    added = await own.add(b"x", "a", "batch")
    (path,) = found(tmp_path, added.id)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(NoSuchUpload):
        await own.open(added.id)


async def test_file_that_is_open_is_read_to_its_end(own: OwnFiles) -> None:
    added = await own.add(b"tea", "a", "batch")
    with closing(await own.open(added.id)) as file:
        await own.delete(added.id)
        assert await file.read(0, 10) == b"tea"


@pytest.mark.parametrize("about", [b"", b"[]", b'{"id": "file-x"}', b'{"id": 5, "size": "x"}'])
async def test_damaged_knowledge_is_no_file(tmp_path: Path, own: OwnFiles, about: bytes) -> None:
    added = await own.add(b"x", "a", "batch")
    (path,) = found(tmp_path, f"{added.id}.json")
    path.write_bytes(about)
    assert await own.list() == []
    with pytest.raises(NoSuchUpload):
        await own.get(added.id)
