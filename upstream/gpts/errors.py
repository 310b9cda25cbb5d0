"""Why a GPT has no description, and the error for requests that need it."""

from dataclasses import dataclass
from enum import Enum, auto

from upstream.http import JsonAnswer, UpstreamError


class FailureKind(Enum):
    """What a failure means for later attempts."""

    TRANSIENT = auto()
    """It may be over in a moment, as an outage is."""
    PERMANENT = auto()
    """It takes a person to change something."""
    GONE = auto()
    """Permanent: the backend has no such GPT, or no longer."""


@dataclass(frozen=True, slots=True)
class FetchFailure:
    """Why there is no description. `reason` is for operators and users, and quotes nothing of the backend.

    `answer` is the backend's answer if it refused the credential. `unknown` says that the backend has nothing
    under the id that was asked for.
    """

    reason: str
    kind: FailureKind = FailureKind.TRANSIENT
    answer: JsonAnswer | None = None
    unknown: bool = False

    @property
    def permanent(self) -> bool:
        """It makes no sense to try again soon."""
        return self.kind is not FailureKind.TRANSIENT


class GptUnavailable(UpstreamError):
    """There is no description of a GPT, for the `reason` given; if `permanent`, not soon either."""

    def __init__(self, failure: FetchFailure) -> None:
        super().__init__(f"the GPT is not available: {failure.reason}")
        self.reason = failure.reason
        self.permanent = failure.permanent
