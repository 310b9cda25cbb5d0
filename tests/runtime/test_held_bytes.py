"""Held bytes: what is taken is given back once, and whoever waits comes to an end."""

import asyncio
from collections.abc import Awaitable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import ByteBudget, HeldBytes, NoRoom
from runtime.held_bytes import SMALL

MIB = 1 << 20


async def granted(waiting: Awaitable[None] | None) -> None:
    """Wait, if there is something to wait for."""
    if waiting is not None:
        await waiting


def wanting(held: HeldBytes, size: int) -> "asyncio.Task[None]":
    """A holder that waits for room."""
    waiting = held.grow_to(size)
    assert waiting is not None
    return asyncio.ensure_future(granted(waiting))


async def turns() -> None:
    """Let everything happen that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_small_holders_find_room_beside_large_ones() -> None:
    room = ByteBudget(4 * MIB)
    large = room.hold()
    assert large.try_grow_to(3 * MIB)
    assert not large.try_grow_to(3 * MIB + 1)
    for _ in range(4):
        assert room.hold().try_grow_to(SMALL)
    assert not room.hold().try_grow_to(SMALL)
    assert room.used == 4 * MIB
    large.release()
    assert room.hold().try_grow_to(2 * MIB)


def test_holder_follows_what_is_kept_and_gives_it_back_once() -> None:
    room = ByteBudget(4 * MIB)
    held = room.hold()
    assert held.try_grow_to(1000)
    assert held.try_grow_to(500)
    assert room.used == 1000
    held.shrink_to(2000)
    held.shrink_to(10)
    assert room.used == 10
    held.release()
    held.release()
    held.shrink_to(0)
    assert held.try_grow_to(1000)
    assert room.used == 0


async def test_room_is_given_in_the_order_in_which_the_holders_began() -> None:
    room = ByteBudget(1000, largest=1000)
    eldest, *others = (room.hold() for _ in range(4))
    assert eldest.grow_to(10) is None
    assert [held.grow_to(300) for held in others] == [None, None, None]
    tasks = [wanting(others[1], 600), wanting(others[0], 500)]
    await turns()
    assert [task.done() for task in tasks] == [False, False]
    others[2].release()
    await turns()
    assert [task.done() for task in tasks] == [False, True]
    others[0].release()
    await turns()
    assert tasks[0].done()
    assert room.used == 610


async def test_one_that_began_first_never_waits_and_nobody_gets_more_than_the_largest() -> None:
    room = ByteBudget(1000, largest=700)
    first, second = room.hold(), room.hold()
    assert first.grow_to(1) is None
    assert second.grow_to(700) is None
    assert first.grow_to(700) is None
    third = room.hold()
    waits = wanting(third, 400)
    with pytest.raises(NoRoom):
        first.grow_to(701)
    first.release()
    await waits
    assert room.used == 1100


async def test_waiting_ends_after_a_while_and_what_was_held_is_still_held() -> None:
    room = ByteBudget(1000, patience=0.01)
    first, second, third = (room.hold() for _ in range(3))
    assert first.grow_to(1) is None
    assert second.grow_to(900) is None
    assert third.grow_to(50) is None
    with pytest.raises(NoRoom, match="no room"):
        await granted(third.grow_to(150))
    assert room.used == 951
    second.release()
    await turns()
    assert room.used == 51


@pytest.mark.parametrize("how", ["release", "cancel"])
async def test_holder_that_is_given_up_waits_no_more(how: str) -> None:
    room = ByteBudget(1000)
    first, second, third = (room.hold() for _ in range(3))
    assert first.grow_to(1) is None
    assert second.grow_to(900) is None
    waits = wanting(third, 150)
    await turns()
    waits.cancel() if how == "cancel" else third.release()
    with pytest.raises(asyncio.CancelledError if how == "cancel" else NoRoom):
        await waits
    third.release()
    with pytest.raises(NoRoom):
        third.grow_to(1)
    second.release()
    first.release()
    await turns()
    assert room.used == 0


@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.sampled_from("gsr"), st.integers(0, 2 * MIB)), max_size=30)
)
def test_budget_is_never_exceeded_and_ends_empty(steps: list[tuple[int, str, int]]) -> None:
    room = ByteBudget(2 * MIB)
    held = [room.hold() for _ in range(4)]
    for which, step, size in steps:
        match step:
            case "g":
                held[which].try_grow_to(size)
            case "s":
                held[which].shrink_to(size)
            case _:
                held[which].release()
        assert 0 <= room.used <= 2 * MIB
    for each in held:
        each.release()
    assert room.used == 0


@given(sizes=st.lists(st.integers(1, 100), min_size=1, max_size=12), piece=st.integers(1, 40))
def test_all_that_grow_piece_by_piece_come_to_an_end(sizes: list[int], piece: int) -> None:
    async def grow(room: ByteBudget, size: int) -> None:
        with room.hold() as held:
            for reached in (*range(piece, size, piece), size):
                await granted(held.grow_to(reached))
                assert room.used <= 200
                await asyncio.sleep(0)

    async def run() -> int:
        room = ByteBudget(100, largest=100)
        await asyncio.gather(*(grow(room, size) for size in sizes))
        return room.used

    assert asyncio.run(run()) == 0
