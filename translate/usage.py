"""Token counts. The backend gives none, so these are estimates of ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as OpenAI reports them."""

    prompt_tokens: int
    completion_tokens: int

    def as_json(self) -> dict[str, int]:
        """``usage`` of a completion: the two counts and their sum."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }


def estimate(text: str) -> int:
    """About how many tokens ``text`` is; at least 1, since bots take 0 for a failure.

    Four ASCII characters make about one token; elsewhere a character is close to one.
    """
    ascii_bytes = len(text.encode("ascii", "ignore"))
    return max(1, (ascii_bytes + 3) // 4 + len(text) - ascii_bytes)
