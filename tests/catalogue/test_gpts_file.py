"""The file that lists the GPTs: what is in it, and when it is to be read again."""

from pathlib import Path

import pytest

from catalogue.gpts_file import ChangeDetector, load_gpts, signature_of
from translate.values import Gpt, GptsError

HELPER = '{"helper": {"id": "g-Helper"}}'
DEMO = (Gpt("demo", "g-Demo"),)

A, B, C = (1, 10, 100), (2, 10, 100), (2, 11, 100)


def test_missing_file_means_no_gpts(tmp_path: Path) -> None:
    assert load_gpts(tmp_path / "gpts.json", ()) == ()


def test_demonstration_has_gpts_of_its_own_only_while_the_list_has_none(tmp_path: Path) -> None:
    path = tmp_path / "gpts.json"
    assert load_gpts(path, (), DEMO) == DEMO
    path.write_text("{}")
    assert load_gpts(path, (), DEMO) == DEMO
    path.write_text(HELPER)
    assert load_gpts(path, (), DEMO) == (Gpt("helper", "g-Helper"),)


def test_directory_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(GptsError, match="it cannot be read: Is a directory"):
        load_gpts(tmp_path, ())


def test_signature_changes_with_the_content_and_is_none_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "gpts.json"
    assert signature_of(path) is None
    path.write_text(HELPER)
    first = signature_of(path)
    assert signature_of(path) == first
    path.write_text(HELPER + " ")
    second = signature_of(path)
    newer = tmp_path / "newer"
    newer.write_text(HELPER + " ")
    newer.replace(path)
    assert len({first, second, signature_of(path)}) == 3


def test_unchanged_file_is_never_read_again() -> None:
    changes = ChangeDetector(A)
    assert not any(changes.look(A) for _ in range(3))


def test_file_that_keeps_changing_is_read_only_when_it_rests() -> None:
    changes = ChangeDetector(A)
    assert [changes.look(signature) for signature in (B, C, B, C, C)] == [False, False, False, False, True]


def test_change_is_told_until_the_file_has_been_read() -> None:
    changes = ChangeDetector(A)
    assert [changes.look(B), changes.look(B), changes.look(B)] == [False, True, True]
    changes.has_been_read(B)
    assert not changes.look(B)


def test_file_that_changes_back_before_it_was_read_is_left_alone() -> None:
    changes = ChangeDetector(A)
    assert not any(changes.look(signature) for signature in (B, A, A))


def test_file_that_appears_or_vanishes_has_changed() -> None:
    changes = ChangeDetector(None)
    assert [changes.look(signature) for signature in (A, A)] == [False, True]
    changes.has_been_read(A)
    assert [changes.look(signature) for signature in (None, None)] == [False, True]
