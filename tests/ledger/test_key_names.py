"""Names of keys: given, or made with a secret that is kept beside the ledger."""

from pathlib import Path

import pytest

from accounts import Caller
from ledger import KeyNames, load_secret
from ledger.key_names import MAX_KNOWN

CALLER = Caller("fk-very-secret")


def test_key_has_the_name_that_was_given_or_a_short_hash() -> None:
    names = KeyNames(b"s" * 32, {"fk-bob": "bob"})
    assert names.alias(Caller("fk-bob")) == "bob"
    assert names.alias(CALLER) == names.alias(CALLER)
    assert names.alias(CALLER).startswith("k-")
    assert len(names.alias(CALLER)) == 2 + 12
    assert names.alias(CALLER) != KeyNames(b"t" * 32, {}).alias(CALLER)


def test_names_are_known_by_the_digests_of_the_keys_used_last() -> None:
    names, bob, other = KeyNames(b"s" * 32, {"fk-bob": "bob"}), Caller("fk-bob"), Caller("fk-other")
    assert names.name_of(bob.own.digest) == ""
    for caller in (bob, other, CALLER):
        assert names.alias(caller) == names.name_of(caller.own.digest)
    for number in range(MAX_KNOWN - 1):
        names.alias(Caller(f"fk-{number}"))
        names.alias(bob)
    assert names.name_of(bob.own.digest) == "bob"
    assert names.name_of(other.own.digest) == ""


def test_names_that_were_made_with_another_secret_are_forgotten() -> None:
    names = KeyNames(b"s" * 32, {})
    before = names.alias(CALLER)
    names.secret = b"t" * 32
    assert names.name_of(CALLER.own.digest) == ""
    assert names.alias(CALLER) == names.name_of(CALLER.own.digest) != before


def test_secret_is_made_once_and_is_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secret"
    secret = load_secret(path)
    assert load_secret(path) == secret == path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


def test_damaged_secret_is_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"short")
    assert load_secret(path) == path.read_bytes() != b"short"
    assert "is damaged" in caplog.text


def test_secret_that_cannot_be_kept_is_told_and_lasts_until_the_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert len(load_secret(tmp_path / "file" / "secret")) == 32
    assert "cannot be kept" in caplog.text
