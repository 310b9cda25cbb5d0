"""The vocabulary is there when turns need it, and gone when there have been none for a while."""

import asyncio

from tests.eventually import eventually
from translate import Conversation
from translate.values import Usage
from turns.token_counter import HEAD_START, TokenCounter

NOTHING_SAID = Usage(3, 1)


async def test_turn_finds_the_vocabulary_loaded_once_it_has_run_for_a_moment() -> None:
    counter = TokenCounter()
    assert not counter.loaded
    with counter.expected():
        assert not counter.loaded, "posting the message comes first"
        await eventually(lambda: counter.loaded)
    await counter.close()
    assert not counter.loaded


async def test_first_counts_wait_for_it_together() -> None:
    counter = TokenCounter()
    with counter.expected(), counter.expected():
        counts = await asyncio.gather(*(counter.count(Conversation()) for _ in range(3)))
    assert counts == [NOTHING_SAID] * 3
    assert counter.loaded
    await counter.close()


async def test_it_is_dropped_when_no_turn_has_run_for_a_while_and_loaded_again_for_the_next() -> None:
    counter = TokenCounter(keep_seconds=0.02)
    with counter.expected():
        await counter.count(Conversation())
    assert counter.loaded
    await eventually(lambda: not counter.loaded)
    with counter.expected():
        assert await counter.count(Conversation()) == NOTHING_SAID
    await counter.close()


async def test_it_stays_while_any_turn_runs() -> None:
    counter = TokenCounter(keep_seconds=0.0)
    with counter.expected():
        await counter.count(Conversation())
        with counter.expected():
            pass
        await asyncio.sleep(0.01)
        assert counter.loaded
    await eventually(lambda: not counter.loaded)


async def test_turn_that_ends_at_once_without_an_answer_loads_nothing() -> None:
    counter = TokenCounter()
    with counter.expected():
        pass
    await asyncio.sleep(2 * HEAD_START)
    assert not counter.loaded
    await counter.close()
