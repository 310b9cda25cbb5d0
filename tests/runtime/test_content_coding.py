"""Content codings undone piece by piece: never much at once, and never a damaged body as a whole one."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import DECODED_BYTES, Decoder


@pytest.mark.parametrize("code", [gzip.compress, zlib.compress])
@given(body=st.binary(max_size=300), size=st.integers(1, 50))
def test_what_comes_out_does_not_depend_on_how_it_came(
    code: Callable[[bytes], bytes], body: bytes, size: int
) -> None:
    coded, decoder = code(body), Decoder()
    cuts = range(0, len(coded), size)
    assert b"".join(piece for at in cuts for piece in decoder.decode(coded[at : at + size])) == body
    assert decoder.ended


def test_little_that_stands_for_much_comes_in_pieces() -> None:
    decoder = Decoder()
    pieces = list(decoder.decode(gzip.compress(bytes(10 * DECODED_BYTES + 5))))
    assert [len(piece) for piece in pieces] == [DECODED_BYTES] * 10 + [5]
    assert decoder.ended


def test_what_follows_the_end_is_dropped() -> None:
    decoder = Decoder()
    assert b"".join(decoder.decode(gzip.compress(b"x") + b"more")) == b"x"
    assert list(decoder.decode(b"more")) == []


@pytest.mark.parametrize("damaged", [b"no gzip", gzip.compress(b"x" * 100)[:-8] + bytes(8)])
def test_damaged_data_is_an_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not in its coding"):
        list(Decoder().decode(damaged))


def test_data_that_is_cut_has_no_end() -> None:
    decoder = Decoder()
    list(decoder.decode(gzip.compress(b"x" * 100)[:-1]))
    assert not decoder.ended
