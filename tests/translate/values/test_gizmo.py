"""Ids of GPTs."""

import pytest

from translate.values.gizmo import is_gizmo_id, short_id


@pytest.mark.parametrize(
    "text",
    [
        "g-1",
        "g-AbC123xyZ",
        "g-AbC123xyZ-my-helper",
        "g-1-a_b-",
        "g-" + "f" * 32,
        "g-p-0123abcd",
        "g-p-0123abcd-my-project",
    ],
)
def test_short_ids_and_slugs_are_ids(text: str) -> None:
    assert is_gizmo_id(text)


UNFIT = ["", "g-", "g--a", "G-1", "g-1/a", "g-1.a", "g-1?x", "g-1%2f", "g-1\n", "g-é", "g-" + "a" * 65]


@pytest.mark.parametrize("text", UNFIT)
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_gizmo_id(text)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("g-CFsXuTRfy", "g-CFsXuTRfy"),
        ("g-CFsXuTRfy-pandoranextzhu-shou", "g-CFsXuTRfy"),
        ("g-p-0123abcd", "g-p-0123abcd"),
        ("g-p-0123abcd-my-project", "g-p-0123abcd"),
        ("g-p", "g-p"),
    ],
)
def test_short_id_is_what_stands_before_the_slug(text: str, short: str) -> None:
    assert short_id(text) == short


@pytest.mark.parametrize("text", UNFIT)
def test_other_texts_have_no_short_id(text: str) -> None:
    with pytest.raises(ValueError, match="not the id"):
        short_id(text)
