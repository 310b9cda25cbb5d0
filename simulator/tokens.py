"""Word-like tokens: roughly the pieces in which a model's text arrives."""

import re

_TOKEN = re.compile(
    r" ?[A-Za-z\u00c0-\u024f]{1,9}(?:'[a-z]{1,2})?"  # most of a word
    r"| ?\d{1,3}"
    r"|[\u3040-\u30ff\u3400-\u9fff]{1,2}"
    r"| ?[!-/:-@\[-`{-~]{1,3}"
    r"|\s+"
    r"|.",
    re.DOTALL,
)


def split_tokens(text: str) -> list[str]:
    """``text`` in tokens; joined again they are the text."""
    return _TOKEN.findall(text)


def pieces_of(text: str, step: int, unit: str) -> tuple[tuple[str, ...], float]:
    """``text`` in pieces of ``step`` tokens or characters, and the time of one piece in tokens."""
    step = max(1, step)
    if unit == "char":
        # About four characters are a token's worth of time.
        return tuple(text[i : i + step] for i in range(0, len(text), step)), step / 4
    tokens = split_tokens(text)
    if step == 1:
        return tuple(tokens), 1.0
    return tuple("".join(tokens[i : i + step]) for i in range(0, len(tokens), step)), float(step)
