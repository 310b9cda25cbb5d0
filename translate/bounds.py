"""How large an answer may be, and what is kept beside it."""

from typing import Final

from translate.backend import Dialect, Interpreter
from translate.text import AnswerText, Renderer
from translate.values import ApiError, Contract, UpstreamFailed

MAX_ANSWER_BYTES: Final = 32 * 1024 * 1024
"""More than a person can read; a turn beyond it is stopped, since its text is kept for counting."""
MAX_KEPT_BYTES: Final = 64 * 1024 * 1024
"""For all that is kept of a turn besides its answer: texts and citations of messages, trees, assets."""


class Bounds:
    """The bounds of one turn, in bytes: of its `answer`, and of all that the others keep."""

    __slots__ = (
        "_answer",
        "_contract",
        "_interpreter",
        "_max_kept_bytes",
        "_renderer",
        "max_answer_bytes",
        "more_kept",
    )

    def __init__(
        self,
        answer: AnswerText,
        interpreter: Interpreter,
        renderer: Renderer,
        contract: Contract | None,
        *,
        max_answer_bytes: int,
        max_kept_bytes: int,
    ) -> None:
        self._answer = answer
        self._interpreter = interpreter
        self._renderer = renderer
        self._contract = contract
        self._max_kept_bytes = max_kept_bytes
        self.max_answer_bytes = max_answer_bytes
        """The answer may be so large."""
        self.more_kept = False
        """More than plain growth has come, of which the answer has all; whoever reads such sets this."""

    def failure(self, dialect: Dialect) -> ApiError | None:
        """The failure if the answer is too large, or what is kept beside it, by `dialect` too."""
        exceeded = self._answer.size > self.max_answer_bytes
        if self.more_kept:
            self.more_kept = False
            kept = dialect.kept + self._interpreter.kept + self._renderer.kept
            if self._contract is not None:
                kept += self._contract.kept
            exceeded = exceeded or kept > self._max_kept_bytes
        if not exceeded:
            return None
        return UpstreamFailed("The answer is too large to be passed on.", should_retry=False)
