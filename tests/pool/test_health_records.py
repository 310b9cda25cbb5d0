"""States as JSON: what was written is read again, and nothing else is believed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool import AccountFault
from pool.health import Health, Rest
from pool.health_records import read, read_file, written, written_file

REST = Rest(AccountFault.CAPPED, 1_800_000_000.0, 1_800_005_400.5, 2)
FULL = Health(
    digest="0f" * 16,
    reason=AccountFault.RATE,
    since=1_800_000_000.25,
    failed_at=1_800_000_001.0,
    until=1_800_000_031.0,
    failures=3,
    models={"gpt-4": REST},
    features={"image_gen": REST},
    enabled=False,
    enabled_at=1_700_000_000.0,
    changed_at=1_800_000_001.001,
)


@pytest.mark.parametrize("health", [Health(), FULL])
def test_state_comes_back_as_it_was(health: Health) -> None:
    assert read(written(health)) == health
    assert read_file(written_file({"alice": health, "b": FULL})) == {"alice": health, "b": FULL}


def changed(**values: Any) -> bytes:
    return json.dumps({**json.loads(written(FULL)), **values}).encode()


@pytest.mark.parametrize(
    "values",
    [
        {"reason": "tired"}, {"digest": "secret!"}, {"enabled": 1}, {"enabled": None}, {"until": "soon"},
        {"until": -1}, {"until": 1e300}, {"since": True}, {"failures": 1.5}, {"failures": -1},
        {"changed_at": None}, {"failures": 10**12},
    ],
)  # fmt: skip
def test_state_with_a_value_that_cannot_be_is_none(values: dict[str, Any]) -> None:
    assert read(changed(**values)) is None


@pytest.mark.parametrize("rest", [None, 7, {}, {"reason": "", "at": 1, "until": 2, "failures": 1}])
def test_rest_that_cannot_be_is_left_out(rest: object) -> None:
    whole = {"reason": "capped", "at": 1.0, "until": 2.0, "failures": 1}
    found = read(changed(models={"a": rest, "b": whole}))
    assert found is not None
    assert found.models == {"b": Rest(AccountFault.CAPPED, 1.0, 2.0, 1)}


def test_account_that_cannot_be_read_does_not_spoil_the_others() -> None:
    content = json.loads(written_file({"alice": FULL, "bob": FULL, "carol": FULL}))
    content["accounts"]["bob"] = "?"
    content["accounts"]["carol"]["until"] = []
    assert read_file(json.dumps(content).encode()) == {"alice": FULL}


@given(st.data())
def test_file_that_was_cut_is_damaged(data: st.DataObject) -> None:
    whole = written_file({"alice": FULL}).rstrip()
    assert read_file(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"version": 2, "accounts": {}}', b"\xff\x00", b"null"]
)
def test_any_other_file_is_damaged(content: bytes) -> None:
    assert read_file(content) is None


@given(st.binary())
def test_any_bytes_are_read(data: bytes) -> None:
    assert read(data) is None
