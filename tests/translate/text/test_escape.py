"""Text inside JSON strings: written safely, and passed unread only where that is safe."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from translate.text.escape import PLAIN, escaped, unescaped
from translate.values.unicode import well_formed

TEXT = st.text(st.characters() | st.sampled_from('\ud83d\udd25\u2028\u0085\ufffd\x00\\"/'), max_size=20)
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            rb"\ud83d", rb"\udd25", rb"\u2028", rb"\u0085", rb"\ufffd", rb"\u00e9", rb"\u4f60", rb"\n",
            rb"\\", rb"\"", rb"\/", b"\\", b'"', b"]", b"`", b"\t", b"\n", b"\x7f", rb"\x", rb"\u12",
            rb"\uD83D\uDD25", rb"\u3010", rb"\ue200", "é".encode(), "🔥".encode(), "\u2028".encode(),
            "\u2029".encode(), "\x85".encode(), "\ufffd".encode(), "【".encode(), "\ue200".encode(),
            "🔥".encode()[:2], "🔥".encode()[2:], b"\xc0\x80", b"\xed\xa0\xbd", b"\xff", b"a", b" ",
        ]
    )
    | st.binary(max_size=4),
    max_size=6,
).map(b"".join)  # fmt: skip


@given(TEXT)
def test_escaped_text_is_ascii_and_comes_back_whole(text: str) -> None:
    inside = escaped(text)
    assert inside.isascii()
    assert json.loads(b'"' + inside + b'"') == unescaped(inside) == well_formed(text)
    assert min(inside, default=32) >= 32


@given(FRAGMENTS)
@example(rb"\ud83d\udd25\udd25")
def test_passable_piece_is_valid_json_that_breaks_no_line_and_opens_no_mark(piece: bytes) -> None:
    if not PLAIN.fullmatch(piece):
        return
    line = piece.decode()
    text = json.loads(f'"{line}"')
    assert f"a{line}a".splitlines() == [f"a{line}a"]
    text.encode()  # raises on halves of characters
    assert not re.search("[]`【\ufffd\u2028\u2029\x85\ue200-\ue20f]", text)
    assert unescaped(piece) == text


@pytest.mark.parametrize("text", ["Hello, world.", "你好", "🔥", 'say "hi"', "C:\\x", "a\nb\tc", "/", "é"])
def test_everyday_text_is_passable_escaped_or_raw(text: str) -> None:
    raw = json.dumps(text, ensure_ascii=False)[1:-1].encode()
    for piece in (escaped(text), raw, json.dumps(text)[1:-1].encode()):
        assert PLAIN.fullmatch(piece)


@pytest.mark.parametrize(
    "piece", [b'"', b'a", "b', b"\\", rb"\u12", rb"\x", b"\xff", b"\xc3", b"a\nb", b"\r", b"\t", b"\x01"]
)
def test_what_is_no_inside_of_a_string_is_refused(piece: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unescaped(piece)
