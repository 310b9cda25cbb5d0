"""What is kept of turns for those who follow them elsewhere."""

import asyncio

import pytest

from simulator.exchange import Exchange
from simulator.knobs import Knobs
from simulator.live_turns import LiveTurn, LiveTurns


def turn(name: str, *records: str, over: bool = True) -> LiveTurn:
    exchange = Exchange(id=name, token="", asked="auto", model="gpt-5-6", effort=None)
    made = LiveTurn(exchange, f"c-{name}", "fk-tester", Knobs())
    for record in records:
        made.add(record)
    if over:
        made.finish(failed=False)
    return made


def is_kept(turns: LiveTurns, name: str) -> bool:
    return turns.of_topic("fk-tester", f"conversation-turn-{name}") is not None


@pytest.mark.parametrize("turns", [LiveTurns(max_turns=2), LiveTurns(max_characters=20)])
def test_the_oldest_that_are_over_are_dropped(turns: LiveTurns) -> None:
    for name in ("a", "b", "c"):
        turns.add(turn(name, "x" * 10, over=name != "a"))
    assert [is_kept(turns, name) for name in ("a", "b", "c")] == [True, False, True]


async def test_a_follower_gets_what_was_and_what_comes() -> None:
    live = turn("a", "one", "two", over=False)
    seen: list[str] = []

    async def follow() -> None:
        seen.extend([record async for record in live.follow(1)])

    following = asyncio.create_task(follow())
    await asyncio.sleep(0)
    live.add("three")
    live.finish(failed=False)
    await following
    assert seen == ["two", "three"]
