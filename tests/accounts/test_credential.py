"""What a key stands for, and the digest that stands for a credential."""

import hashlib

import pytest

from accounts import Caller, Credential, credential_for


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("fk-abc", "fk"),
        ("pk-abc", "pk"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "token"),
        ("fkx", "token"),
        ("", "token"),
    ],
)
def test_kind_of_a_key_is_told_by_its_beginning(key: str, kind: str) -> None:
    assert Credential(key).kind == kind


def test_digest_of_a_key_alone_is_the_one_that_redis_has_known_from_the_start() -> None:
    assert Credential("fk-abc").digest == hashlib.sha256(b"fk-abc").hexdigest()[:32]


def test_accounts_of_one_key_have_different_digests() -> None:
    digests = {Credential("fk-abc", account).digest for account in ("", "one", "other")}
    assert len(digests) == 3


def test_caller_is_passed_on_with_its_own_key_which_no_repr_shows() -> None:
    credential = credential_for(Caller("fk-abc"))
    assert credential == Credential("fk-abc")
    assert "fk-abc" not in repr((Caller("fk-abc"), credential))
