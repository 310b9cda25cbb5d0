"""A file that is replaced is the old one or the new one, whatever happens."""

import os
from pathlib import Path

import pytest

from runtime import replace_file
from tests.runtime.disk import full_disk


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("durable", [False, True])
def test_file_is_made_and_replaced(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.json"
    for content in (b"old", b"", b"new" * 100_000):
        replace_file(path, content, durable=durable)
        assert path.read_bytes() == content
        assert names_in(tmp_path) == ["a.json"]


def test_file_is_readable_by_its_owner_only_unless_a_mode_is_given(tmp_path: Path) -> None:
    replace_file(tmp_path / "secret", b"x")
    replace_file(tmp_path / "shared", b"x", mode=0o640)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("secret", "shared")] == [0o600, 0o640]


def test_time_of_change_can_be_given(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", b"x", modified=1_700_000_000.0)
    assert (tmp_path / "a").stat().st_mtime == 1_700_000_000.0


def test_leftover_of_a_crash_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.new").write_bytes(b"half of a f")
    replace_file(tmp_path / "a", b"whole")
    assert names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("temporary", [None, "elsewhere"])
def test_links_are_replaced_and_not_written_through(tmp_path: Path, temporary: str | None) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    for name in ("a", temporary or "a.new"):
        (tmp_path / name).symlink_to(victim)
    replace_file(tmp_path / "a", b"x", temporary=tmp_path / temporary if temporary else None)
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "a").read_bytes() == b"x"
    assert names_in(tmp_path) == ["a", "victim"]


def test_full_disk_leaves_the_old_content_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    replace_file(path, b"old")
    with full_disk(100), pytest.raises(OSError, match="File too large"):
        replace_file(path, bytes(101))
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_what_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "a", b"x")
    assert names_in(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a") == []


def test_directory_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        replace_file(tmp_path / "missing" / "a", b"x")
