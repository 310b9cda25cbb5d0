"""Chooses the form of an answer: a stock reply, or prose of the length that the question asks for."""

import hashlib
import random
import re

from simulator.answers.prompt import Prompt, shortened
from simulator.answers.prose import ProseWriter
from simulator.answers.stock_replies import stock_reply
from simulator.tokens import split_tokens

_WORDS = re.compile(r"(\d{1,5})\s*(?:-\s*\d+\s*)?(?:words?|个?字|词)", re.IGNORECASE)
_LONG = re.compile(
    r"\b(?:long|in detail|detailed|essay|article|at length)\b|详细|长一点|长文|文章|作文",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\b(?:short|brief|briefly|concise|one sentence|tl;?dr)\b|简短|简单(?:说|介绍)|一句话", re.IGNORECASE
)


def compose_answer(prompt: Prompt) -> str:
    """The answer to a prompt; of exactly `prompt.tokens` tokens unless that is 0."""
    rng = _rng(prompt)
    writer = ProseWriter(prompt, rng)
    if prompt.tokens:
        return writer.exactly(prompt.tokens)
    reply = stock_reply(prompt, writer, rng)
    return _prose(prompt, writer, rng) if reply is None else reply


def _rng(prompt: Prompt) -> random.Random:
    if prompt.seed == "random":
        return random.Random()
    digest = hashlib.sha256(f"{prompt.seed}\0{prompt.question}".encode(errors="replace")).digest()
    return random.Random(digest)


def _prose(prompt: Prompt, writer: ProseWriter, rng: random.Random) -> str:
    asked = _WORDS.search(prompt.plain)
    if asked:
        count = min(int(asked.group(1)), 20000)
        text = writer.article(count * 2)  # more tokens than words
        return _first_words(text, count, prompt.chinese)
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


def _first_words(text: str, count: int, chinese: bool) -> str:
    """About the first `count` words of `text`, or characters in Chinese."""
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
