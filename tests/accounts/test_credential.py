"""What a key stands for, and the digest that stands for a credential."""

import hashlib

import pytest

from accounts import Caller, Credential


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


@pytest.mark.parametrize(
    ("key", "token", "account"),
    [
        ("eyJ.x,acc-1", "eyJ.x", "acc-1"),
        ("eyJ.x,0b1c-22_Z", "eyJ.x", "0b1c-22_Z"),
        ("a,b,c", "a,b", "c"),
        ("eyJ.x,", "eyJ.x,", ""),
        (",acc-1", ",acc-1", ""),
        ("eyJ.x,a.b", "eyJ.x,a.b", ""),
    ],
)
def test_key_may_name_one_of_the_accounts_of_its_token(key: str, token: str, account: str) -> None:
    assert Caller(key).own == Credential(token, account)


def test_account_beside_the_key_means_the_same_unless_the_key_names_one() -> None:
    assert Caller("eyJ.x").at_account("acc-1") == Caller("eyJ.x,acc-1")
    assert Caller("eyJ.x,acc-2").at_account("acc-1") == Caller("eyJ.x,acc-2")


@pytest.mark.parametrize("account", ["", "a,b", "a b", "a\nb", "é", "a" * 129])
def test_text_that_is_no_account_is_refused(account: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        Caller("eyJ.x").at_account(account)


def test_no_repr_shows_an_account() -> None:
    assert "acc-1" not in repr(Credential("eyJ.x", "acc-1"))


def test_caller_is_passed_on_with_its_own_key_which_no_repr_shows() -> None:
    credential = Caller("fk-abc").own
    assert credential == Credential("fk-abc")
    assert "fk-abc" not in repr((Caller("fk-abc"), credential))
