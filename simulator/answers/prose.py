"""Running text about a subject: paragraphs, lists, headings and code, as long as wanted."""

import random
from collections.abc import Iterator

from simulator.answers.bank import CHINESE, ENGLISH, Bank
from simulator.answers.prompt import Prompt
from simulator.tokens import split_tokens

_CODE = r"""```python
def look_at(parts):
    '''Take one part after the other.'''
    for number, part in enumerate(parts, start=1):
        print(f"{number}. {part}\n")
```"""


class Writer:
    """Writes about one prompt. The same ``rng`` state gives the same words."""

    def __init__(self, prompt: Prompt, rng: random.Random) -> None:
        self._prompt = prompt
        self._rng = rng
        self._bank: Bank = CHINESE if prompt.chinese else ENGLISH

    def opening(self) -> str:
        """A first paragraph that takes up the question."""
        first = self._line(self._bank.opening)
        return self._bank.gap.join([first, self.paragraph(2)])

    def closing(self) -> str:
        """A last sentence."""
        return self._line(self._bank.closing)

    def paragraph(self, sentences: int) -> str:
        """So many sentences, no two neighbours alike."""
        chosen = self._rng.sample(self._bank.sentences, min(sentences, len(self._bank.sentences)))
        return self._bank.gap.join(self._fill(sentence) for sentence in chosen)

    def bullet_list(self, count: int, *, numbered: bool = False) -> str:
        """A markdown list with a line that introduces it."""
        points = [self._line(self._bank.points) for _ in range(count)]
        marks = [f"{n}." for n in range(1, count + 1)] if numbered else ["-"] * count
        rows = [f"{mark} {point}" for mark, point in zip(marks, points, strict=True)]
        return self._line(self._bank.list_lead) + "\n\n" + "\n".join(rows)

    def code(self) -> str:
        """A fenced block with a line that introduces it."""
        return self._line(self._bank.code_lead) + "\n\n" + _CODE

    def sections(self) -> Iterator[str]:
        """Paragraphs with a heading, a list or code now and then, without end."""
        while True:
            for heading in self._bank.headings:
                yield f"## {heading}"
                yield self.paragraph(4)
                extra = self._rng.random()
                if extra < 0.35:
                    yield self.bullet_list(3)
                elif extra < 0.45:
                    yield self.code()
                yield self.paragraph(3)

    def article(self, tokens: int) -> str:
        """Text of at least ``tokens`` tokens, ended at the end of a section."""
        blocks = [self.opening()]
        written = len(split_tokens(blocks[0]))
        for block in self.sections():
            if written >= tokens:
                break
            blocks.append(block)
            written += len(split_tokens(block)) + 1
        return "\n\n".join([*blocks, self.closing()])

    def exactly(self, tokens: int) -> str:
        """Text of just so many tokens, cut where it has to be."""
        return "".join(split_tokens(self.article(tokens))[:tokens])

    def _line(self, choices: tuple[str, ...]) -> str:
        return self._fill(self._rng.choice(choices))

    def _fill(self, sentence: str) -> str:
        words = {name: self._rng.choice(options) for name, options in self._bank.fillers.items()}
        text = sentence.format(t=self._prompt.topic, q=self._prompt.quoted, **words)
        return text[:1].upper() + text[1:]
