"""Token counts, by the rules that OpenAI has published: the backend reports none.

The tokenizer comes from outside; this module knows what is to be counted.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CountTokens = Callable[[Sequence[str]], int]
"""Gives the number of tokens of some texts together."""

MESSAGE_TOKENS = 4
"""Added for each message: three tokens that frame it, and one for its role."""
REPLY_TOKENS = 3
"""Added once to the prompt: the reply is primed with them."""
PICTURE_TOKENS = 85
TILE_TOKENS = 170
TILE_PIXELS = 512
"""Side of a square tile."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one exchange: of the prompt and of its answer."""

    prompt_tokens: int
    completion_tokens: int


def usage_of(prompt: Sequence[str], pictures: int, answer: str, count: CountTokens) -> Usage:
    """The tokens of an exchange.

    `prompt` are the texts of its messages, `pictures` the tokens of the pictures in them (see
    `picture_tokens`), `answer` is the text of the answer. Both counts are at least 1: bots take an answer of
    0 tokens for a failure.
    """
    framing = MESSAGE_TOKENS * len(prompt) + REPLY_TOKENS
    return Usage(framing + pictures + count(prompt), max(1, count([answer])))


def picture_tokens(width: int, height: int, detail: str) -> int:
    """The tokens of a picture of `width` x `height` pixels, by OpenAI's rule for models that see in tiles.

    The picture is fitted into 2048 x 2048 pixels, then its shorter side into 768. It counts 85 tokens, and
    170 for each tile of 512 x 512 pixels that it then touches; with the `detail` "low" only the 85.
    """
    if detail == "low":
        return PICTURE_TOKENS
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    across, down = (math.ceil(round(side * scale) / TILE_PIXELS) for side in (width, height))
    return PICTURE_TOKENS + TILE_TOKENS * max(1, across) * max(1, down)
