"""What formats have in common of which nothing is written before the end."""

from translate.openai.errors import envelope
from translate.values import ApiError, Event


class WholeAnswer:
    """A response in one piece; what makes it, `finish` and perhaps `encode`, is added. See `AnswerFormat`."""

    streams = False

    def open(self) -> bytes:
        """Nothing is written before the end."""
        return b""

    def encode(self, event: Event) -> bytes:
        """Nothing is written before the end, nor kept: the conversation keeps the text."""
        return b""

    def idle(self, *, visible: bool) -> bytes:
        """Nothing is written before the end."""
        return b""

    def fail(self, error: ApiError) -> bytes:
        """OpenAI's envelope."""
        return envelope(error)
