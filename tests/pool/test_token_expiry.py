"""When a token runs out, read from the token itself."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.token_expiry import NEVER, expires_at


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims: object) -> str:
    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2lnbmF0dXJl"


@pytest.mark.parametrize("more", ["", "x", "xy", "xyz", "\u4e16"])
def test_end_is_the_claim_exp(more: str) -> None:
    assert expires_at(token({"exp": 1_800_000_000, "sub": more})) == 1_800_000_000.0


@pytest.mark.parametrize("end", [None, True, "1800000000", -1, 0, 10**40, [], float("inf")])
def test_claim_that_is_no_time_says_nothing(end: object) -> None:
    assert expires_at(token({"exp": end})) == NEVER


@pytest.mark.parametrize(
    "secret", ["", "fk-abc", "pk-a.b.c", "a.b", "a.!!.c", "a.AAAA.c", token([1]), "a.b.c.d"]
)
def test_what_is_no_such_token_never_runs_out(secret: str) -> None:
    assert expires_at(secret) == NEVER


@given(st.text() | st.from_regex(r"[\w-]{1,9}\.[\w-]{0,60}\.[\w-]{0,9}", fullmatch=True))
def test_any_text_is_read(secret: str) -> None:
    assert expires_at(secret) > 0
