"""What must not be shown, such as the secret of a conversation that its calls of tools are marked with."""

from typing import Final

SHOWN: Final = "..."
"""Stands in place of it, behind its first character."""


class HiddenFilter:
    """Shows `hidden` without more than its first character, which must not come again in it.

    It stands anywhere: in a tag of a call that the model only shows, in words, in code.
    """

    def __init__(self, hidden: str) -> None:
        self._hidden = hidden
        self._held = ""

    @property
    def passes_through(self) -> bool:
        """See `TextFilter`; a piece with the first character of what is hidden is not plain here."""
        return not self._held

    def feed(self, text: str) -> str:
        """See `TextFilter`."""
        text, self._held = self._held + text, ""
        first = self._hidden[0]
        if first not in text:
            return text
        text = text.replace(self._hidden, first + SHOWN)
        at = text.rfind(first, max(0, len(text) - len(self._hidden) + 1))
        if at >= 0 and self._hidden.startswith(text[at:]):
            text, self._held = text[:at], text[at:]
        return text

    def release(self) -> str:
        """See `TextFilter`."""
        held, self._held = self._held, ""
        return held
