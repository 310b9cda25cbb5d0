"""Stop sequences, honoured here since the web backend has no such field."""

from collections.abc import Sequence


class StopFilter:
    """Cuts text before the stop sequence that is complete first; holds back what could begin one.

    Of two that end together the longer counts. So the cut does not depend on how the text came.
    """

    passes_through = False

    def __init__(self, sequences: Sequence[str]) -> None:
        self._sequences = tuple(sequences)
        self._held = ""
        self.stopped = False
        """A stop sequence was met; all text behind it is dropped."""

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        if self.stopped:
            return ""
        text = self._held + text
        found = [(at + len(stop), at) for stop in self._sequences if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)[1]]
        keep = max(_overlap(text, stop) for stop in self._sequences)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def release(self) -> str:
        """See `TextFilter`."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0
