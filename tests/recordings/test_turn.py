"""A recorded turn: redacted as a whole, written to a file and read from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import NotARecording, RecordedTurn
from recordings.turn import Piece, RecordedExchange

STREAM = 'data: {"message": {"id": "id-of-it-1", "content": {"parts": ["Canary wörds"]}}}\n\n'.encode()


def turn(*exchanges: RecordedExchange, code: str = "upstream_error") -> RecordedTurn:
    return RecordedTurn(1795333147.25, "unknown", {"record": 2}, (502, code), exchanges)


def exchange(*pieces: Piece) -> RecordedExchange:
    return RecordedExchange(0.5, [("id-of-it-1", "user")], list(pieces))


def data_of(recorded: RecordedTurn) -> bytes:
    return b"".join(piece.data for each in recorded.exchanges for piece in each.pieces)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=10))
def test_what_is_written_can_be_read(chunks: list[bytes]) -> None:
    pieces = [Piece(number / 8, chunk) for number, chunk in enumerate(chunks)]
    written = turn(exchange(*pieces, Piece(9.0, b"", 77)), exchange())
    read = RecordedTurn.from_file(written.as_file())
    assert read.exchanges == [RecordedExchange(e.at, e.sent, e.pieces) for e in written.exchanges]
    assert (read.at, read.reason, read.unknown, read.error) == (
        1795333147.0,
        "unknown",
        {"record": 2},
        (502, "upstream_error"),
    )


def test_turn_without_an_error_has_none() -> None:
    whole = RecordedTurn(1.0, "whole", {}, (0, ""), ())
    assert json.loads(whole.as_file())["error"] is None
    assert RecordedTurn.from_file(whole.as_file()) == RecordedTurn(1.0, "whole", {}, (0, ""), [])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"{}",
        b"[]",
        b"1",
        b'{"recording": 2}',
        turn().as_file() + b'{"at": 1, "data": "before an exchange"}\n',
        turn(exchange()).as_file() + b'{"at": 1, "base64": "?"}\n',
        turn(exchange()).as_file() + b'{"at": "x", "data": ""}\n',
        turn(exchange()).as_file() + b'{"sent": [1], "at": 0}\n',
    ],
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(NotARecording):
        RecordedTurn.from_file(content)


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_pieces_and_times_stay_and_words_go(size: int) -> None:
    pieces = [Piece(at / 1000, STREAM[at : at + size]) for at in range(0, len(STREAM), size)]
    done = turn(exchange(*pieces)).redacted()
    assert [(piece.at, len(piece.data)) for piece in done.exchanges[0].pieces] == [
        (piece.at, len(piece.data)) for piece in pieces
    ]
    assert "Xxxxxx xéxxx".encode() in data_of(done)


def test_ids_are_the_same_in_all_exchanges_and_in_what_was_sent() -> None:
    done = turn(exchange(Piece(0, STREAM)), exchange(Piece(1, STREAM))).redacted()
    first, second = done.exchanges
    assert first.pieces[0].data == second.pieces[0].data
    assert first.sent == second.sent
    assert first.sent[0][0].encode() in first.pieces[0].data
    assert first.sent[0] != ("id-of-it-1", "user")


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_words_behind_a_gap_go_too(cut: int) -> None:
    done = turn(exchange(Piece(0, STREAM), Piece(1, b"", 100), Piece(2, STREAM[cut:]))).redacted()
    assert b"anary" not in data_of(done)
    assert [piece.gap for piece in done.exchanges[0].pieces] == [0, 100, 0]


def test_code_of_an_error_that_is_no_name_of_the_protocol_goes() -> None:
    assert turn(code="canary_in_code").redacted().error[1] != "canary_in_code"
    assert turn(code="conversation_error").redacted().error == (502, "conversation_error")
