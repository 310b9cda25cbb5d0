"""What of plain text has to be looked at where tools may be called."""

import pytest

from translate.text import TAG_HINT, shorten, without_space


def test_tags_and_fences_begin_with_few_characters() -> None:
    held = (b"a <", b"a <call", rb"<\/r", b"</", rb"<\u0063", b"~", rb"\u003ccall", b"x\\u007e")
    hidden = (b"call-", b"call-7f3a", b"call-7f3a9c12.")
    assert all(map(TAG_HINT.search, hidden))
    assert all(map(TAG_HINT.search, held))
    passed = (
        b"a > b & c",
        b"a <b> </b>",
        b"1 < 2",
        rb"\u20ac \u00e9",
        rb"a\nb",
        b"",
        b"a - b",
        b"-x",
        b"self-contained",
        b"7f3a9c12",
    )
    assert not any(map(TAG_HINT.search, passed))


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
