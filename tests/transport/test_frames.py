"""Frames of a WebSocket alone, for every way of cutting their bytes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transport.frames import BrokenFrames, FrameReader, Opcode, encode_frame

MESSAGES = st.sampled_from([Opcode.TEXT, Opcode.BINARY])


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """As a server sends it: without a mask."""
    length = len(payload)
    if length < 126:
        size = bytes([length])
    elif length < 1 << 16:
        size = b"\x7e" + length.to_bytes(2, "big")
    else:
        size = b"\x7f" + length.to_bytes(8, "big")
    return bytes([opcode | (0x80 if final else 0)]) + size + payload


def read(pieces: list[bytes], limit: int = 1 << 20) -> list[tuple[Opcode, bytes]]:
    reader, found = FrameReader(limit), []
    for piece in pieces:
        reader.feed(piece)
        while (each := reader.next()) is not None:
            found.append(each)
    return found


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[tuple[Opcode, bytes]]]:
    """What a server sends, and what is read from it."""
    wire, expected = b"", []
    for _ in range(draw(st.integers(0, 4))):
        opcode, parts = draw(MESSAGES), draw(st.lists(st.binary(max_size=200), min_size=1, max_size=3))
        for number, part in enumerate(parts):
            kind = opcode if number == 0 else Opcode.CONTINUATION
            wire += frame(kind, part, final=number == len(parts) - 1)
            if number < len(parts) - 1 and draw(st.booleans()):
                wire += frame(Opcode.PING, b"between")
                expected.append((Opcode.PING, b"between"))
        expected.append((opcode, b"".join(parts)))
    return wire, expected


@given(conversation=conversations(), data=st.data())
def test_any_cut_gives_the_same(
    conversation: tuple[bytes, list[tuple[Opcode, bytes]]], data: st.DataObject
) -> None:
    wire, expected = conversation
    cuts = data.draw(st.lists(st.integers(0, len(wire)), max_size=20))
    assert read([wire[start:end] for start, end in pairwise([0, *sorted(cuts), len(wire)])]) == expected


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536, 200_000])
def test_messages_of_every_length_are_read(length: int) -> None:
    assert read([frame(Opcode.BINARY, b"x" * length)]) == [(Opcode.BINARY, b"x" * length)]


@given(payload=st.binary(max_size=70_000), opcode=MESSAGES)
def test_what_is_sent_is_masked_and_can_be_read(payload: bytes, opcode: Opcode) -> None:
    sent = encode_frame(opcode, payload)
    head = len(frame(opcode, payload)) - len(payload)
    assert sent[0] == 0x80 | opcode
    assert sent[1] & 0x80
    key, masked = sent[head : head + 4], sent[head + 4 :]
    assert bytes(byte ^ key[at % 4] for at, byte in enumerate(masked)) == payload


@pytest.mark.parametrize(
    "wire",
    [
        frame(3, b""),
        frame(0x41, b""),
        frame(Opcode.CONTINUATION, b"a"),
        frame(Opcode.TEXT, b"a", final=False) + frame(Opcode.TEXT, b"b"),
        frame(Opcode.PING, b"x" * 126),
        frame(Opcode.PING, b"", final=False),
        b"\x81\x81\0\0\0\0a",
    ],
    ids=["kind", "extension", "nothing to continue", "two at once", "long ping", "ping in pieces", "mask"],
)
def test_broken_frames_are_refused(wire: bytes) -> None:
    with pytest.raises(BrokenFrames):
        read([wire])


def test_length_is_limited_before_the_bytes_come_and_over_all_fragments() -> None:
    with pytest.raises(BrokenFrames, match="long"):
        read([frame(Opcode.TEXT, b"x" * 101)[:2]], limit=100)
    with pytest.raises(BrokenFrames, match="long"):
        read([frame(Opcode.TEXT, b"x" * 60, final=False) + frame(Opcode.CONTINUATION, b"x" * 60)], limit=100)
    assert len(read([frame(Opcode.TEXT, b"x" * 60, final=False) + frame(0, b"x" * 40)], limit=100)) == 1


@given(wire=st.binary(max_size=100), cut=st.integers(0, 100))
def test_any_bytes_are_read_or_refused_alike_whole_and_cut(wire: bytes, cut: int) -> None:
    def outcome(pieces: list[bytes]) -> list[tuple[Opcode, bytes]] | str:
        try:
            return read(pieces, 1000)
        except BrokenFrames as error:
            return str(error)

    assert outcome([wire]) == outcome([wire[:cut], wire[cut:]])
