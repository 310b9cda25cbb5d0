"""What is held for a reader: so much and no more, for one and for all of them."""

import asyncio

import pytest

from translate.backend import Frame, Handover
from upstream.http import Aborted
from upstream.socket.frame_buffer import BufferBudget, FrameBuffer


def frame(body: bytes = b"", *, more: bool = True, request_id: str = "w1") -> Frame:
    return Frame(1, request_id, "c1", "r1", body, more)


async def test_pieces_come_in_order_and_at_once() -> None:
    buffer = FrameBuffer("w1", BufferBudget())
    for body in (b"a", b"b", b""):
        buffer.append(frame(body))
    assert await buffer.wait(1)
    assert buffer.take_all() == b"ab"
    assert buffer.take_all() == b""
    assert not await buffer.wait(0.01)


async def test_buffer_that_is_full_keeps_what_it_has_and_nothing_after_it() -> None:
    budget = BufferBudget(per_buffer=10)
    buffer, free = FrameBuffer("w1", budget), budget.left
    buffer.append(frame(b"x" * 8))
    buffer.append(frame(b"y" * 3))
    buffer.append(frame(b"z"))
    assert (buffer.incomplete, buffer.take_all()) == (True, b"x" * 8)
    buffer.append(frame(b"z"))
    assert buffer.take_all() == b""
    assert budget.left == free
    buffer.append(frame(b"\ndata: [DONE]\n\n"))
    assert buffer.ended, "the end is seen all the same"


async def test_all_buffers_share_one_budget_and_give_it_back() -> None:
    budget = BufferBudget(total=10)
    first, second, third = (FrameBuffer(name, budget) for name in ("w1", "w2", "w3"))
    first.append(frame(b"x" * 6))
    second.append(frame(b"x" * 6))
    assert (first.incomplete, second.incomplete) == (False, True)
    first.close()
    assert budget.left == 10
    third.append(frame(b"x" * 10))
    third.lose_all()
    assert (budget.left, third.incomplete) == (10, True)


async def test_nothing_is_taken_behind_the_end() -> None:
    buffer = FrameBuffer("w1", BufferBudget())
    buffer.append(frame(b"data: [DO"))
    buffer.append(frame(b"NE]\n\n"))
    buffer.append(frame(b"late"))
    buffer.lose_rest()
    assert (buffer.ended, buffer.incomplete) == (True, False)
    assert buffer.take_all() == b"data: [DONE]\n\n"


async def test_first_failure_wakes_the_reader_and_comes_out() -> None:
    buffer = FrameBuffer("w1", BufferBudget())
    waiting = asyncio.ensure_future(buffer.wait())
    await asyncio.sleep(0)
    buffer.fail(Aborted())
    buffer.fail(ValueError())
    assert await waiting
    with pytest.raises(Aborted):
        buffer.take_all()


def owns(buffer: FrameBuffer, request_id: str, conversation_id: str, response_id: str) -> bool:
    return buffer.owns(Frame(1, request_id, conversation_id, response_id, b"", more=True))


async def test_frames_are_told_by_request_or_else_by_conversation_and_response() -> None:
    buffer = FrameBuffer("w1", BufferBudget())
    assert owns(buffer, "w1", "", "")
    assert not owns(buffer, "", "", "")
    buffer.bind(Handover("wss://h", "c1", "r1", "w2"))
    assert owns(buffer, "w2", "c9", "r9")
    assert owns(buffer, "", "c1", "r1")
    assert not owns(buffer, "w1", "c1", "r1")
    assert not owns(buffer, "", "c1", "r2")
    assert not owns(buffer, "", "c1", "")
