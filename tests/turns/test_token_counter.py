"""The vocabulary is there when turns need it, and gone when there have been none for a while."""

import asyncio

from tests.eventually import eventually
from translate import Conversation
from translate.values import ChatMessage, Usage
from turns.token_counter import HEAD_START, TokenCounter

NOTHING_SAID = Usage(3, 1)
OLD, NEW = "gpt-4", "gpt-5-6"
"""Slugs of models with different encodings."""


async def test_turn_finds_the_vocabulary_loaded_once_it_has_run_for_a_moment() -> None:
    counter = TokenCounter()
    assert not counter.loaded
    with counter.expected(OLD):
        assert not counter.loaded, "posting the message comes first"
        await eventually(lambda: bool(counter.loaded))
    await counter.close()
    assert not counter.loaded


async def test_first_counts_wait_for_it_together() -> None:
    counter = TokenCounter()
    with counter.expected(OLD), counter.expected(OLD):
        counts = await asyncio.gather(*(counter.count(Conversation(), OLD) for _ in range(3)))
    assert counts == [NOTHING_SAID] * 3
    assert counter.loaded
    await counter.close()


async def test_it_is_dropped_when_no_turn_has_run_for_a_while_and_loaded_again_for_the_next() -> None:
    counter = TokenCounter(keep_seconds=0.02)
    with counter.expected(OLD):
        await counter.count(Conversation(), OLD)
    assert counter.loaded
    await eventually(lambda: not counter.loaded)
    with counter.expected(OLD):
        assert await counter.count(Conversation(), OLD) == NOTHING_SAID
    await counter.close()


async def test_it_stays_while_any_turn_runs() -> None:
    counter = TokenCounter(keep_seconds=0.0)
    with counter.expected(OLD):
        await counter.count(Conversation(), OLD)
        with counter.expected(OLD):
            pass
        await asyncio.sleep(0.01)
        assert counter.loaded
    await eventually(lambda: not counter.loaded)


async def test_turn_that_ends_at_once_without_an_answer_loads_nothing() -> None:
    counter = TokenCounter()
    with counter.expected(OLD):
        pass
    await asyncio.sleep(2 * HEAD_START)
    assert not counter.loaded
    await counter.close()


async def test_only_the_vocabulary_of_the_model_is_loaded() -> None:
    counter = TokenCounter()
    with counter.expected(NEW):
        await eventually(lambda: bool(counter.loaded))
        assert counter.loaded == {"o200k_base"}
        await counter.count_prompt([], NEW)
    assert counter.loaded == {"o200k_base"}
    await counter.count_prompt([], OLD)
    assert counter.loaded == {"o200k_base", "cl100k_base"}
    await counter.close()
    assert not counter.loaded


async def test_model_that_answers_decides_how_tokens_are_counted() -> None:
    counter = TokenCounter(keep_seconds=0.02)
    words = [ChatMessage("user", "今天天气很好，我们去公园。")]
    counts = [await counter.count_prompt(words, slug) for slug in (OLD, NEW)]
    assert counts[0] > counts[1], "the newer encoding has more words in Chinese"
    await counter.close()


async def test_no_vocabulary_is_dropped_while_any_turn_runs() -> None:
    counter = TokenCounter(keep_seconds=0.0)
    with counter.expected(OLD):
        await counter.count_prompt([], NEW)
        await asyncio.sleep(0.01)
        assert "o200k_base" in counter.loaded
    await eventually(lambda: not counter.loaded)
