"""Bytes in pieces come out as they went in, once."""

from translate.openai.pieces import BLOCK, Pieces


def test_pieces_of_any_size_are_taken_whole_and_once() -> None:
    given = [b"a", b"b" * BLOCK, b"", b"c" * (BLOCK - 1), b"d", b"e"]
    pieces = Pieces()
    for piece in given:
        pieces.append(piece)
    assert pieces.take() == b"".join(given)
    assert pieces.take() == b""
    pieces.append(b"x")
    pieces.clear()
    assert pieces.take() == b""
