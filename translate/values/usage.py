"""Token counts. The backend gives none: they are counted here, by the rules that OpenAI has published.

The tokenizer itself comes from outside; this module knows what is to be counted.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CountTokens = Callable[[Sequence[str]], int]
"""The tokens of some texts together."""

MESSAGE_TOKENS = 4
"""What frames a message: three tokens, and one for its role."""
REPLY_TOKENS = 3
"""What the reply is primed with."""
PICTURE_TOKENS = 85
TILE_TOKENS = 170
TILE_PIXELS = 512


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as OpenAI reports them."""

    prompt_tokens: int
    completion_tokens: int

    def as_json(self) -> dict[str, int]:
        """``usage`` of a completion: the two counts and their sum."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


def usage_of(prompt: Sequence[str], pictures: int, answer: str, count: CountTokens) -> Usage:
    """Usage of ``answer`` to the messages ``prompt``, whose pictures take so many tokens.

    At least 1 each: bots take an answer of 0 tokens for a failure.
    """
    framing = MESSAGE_TOKENS * len(prompt) + REPLY_TOKENS
    return Usage(framing + pictures + count(prompt), max(1, count([answer])))


def picture_tokens(width: int, height: int, detail: str) -> int:
    """What a picture of a message costs, by OpenAI's rule for models that see in tiles.

    It is fitted into 2048 x 2048 pixels, then its shorter side into 768; each tile of 512 x 512 that it
    touches costs 170 tokens, on top of 85. With the detail ``low`` it is those 85 alone.
    """
    if detail == "low":
        return PICTURE_TOKENS
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    across, down = (math.ceil(round(side * scale) / TILE_PIXELS) for side in (width, height))
    return PICTURE_TOKENS + TILE_TOKENS * max(1, across) * max(1, down)
