"""Descriptions on disk: found again, or of no use, but never harmful."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.upstream.gpts.rig import ID, OTHER_ID, SLUG, described, files_in
from translate.backend.gizmo import MAX_GIZMO_BYTES
from translate.values.gizmo import Gizmo
from upstream.gpts import GptDescriptionStore

GIZMO = Gizmo(ID, described())
SINCE = 1_702_600_000.5


async def file_of(directory: Path) -> Path:
    """Where the store keeps `ID`."""
    await GptDescriptionStore(directory).save(ID, GIZMO, SINCE)
    (path,) = files_in(directory)
    return path


async def test_what_was_saved_is_found_by_the_next_process(tmp_path: Path) -> None:
    await GptDescriptionStore(tmp_path / "new" / "gpts").save(SLUG, GIZMO, SINCE)
    assert await GptDescriptionStore(tmp_path / "new" / "gpts").load(SLUG) == (GIZMO, SINCE)


async def test_nothing_is_found_of_what_was_never_saved(tmp_path: Path) -> None:
    store = GptDescriptionStore(tmp_path)
    await store.save(ID, GIZMO, SINCE)
    assert await store.load(OTHER_ID) is None
    assert await store.load(ID.lower()) is None


async def test_saving_replaces_and_leaves_no_other_file(tmp_path: Path) -> None:
    store = GptDescriptionStore(tmp_path)
    await store.save(ID, GIZMO, SINCE)
    newer = Gizmo(ID, described(description="Helps more"))
    await store.save(ID, newer, SINCE + 1)
    assert await store.load(ID) == (newer, SINCE + 1)
    assert len(files_in(tmp_path)) == 1


async def test_leftover_of_a_crash_is_in_nobodys_way(tmp_path: Path) -> None:
    path = await file_of(tmp_path)
    path.rename(path.with_name(f"{path.name}.new"))
    store = GptDescriptionStore(tmp_path)
    assert await store.load(ID) is None
    await store.save(ID, GIZMO, SINCE)
    assert await store.load(ID) == (GIZMO, SINCE)
    assert files_in(tmp_path) == [path]


async def test_discarded_description_is_gone(tmp_path: Path) -> None:
    store = GptDescriptionStore(tmp_path)
    await store.save(ID, GIZMO, SINCE)
    await store.discard(ID)
    await store.discard(ID)
    assert await store.load(ID) is None


async def test_ids_that_differ_in_case_have_files_that_do_not(tmp_path: Path) -> None:
    store = GptDescriptionStore(tmp_path)
    for gizmo_id in ("g-abc", "g-ABC"):
        await store.save(gizmo_id, Gizmo(gizmo_id, described(gizmo_id)), SINCE)
    assert len({path.name.lower() for path in files_in(tmp_path)}) == 2


def entry(**changes: object) -> bytes:
    return json.dumps({"id": ID, "since": SINCE, "gizmo": described(), **changes}).encode()


POISON: dict[str, bytes] = {
    "nothing": b"",
    "binary": bytes(range(256)),
    "no JSON": b'{"id": "g-1", ',
    "cut": entry()[:-20],
    "code": b"__import__('os').system('true')",
    "list": b"[]",
    "null": b"null",
    "deep": b"[" * 100_000,
    "big number": b"9" * 10_000,
    "no fields": b"{}",
    "no description": entry(gizmo=None),
    "other GPT's description": entry(gizmo=described(OTHER_ID)),
    "other GPT's file": entry(id=OTHER_ID, gizmo=described(OTHER_ID)),
    "path as id": entry(gizmo={"gizmo": {"id": "../../etc"}}),
    "odd time": entry(since="yesterday"),
    "no time": entry(since=None),
    "infinite time": entry(since=1e999),
    "not a number": entry(since=float("nan")),
    "infinite number inside": entry(gizmo=described() | {"n": float("inf")}),
    "endless": b" " * (2 * MAX_GIZMO_BYTES) + entry(),
}


@pytest.mark.parametrize("poison", POISON)
async def test_spoilt_file_is_a_miss(tmp_path: Path, poison: str) -> None:
    path = await file_of(tmp_path)
    path.write_bytes(POISON[poison])
    assert await GptDescriptionStore(tmp_path).load(ID) is None


def pipe(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def link(path: Path) -> None:
    target = path.with_name("elsewhere")
    target.write_bytes(entry())
    path.symlink_to(target)


@pytest.mark.parametrize("make", [pipe, directory, loop, link])
async def test_what_is_no_plain_file_is_a_miss(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = await file_of(tmp_path)
    path.unlink()
    make(path)
    assert await GptDescriptionStore(tmp_path).load(ID) is None


async def test_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    path = await file_of(tmp_path)
    path.unlink()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path.symlink_to(victim)
    path.with_name(f"{path.name}.new").symlink_to(victim)
    await GptDescriptionStore(tmp_path).save(ID, GIZMO, SINCE)
    assert victim.read_text() == "precious"
    assert await GptDescriptionStore(tmp_path).load(ID) == (GIZMO, SINCE)


async def test_unusable_directory_is_told_once_and_harms_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = GptDescriptionStore(tmp_path / "file" / "gpts")
    await store.save(ID, GIZMO, SINCE)
    await store.save(ID, GIZMO, SINCE)
    await store.discard(ID)
    assert await store.load(ID) is None
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert said == ["descriptions of GPTs cannot be stored: Not a directory"]
