"""Tokens are counted exactly as the library of the models' maker counts them, and long texts in time."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turns.encodings import CL100K, O200K
from turns.tokens import EXACT_CHARACTERS, load_vocabulary

count_tokens: Final = load_vocabulary(CL100K).count_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("tiktoken is great!", 6),
        ("antidisestablishmentarianism", 6),
        ("2 + 2 = 4", 7),
        ("お誕生日おめでとう", 9),
        ("hello world", 2),
        ("Hello", 1),
        ("\n\n\n", 1),
        ("<|endoftext|>", 7),  # words of a user, not the special token
    ],
)
def test_published_examples(text: str, tokens: int) -> None:
    assert count_tokens([text]) == tokens


def test_nothing_is_downloaded() -> None:
    """In an interpreter that has not loaded the vocabulary yet, and can make no socket."""
    code = (
        "import socket; from turns.encodings import ENCODINGS; from turns.tokens import load_vocabulary; "
        "del socket.socket; print(*(load_vocabulary(each).count_tokens(['hi']) for each in ENCODINGS))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1\n"


@given(st.lists(st.text(st.characters(codec=None) | st.just("\ud83d"), max_size=50), max_size=5))
@settings(deadline=None)
def test_any_texts_have_a_count_and_it_is_the_sum_of_theirs(texts: list[str]) -> None:
    assert count_tokens(texts) == sum(count_tokens([text]) for text in texts)
    assert (count_tokens(texts) > 0) == any(texts)


@pytest.mark.parametrize(
    "sentence", ["The quick brown fox, at 9 o'clock. ", "今天天气很好，我们去公园。", "if x:\n    y()\n"]
)
def test_very_long_texts_are_estimated_closely(sentence: str) -> None:
    times = 3 * EXACT_CHARACTERS // len(sentence)
    exact = count_tokens([sentence * 100]) / 100 * times
    assert count_tokens([sentence * times]) == pytest.approx(exact, rel=0.01)
    assert count_tokens([sentence] * times) == pytest.approx(exact, rel=0.05)


def test_estimate_looks_at_all_parts_of_a_text() -> None:
    words, signs = "word " * 100_000, "好" * 500_000
    mixed, exact = count_tokens([words + signs]), 100_000 + count_tokens(["好" * 1000]) * 500
    assert mixed == pytest.approx(exact, rel=0.15)


def test_there_is_one_vocabulary_of_an_encoding_whoever_asks_for_it() -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(load_vocabulary, [CL100K, O200K] * 4))
    assert found == found[:2] * 4
    assert found[0] is not found[1]


def test_vocabulary_is_freed_with_its_last_holder_and_loaded_once_for_all() -> None:
    """In an interpreter of its own, since these tests hold it."""
    code = """
import weakref
from concurrent.futures import ThreadPoolExecutor
from turns.encodings import CL100K
from turns.tokens import load_vocabulary
with ThreadPoolExecutor(2) as threads:
    first, second = threads.map(load_vocabulary, [CL100K, CL100K])
held = weakref.ref(first)
print(first is second)
del first, second
print(held() is None, load_vocabulary(CL100K).count_tokens(["hello world"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\nTrue 2\n"


async def test_loop_goes_on_while_a_long_text_is_counted() -> None:
    text = ["The quick brown fox jumps over the lazy dog. " * 4000] * 1
    most = 0
    for _ in range(5):  # the loop may stand still for another reason while one of them is counted
        running = threading.Event()

        def count(begun: threading.Event = running) -> int:
            begun.set()
            return count_tokens(text)

        task = asyncio.create_task(asyncio.to_thread(count))
        turns = 0
        while not task.done():
            await asyncio.sleep(0)
            turns += running.is_set()
        most = max(most, turns)
    assert most > 10, "the count kept the interpreter to itself"
