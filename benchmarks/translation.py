"""The translator as the benchmarks use it: bytes of the backend in, bytes for the client out.

The one place in this package that knows how the translator is called.
"""

from translate.backend.interpreter import Sent
from translate.conversation import Turn
from translate.openai.chat import StreamWriter

PICTURE_ADDRESS = "http://127.0.0.1/images/a.png"
"""Where each picture of an answer is said to be."""

SENT = (Sent("22222222-2222-4333-8444-555555555555", "user", "hello"),)
"""The message that the answer replies to."""


class WrongTranslation(AssertionError):
    """The answer is not over, or has failed, or has another text: then its speed does not matter."""


class Translation:
    """One streamed answer. With `fast` false every event is parsed in full."""

    def __init__(self, *, fast: bool = True) -> None:
        self._writer = StreamWriter(
            id="chatcmpl-1", created=1702623600, model="gpt-3.5-turbo", include_usage=False
        )
        self._turn = Turn(self._writer, SENT, fast=fast)
        self.feed = self._turn.feed
        """Takes bytes and gives what the client gets. The translator's own method: no call is added to it."""

    def feed_with_pictures(self, piece: bytes) -> bytes:
        """As `feed`; each picture that the answer shows is found at once, at `PICTURE_ADDRESS`."""
        written = self._turn.feed(piece)
        while self._turn.wanted is not None:
            written += self._turn.supply(PICTURE_ADDRESS) + self._turn.feed(b"")
        return written

    def text(self) -> str:
        """The whole text. Raises WrongTranslation where the answer is not over or has failed."""
        if not self._turn.done or self._turn.error is not None:
            raise WrongTranslation(f"done: {self._turn.done}, error: {self._turn.error}")
        return self._writer.answer
