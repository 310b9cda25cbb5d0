"""What of plain text has to be looked at where tools may be called."""

import pytest

from translate.text import may_hold_tag, shorten, without_space


def test_tags_and_fences_begin_with_few_characters() -> None:
    assert all(map(may_hold_tag, (b"a <", b"~", rb"\u003ccall", b"x\\u007e", b"call-", b"call-7", b"a-b")))
    assert not any(map(may_hold_tag, (b"a > b & c", rb"\u20ac", rb"a\nb", b"", b"a - b", b"-x", b"7f3a")))


@pytest.mark.parametrize(
    ("plain", "before"),
    [
        (b"word", 4), (b"word ", 4), (rb"word\n", 4), (rb"word\r\n \t", 4), (b" ", 0), (b"", 0),
        (rb"\n\n", 0),
        (b"at", 2), (rb"a\\n", -1), (b"a\\\\ ", -1), (rb"a\\", 3),
    ],
)  # fmt: skip
def test_white_space_at_the_end_is_told_from_words(plain: bytes, before: int) -> None:
    assert without_space(plain) == before


def test_pieces_are_shortened_from_their_end() -> None:
    for by, left in (
        (0, [b"ab", b"c", b"de"]),
        (1, [b"ab", b"c", b"d"]),
        (2, [b"ab", b"c"]),
        (4, [b"a"]),
        (5, []),
    ):
        pieces = [b"ab", b"c", b"de"]
        shorten(pieces, by)
        assert pieces == left
