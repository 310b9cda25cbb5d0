"""Chooses the form of an answer."""

import hashlib
import random
import re

from simulator.answers import replies, side
from simulator.answers.prompt import Prompt, shortened
from simulator.answers.prose import Writer
from simulator.tokens import split_tokens

_WORDS = re.compile(r"(\d{1,5})\s*(?:-\s*\d+\s*)?(?:words?|个?字|词)", re.IGNORECASE)
_LONG = re.compile(
    r"\b(?:long|in detail|detailed|essay|article|at length)\b|详细|长一点|长文|文章|作文",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\b(?:short|brief|briefly|concise|one sentence|tl;?dr)\b|简短|简单(?:说|介绍)|一句话", re.IGNORECASE
)


def compose(prompt: Prompt) -> str:
    """The answer to a prompt. With ``prompt.tokens`` it has exactly that many tokens."""
    rng = _rng(prompt)
    writer = Writer(prompt, rng)
    if prompt.tokens:
        return writer.exactly(prompt.tokens)
    special = replies.reply(prompt, writer, rng)
    if special is not None:
        return special
    return _of_asked_length(prompt, writer, rng)


def title_for(prompt: Prompt) -> str:
    """A few words that name the conversation."""
    return side.title(prompt)


def _rng(prompt: Prompt) -> random.Random:
    if prompt.seed == "random":
        return random.Random()
    digest = hashlib.sha256(f"{prompt.seed}\0{prompt.question}".encode(errors="replace")).digest()
    return random.Random(digest)


def _of_asked_length(prompt: Prompt, writer: Writer, rng: random.Random) -> str:
    asked = _WORDS.search(prompt.plain)
    if asked:
        count = min(int(asked.group(1)), 20000)
        text = writer.article(count * 2)  # more tokens than words
        return shortened_to(text, count, prompt.chinese)
    if _LONG.search(prompt.plain):
        return writer.article(600)
    if _SHORT.search(prompt.plain):
        return shortened(writer.opening(), 200)
    blocks = [writer.opening(), writer.paragraph(3)]
    form = rng.random()
    if form < 0.3:
        blocks.append(writer.bullet_list(rng.randint(3, 5), numbered=form < 0.15))
    elif form < 0.4:
        blocks.append(writer.code())
    blocks.append(writer.closing())
    return "\n\n".join(blocks)


def shortened_to(text: str, count: int, chinese: bool) -> str:
    """``text`` cut after about ``count`` words, or characters in Chinese."""
    if chinese:
        return text[:count]
    kept: list[str] = []
    words = 0
    for token in split_tokens(text):
        words += token[:1].isspace()
        if words > count:
            break
        kept.append(token)
    return "".join(kept)
