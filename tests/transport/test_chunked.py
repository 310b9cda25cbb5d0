"""The chunked decoder alone, for every way of cutting its input."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.chunked import ChunkedDecoder, DamagedBody

contents = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
sizes = st.sampled_from([b"%x", b"%X", b"000%x", b"%x;name=value", b'%x ; quoted="a;b"'])
trailers = st.sampled_from([b"", b"Expires: never\r\n", b"A: 1\r\nB: 2\r\n"])


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A chunked body and its content."""
    chunks = draw(contents)
    lines = [draw(sizes) % len(chunk) + b"\r\n" + chunk + b"\r\n" for chunk in chunks]
    return b"".join(lines) + b"0\r\n" + draw(trailers) + b"\r\n", b"".join(chunks)


def decode(pieces: list[bytes]) -> tuple[bytes, bool]:
    decoder = ChunkedDecoder()
    return b"".join([decoder.feed(piece) for piece in pieces]), decoder.ended


@given(body=bodies(), data=st.data())
def test_content_is_the_same_however_the_body_is_cut(body: tuple[bytes, bytes], data: st.DataObject) -> None:
    wire, content = body
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=20))
    pieces = [wire[start:end] for start, end in pairwise([0, *sorted(cuts), len(wire)])]
    assert decode(pieces) == (content, True)
    assert decode([wire[at : at + 1] for at in range(len(wire))]) == (content, True)
    assert decode([wire, b"and more"]) == (content, True)


@given(body=bodies(), data=st.data())
def test_cut_body_has_not_ended_and_gives_a_prefix(body: tuple[bytes, bytes], data: st.DataObject) -> None:
    wire, content = body
    kept = data.draw(st.integers(0, len(wire) - 1))
    decoded, ended = decode([wire[:kept]])
    assert not ended
    assert content.startswith(decoded)


@given(wire=st.binary(max_size=200), cut=st.integers(0, 200))
def test_any_bytes_are_decoded_or_refused_alike_whole_and_cut(wire: bytes, cut: int) -> None:
    def outcome(pieces: list[bytes]) -> tuple[bytes, bool] | None:
        try:
            return decode(pieces)
        except ValueError:
            return None

    assert outcome([wire]) == outcome([wire[:cut], wire[cut:]])


def test_content_is_given_out_before_its_chunk_is_complete() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"ff\r\nabc") == b"abc"
    assert decoder.feed(b"def") == b"def"


@pytest.mark.parametrize(
    "wire",
    [b"g\r\n", b"\r\n", b" 5\r\n", b"0x5\r\n", b"+5\r\n", b"5_0\r\n", b"1\r\nxy\r\n", b"5\n", b"\xb2\r\n"],
)
def test_what_is_no_chunk_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match="chunk"):
        decode([wire, b"hello\r\n0\r\n\r\n"])


@given(body=bodies(), cut=st.integers(0, 400))
def test_content_before_the_damage_is_not_lost(body: tuple[bytes, bytes], cut: int) -> None:
    _, content = body
    wire = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"no chunk\r\n"
    cut = min(cut, len(wire) - len(b"no chunk\r\n"))
    decoder = ChunkedDecoder()
    decoded = decoder.feed(wire[:cut])
    with pytest.raises(DamagedBody) as raised:
        decoder.feed(wire[cut:])
    assert decoded + raised.value.content == content


def test_lines_have_a_limit() -> None:
    decoder = ChunkedDecoder()
    decoder.feed(b"0" * 1000)
    with pytest.raises(ValueError, match="too long"):
        decoder.feed(b"0" * 100)
