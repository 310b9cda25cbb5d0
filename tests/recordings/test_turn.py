"""A recorded turn: redacted as a whole, written to a file and read from it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings import NotARecording, RecordedTurn
from recordings.turn import Piece, RecordedStream

STREAM = 'data: {"message": {"id": "id-of-it-1", "content": {"parts": ["Canary wörds"]}}}\n\n'.encode()


def turn(*exchanges: RecordedStream, code: str = "upstream_error") -> RecordedTurn:
    return RecordedTurn(1795333147.25, "unknown", {"record": 2}, (502, code), exchanges)


def exchange(*pieces: Piece) -> RecordedStream:
    return RecordedStream(0.5, [("id-of-it-1", "user")], list(pieces))


def data_of(recorded: RecordedTurn) -> bytes:
    return b"".join(piece.data for each in recorded.streams for piece in each.pieces)


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=10))
def test_what_is_written_can_be_read(chunks: list[bytes]) -> None:
    pieces = [Piece(number / 8, chunk) for number, chunk in enumerate(chunks)]
    rest = [RecordedStream(9.5, (), list(pieces), "fresh"), RecordedStream(9.75, goes_on="behind")]
    written = turn(exchange(*pieces, Piece(9.0, b"", 77)), *rest, exchange())
    read = RecordedTurn.from_file(written.as_file())
    assert [len(each) for each in read.exchanges] == [3, 1]
    assert read.streams == list(written.streams)
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
        turn(exchange()).as_file() + b'{"at": 1, "goes_on": "somewhere"}\n',
        turn(exchange()).as_file() + b'{"at": 1, "goes_on": ["fresh"]}\n',
        turn().as_file() + b'{"at": 1, "goes_on": "fresh"}\n',
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
    assert [(piece.at, len(piece.data)) for piece in done.streams[0].pieces] == [
        (piece.at, len(piece.data)) for piece in pieces
    ]
    assert "Xxxxxx xéxxx".encode() in data_of(done)


def test_ids_are_the_same_in_all_exchanges_and_in_what_was_sent() -> None:
    done = turn(exchange(Piece(0, STREAM)), exchange(Piece(1, STREAM))).redacted()
    first, second = done.streams
    assert first.pieces[0].data == second.pieces[0].data
    assert first.sent == second.sent
    assert first.sent[0][0].encode() in first.pieces[0].data
    assert first.sent[0] != ("id-of-it-1", "user")


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_words_behind_a_gap_go_too(cut: int) -> None:
    done = turn(exchange(Piece(0, STREAM), Piece(1, b"", 100), Piece(2, STREAM[cut:]))).redacted()
    assert b"anary" not in data_of(done)
    assert [piece.gap for piece in done.streams[0].pieces] == [0, 100, 0]


def test_code_of_an_error_that_is_no_name_of_the_protocol_goes() -> None:
    assert turn(code="canary_in_code").redacted().error[1] != "canary_in_code"
    assert turn(code="conversation_error").redacted().error == (502, "conversation_error")


@pytest.mark.parametrize("cut", range(1, len(STREAM)))
def test_stream_that_goes_on_fits_the_one_before_it_wherever_that_broke(cut: int) -> None:
    rest = RecordedStream(1.0, (), [Piece(1.0, STREAM)], "fresh")
    first, second = turn(exchange(Piece(0.5, STREAM[:cut])), rest).redacted().streams
    whole = second.pieces[0].data
    assert b"anary" not in data_of(turn(first, second))
    assert (len(first.pieces[0].data), len(whole)) == (cut, len(STREAM))
    assert json.loads(whole[6:])["message"]["content"]["parts"] == ["Xxxxxx xéxxx"]
    assert (second.goes_on, second.at) == ("fresh", 1.0)
    if cut > STREAM.index(b'", "content'):
        assert whole.startswith(first.pieces[0].data[: STREAM.index(b'", "content')]), "the same id"


def test_text_is_redacted_as_one_over_all_streams_of_an_exchange() -> None:
    text = "See https://canary.example/path?x=1"
    begun, grown = (
        "data: " + json.dumps({"message": {"content": {"parts": [said]}}}) + "\n\n"
        for said in (text[:20], text)
    )
    rest = RecordedStream(1.0, (), [Piece(1.0, grown.encode())], "fresh")
    done = turn(exchange(Piece(0.5, begun.encode())), rest).redacted()
    first, second = (
        json.loads(stream.pieces[0].data[6:])["message"]["content"]["parts"][0] for stream in done.streams
    )
    assert second.startswith(first)
    assert "canary" not in second
