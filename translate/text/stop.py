"""Stop sequences, honoured here since the web backend has no such field."""

import re
from collections.abc import Sequence


class StopFilter:
    """Cuts text before the stop sequence that is complete first; holds back what could begin one.

    Of two that end together the longer counts. So the cut does not depend on how the text came.
    """

    passes_through = False

    def __init__(self, sequences: Sequence[str]) -> None:
        self._searches = tuple(_Search(sequence) for sequence in sequences)
        self._begins = re.compile("|".join(re.escape(sequence[0]) for sequence in sequences))
        self._longest = self._searches[0]  # whose beginning is what is held back
        self.met = ""
        """The stop sequence that was met; all text behind it is dropped."""

    @property
    def stopped(self) -> bool:
        """A stop sequence was met."""
        return bool(self.met)

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        if self.met:
            return ""
        prefix, before = self._longest.sequence, self._longest.held
        if not before and self._begins.search(text) is None:
            return text
        ends = [
            (end, -len(search.sequence), search.sequence)
            for search in self._searches
            if (end := search.feed(text))
        ]
        if ends:
            end, size, self.met = min(ends)
            shown = before + end + size
        else:
            self._longest = max(self._searches, key=lambda search: search.held)
            shown = before + len(text) - self._longest.held
        return prefix[: min(shown, before)] + text[: max(0, shown - before)]

    def release(self) -> str:
        """See `TextFilter`."""
        if self.met:
            return ""
        return self._longest.sequence[: self._longest.held]


class _Search:
    """Looks for one sequence in a text that comes in pieces, by Knuth, Morris and Pratt.

    `held` is how many last characters of the text are the beginning of `sequence`.
    """

    def __init__(self, sequence: str) -> None:
        self.sequence = sequence
        self.held = 0
        # For each length, that of the longest beginning of the sequence which ends its first `length`
        # characters; made only as far as it is needed, since a sequence may be as long as a request.
        self._shorter = [0, 0]

    def feed(self, text: str) -> int:
        """Where in `text` the sequence is first complete, as the index behind it; 0 if it is not."""
        sequence, shorter, held, at = self.sequence, self._shorter, self.held, 0
        while at < len(text):
            if not held and (at := text.find(sequence[0], at)) < 0:
                break
            held = self._next(held, text[at])
            at += 1
            if held == len(sequence):
                return at
            if held == len(shorter):
                shorter.append(self._next(shorter[-1], sequence[held - 1]))
        self.held = held
        return 0

    def _next(self, held: int, character: str) -> int:
        """How much of the sequence ends a text of which `held` characters did, with `character` behind it."""
        while held and character != self.sequence[held]:
            held = self._shorter[held]
        return held + 1 if character == self.sequence[held] else 0
