"""Text filters: what text passes through on its way to the answer, one after the other.

A filter looks at text, changes it, or holds back the end of it until more has come. A new filter is one
class with the three members of `TextFilter`, and its place in a chain: in `Renderer` for one kind of item, in
`AnswerBuilder` for the whole answer.
"""

from collections.abc import Sequence
from typing import Protocol


class TextFilter(Protocol):
    """One step."""

    @property
    def passes_through(self) -> bool:
        """Plain pieces may go by without being fed: nothing is held back, and nothing in them matters.

        Plain is what `escape.PLAIN` matches: no backticks, no brackets that can open or end a mark.
        """
        ...

    def feed(self, text: str) -> str:
        """Take text; return what can be shown now, of it and of what was held back."""
        ...

    def release(self) -> str:
        """The text is over: return what was held back and is shown after all."""
        ...


class FilterChain:
    """Filters in a row, which together are one filter."""

    __slots__ = ("_filters",)

    def __init__(self, filters: Sequence[TextFilter]) -> None:
        self._filters = tuple(filters)

    @property
    def passes_through(self) -> bool:
        """All of them let plain pieces go by."""
        for item in self._filters:  # noqa: SIM110 - a generator would cost more than the look itself
            if not item.passes_through:
                return False
        return True

    def feed(self, text: str) -> str:
        """Pass `text` through all of them."""
        for item in self._filters:
            if not text:
                break
            text = item.feed(text)
        return text

    def release(self) -> str:
        """Release one after the other; what one gives passes through those behind it."""
        text = ""
        for item in self._filters:
            text = (item.feed(text) if text else "") + item.release()
        return text
