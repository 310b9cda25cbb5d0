"""Content codings undone piece by piece: never much at once, and never a damaged body as a whole one."""

import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import DECODED_BYTES, Decoder, ZstdDecoder
from runtime.zstd_coding import MAX_WINDOW, zstd


def streamed_zstd(body: bytes) -> bytes:
    """As clients code what they do not know the length of: the head names a window, and no size."""
    compressor = zstd.ZstdCompressor(level=3)
    return compressor.compress(body) + compressor.flush()


def new_zstd_decoder() -> ZstdDecoder:
    return ZstdDecoder(lambda size: None)


@pytest.mark.parametrize(
    ("code", "new_decoder"),
    [
        (gzip.compress, Decoder),
        (zlib.compress, Decoder),
        (zstd.compress, new_zstd_decoder),
        (streamed_zstd, new_zstd_decoder),
    ],
)
@given(
    body=st.binary(max_size=300) | st.binary(max_size=3).map(lambda unit: unit * 1000),
    size=st.integers(1, 50),
)
def test_what_comes_out_does_not_depend_on_how_it_came(
    code: Callable[[bytes], bytes], new_decoder: Callable[[], Decoder | ZstdDecoder], body: bytes, size: int
) -> None:
    coded, decoder = code(body), new_decoder()
    cuts = range(0, len(coded), size)
    assert b"".join(piece for at in cuts for piece in decoder.decode(coded[at : at + size])) == body
    assert decoder.ended


CODERS = [(gzip.compress, Decoder), (zstd.compress, new_zstd_decoder), (streamed_zstd, new_zstd_decoder)]


@pytest.mark.parametrize(("code", "new_decoder"), CODERS)
def test_little_that_stands_for_much_comes_in_pieces(
    code: Callable[[bytes], bytes], new_decoder: Callable[[], Decoder | ZstdDecoder]
) -> None:
    decoder = new_decoder()
    pieces = list(decoder.decode(code(bytes(10 * DECODED_BYTES + 5))))
    assert [len(piece) for piece in pieces] == [DECODED_BYTES] * 10 + [5]
    assert decoder.ended


@pytest.mark.parametrize(("code", "new_decoder"), CODERS)
def test_what_follows_the_end_is_dropped(
    code: Callable[[bytes], bytes], new_decoder: Callable[[], Decoder | ZstdDecoder]
) -> None:
    decoder = new_decoder()
    assert b"".join(decoder.decode(code(b"x") + b"more")) == b"x"
    assert list(decoder.decode(b"more")) == []


@pytest.mark.parametrize("damaged", [b"no gzip", gzip.compress(b"x" * 100)[:-8] + bytes(8)])
def test_damaged_data_is_an_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not in its coding"):
        list(Decoder().decode(damaged))


@pytest.mark.parametrize(("code", "new_decoder"), CODERS)
def test_data_that_is_cut_has_no_end(
    code: Callable[[bytes], bytes], new_decoder: Callable[[], Decoder | ZstdDecoder]
) -> None:
    decoder = new_decoder()
    list(decoder.decode(code(b"x" * 100)[:-1]))
    assert not decoder.ended


DAMAGED_BLOCKS = zstd.compress(b"x" * 100)[:6] + b"\xff" * 40
TOO_SHORT = zstd.compress(b"x" * 100)[:3]


@pytest.mark.parametrize("damaged", [b"no zstd", b"(no zstd", DAMAGED_BLOCKS])
def test_damaged_zstd_is_an_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="not in its coding"):
        list(new_zstd_decoder().decode(damaged))


def test_zstd_without_a_whole_head_is_nothing_yet() -> None:
    decoder = new_zstd_decoder()
    assert list(decoder.decode(TOO_SHORT)) == []
    assert not decoder.ended


def windows_of(coded: bytes) -> list[int]:
    """What a decoder takes for it."""
    taken: list[int] = []
    list(ZstdDecoder(taken.append).decode(coded))
    return taken


def test_decoder_of_zstd_takes_what_it_will_remember_before_it_does() -> None:
    whole = zstd.compress(bytes(1000))
    (window,) = windows_of(whole)
    assert window == 1000
    (window,) = windows_of(streamed_zstd(bytes(5 << 20)))
    assert window == 2 << 20  # that of level 3
    assert windows_of(whole[:5]) == []


def test_zstd_that_wants_more_memory_than_codings_may_is_an_error() -> None:
    parameters = {int(zstd.CompressionParameter.window_log): MAX_WINDOW.bit_length()}
    compressor = zstd.ZstdCompressor(options=parameters)
    coded = compressor.compress(bytes(32 << 20)) + compressor.flush()
    with pytest.raises(ValueError, match="too much memory"):
        windows_of(coded)


def test_zstd_for_which_there_is_no_room_is_not_begun() -> None:
    def refuse(size: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        list(ZstdDecoder(refuse).decode(zstd.compress(bytes(1000))))
