"""When a file is to be read again: once it has changed, and rests."""

from pathlib import Path

from runtime import ChangeDetector, Signature, signature_of

A: Signature = (1, 10, 100)
B: Signature = (2, 10, 100)
C: Signature = (2, 11, 100)


def test_signature_changes_with_the_content_and_is_none_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "gpts.json"
    assert signature_of(path) is None
    path.write_text("{}")
    first = signature_of(path)
    assert signature_of(path) == first
    path.write_text("{ }")
    second = signature_of(path)
    newer = tmp_path / "newer"
    newer.write_text("{ }")
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
    changes = ChangeDetector[Signature](None)
    assert [changes.look(signature) for signature in (A, A)] == [False, True]
    changes.has_been_read(A)
    assert [changes.look(signature) for signature in (None, None)] == [False, True]
