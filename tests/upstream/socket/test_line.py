"""What is held for a reader: so much and no more, for one and for all of them."""

import asyncio

import pytest

from translate.backend.websocket_frames import Frame, Handover
from upstream.http.errors import Aborted
from upstream.socket.line import Line, Room


def frame(body: bytes = b"", *, more: bool = True, request_id: str = "w1") -> Frame:
    return Frame(1, request_id, "c1", "r1", body, more)


async def test_pieces_come_in_order_and_at_once() -> None:
    line = Line("w1", Room())
    for body in (b"a", b"b", b""):
        line.push(frame(body))
    assert await line.wait(1)
    assert line.take() == b"ab"
    assert line.take() == b""
    assert not await line.wait(0.01)


async def test_line_that_is_full_keeps_what_it_has_and_nothing_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("upstream.socket.line.MAX_HELD_BYTES", 10)
    room = Room()
    line, free = Line("w1", room), room.left
    line.push(frame(b"x" * 8))
    line.push(frame(b"y" * 3))
    line.push(frame(b"z"))
    assert (line.lost, line.take()) == (True, b"x" * 8)
    line.push(frame(b"z"))
    assert line.take() == b""
    assert room.left == free
    line.push(frame(b"\ndata: [DONE]\n\n"))
    assert line.ended, "the end is seen all the same"


async def test_all_lines_share_one_room_and_give_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("upstream.socket.line.MAX_HELD_BY_ALL_BYTES", 10)
    room = Room()
    first, second, third = (Line(name, room) for name in ("w1", "w2", "w3"))
    first.push(frame(b"x" * 6))
    second.push(frame(b"x" * 6))
    assert (first.lost, second.lost) == (False, True)
    first.close()
    assert room.left == 10
    third.push(frame(b"x" * 10))
    third.miss()
    assert (room.left, third.lost) == (10, True)


async def test_nothing_is_taken_behind_the_end() -> None:
    line = Line("w1", Room())
    line.push(frame(b"data: [DO"))
    line.push(frame(b"NE]\n\n"))
    line.push(frame(b"late"))
    line.lose()
    assert (line.ended, line.lost) == (True, False)
    assert line.take() == b"data: [DONE]\n\n"


async def test_first_failure_wakes_the_reader_and_comes_out() -> None:
    line = Line("w1", Room())
    waiting = asyncio.ensure_future(line.wait())
    await asyncio.sleep(0)
    line.fail(Aborted())
    line.fail(ValueError())
    assert await waiting
    with pytest.raises(Aborted):
        line.take()


def owns(line: Line, request_id: str, conversation_id: str, response_id: str) -> bool:
    return line.owns(Frame(1, request_id, conversation_id, response_id, b"", more=True))


async def test_frames_are_told_by_request_or_else_by_conversation_and_response() -> None:
    line = Line("w1", Room())
    assert owns(line, "w1", "", "")
    assert not owns(line, "", "", "")
    line.bind(Handover("wss://h", "c1", "r1", "w2"))
    assert owns(line, "w2", "c9", "r9")
    assert owns(line, "", "c1", "r1")
    assert not owns(line, "w1", "c1", "r1")
    assert not owns(line, "", "c1", "r2")
    assert not owns(line, "", "c1", "")
