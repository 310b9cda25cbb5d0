"""Word-like tokens, about the pieces in which the text of a model arrives."""

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
    """The tokens of `text`; joined they are the text."""
    return _TOKEN.findall(text)


def split_pieces(text: str, step: int, unit: str) -> tuple[tuple[str, ...], float]:
    """`text` in pieces of `step` units (token, char), and the time that one piece takes, in tokens."""
    step = max(1, step)
    if unit == "char":
        # A token has about four characters.
        return tuple(text[i : i + step] for i in range(0, len(text), step)), step / 4
    tokens = split_tokens(text)
    if step == 1:
        return tuple(tokens), 1.0
    return tuple("".join(tokens[i : i + step]) for i in range(0, len(tokens), step)), float(step)
