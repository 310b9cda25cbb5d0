"""Whose conversations may be gone on with."""

import pytest

from accounts import Caller, Grant
from handlers.continuing import lasts, may_use

SHARED = Caller("pk1-of-the-service", Grant(alias="team", accounts=frozenset({"one", "two"})))
OWN = Caller("fk-some-key")
POOL = Caller("pk-some-pool")


@pytest.mark.parametrize(
    ("caller", "home", "may"),
    [
        (SHARED, "one", True),
        (SHARED, "three", False),
        (SHARED, OWN.digest, False),
        (OWN, OWN.digest, True),
        (OWN, OWN.at_account("another").digest, False),
        (OWN, "one", False),
        (POOL, POOL.digest, False),
    ],
)
def test_conversation_is_gone_on_with_only_at_an_account_that_the_key_may_use(
    caller: Caller, home: str, may: bool
) -> None:
    assert may_use(caller, home) is may


def test_conversations_of_a_pool_do_not_last() -> None:
    assert [lasts(caller) for caller in (SHARED, OWN, POOL)] == [True, True, False]
