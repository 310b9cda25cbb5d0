"""Text about a topic: paragraphs, lists, headings and code, of any length."""

import random
from collections.abc import Iterator

from simulator.answers.phrases import CHINESE, ENGLISH, Phrases
from simulator.answers.prompt import Prompt
from simulator.tokens import split_tokens

_CODE = r"""```python
def look_at(parts):
    '''Take one part after the other.'''
    for number, part in enumerate(parts, start=1):
        print(f"{number}. {part}\n")
```"""


class ProseWriter:
    """Writes about the topic of one prompt; the text depends on the prompt and the state of `rng` alone."""

    def __init__(self, prompt: Prompt, rng: random.Random) -> None:
        self._topic = prompt.topic
        self._quoted_question = prompt.quoted
        self._rng = rng
        self._phrases: Phrases = CHINESE if prompt.chinese else ENGLISH

    def opening(self) -> str:
        """A first paragraph that mentions the question or its topic."""
        first = self._line(self._phrases.opening)
        return self._phrases.separator.join([first, self.paragraph(2)])

    def closing(self) -> str:
        """A last sentence."""
        return self._line(self._phrases.closing)

    def paragraph(self, sentences: int) -> str:
        """At most `sentences` sentences, all different."""
        chosen = self._rng.sample(self._phrases.sentences, min(sentences, len(self._phrases.sentences)))
        return self._phrases.separator.join(self._fill(sentence) for sentence in chosen)

    def bullet_list(self, count: int, *, numbered: bool = False) -> str:
        """A markdown list with a line that introduces it."""
        points = [self._line(self._phrases.points) for _ in range(count)]
        marks = [f"{n}." for n in range(1, count + 1)] if numbered else ["-"] * count
        rows = [f"{mark} {point}" for mark, point in zip(marks, points, strict=True)]
        return self._line(self._phrases.list_lead) + "\n\n" + "\n".join(rows)

    def code(self) -> str:
        """A fenced block with a line that introduces it."""
        return self._line(self._phrases.code_lead) + "\n\n" + _CODE

    def sections(self) -> Iterator[str]:
        """Headings and paragraphs, with a list or code now and then, without end."""
        while True:
            for heading in self._phrases.headings:
                yield f"## {heading}"
                yield self.paragraph(4)
                extra = self._rng.random()
                if extra < 0.35:
                    yield self.bullet_list(3)
                elif extra < 0.45:
                    yield self.code()
                yield self.paragraph(3)

    def article(self, tokens: int) -> str:
        """Text of at least `tokens` tokens, which ends with a whole block."""
        blocks = [self.opening()]
        written = len(split_tokens(blocks[0]))
        for block in self.sections():
            if written >= tokens:
                break
            blocks.append(block)
            written += len(split_tokens(block)) + 1
        return "\n\n".join([*blocks, self.closing()])

    def exactly(self, tokens: int) -> str:
        """Text of exactly `tokens` tokens, cut at its end."""
        return "".join(split_tokens(self.article(tokens))[:tokens])

    def _line(self, choices: tuple[str, ...]) -> str:
        return self._fill(self._rng.choice(choices))

    def _fill(self, sentence: str) -> str:
        words = {name: self._rng.choice(options) for name, options in self._phrases.fillers.items()}
        text = sentence.format(t=self._topic, q=self._quoted_question, **words)
        return text[:1].upper() + text[1:]
