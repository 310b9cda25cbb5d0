"""Ids of GPTs."""

import pytest

from translate.values.gizmo import is_gizmo_id


@pytest.mark.parametrize("text", ["g-1", "g-AbC123xyZ", "g-AbC123xyZ-my-helper", "g-1-a_b-", "g-" + "f" * 32])
def test_short_ids_and_slugs_are_ids(text: str) -> None:
    assert is_gizmo_id(text)


UNFIT = ["", "g-", "g--a", "G-1", "g-1/a", "g-1.a", "g-1?x", "g-1%2f", "g-1\n", "g-é", "g-" + "a" * 65]


@pytest.mark.parametrize("text", UNFIT)
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_gizmo_id(text)
