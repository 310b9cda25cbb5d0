"""What is the matter with single accounts, and what was counted of each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from simulator.knob_values import count, fault_name, knob, number, refusal_name, share, switch, with_values
from simulator.messages import JsonObject

FEATURES = ("image_gen", "deep_research", "file_upload")
"""Those that may be blocked."""


def _features(text: str) -> str:
    unknown = set(filter(None, text.split(","))) - set(FEATURES)
    if unknown:
        raise ValueError("must be some of " + ",".join(FEATURES))
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How one account differs from a healthy one: knobs of its own, all but `answers_as` for it alone."""

    refused: str = knob(
        "", refusal_name, "error with which each call is answered: token_expired, account_deactivated, "
        "cloudflare, ..."
    )  # fmt: skip
    busy: bool = knob(False, switch, "each message is refused, as if another one was running")
    at_once: int = knob(0, count, "messages that may run at once; 0: as the knob `busy` has it")
    cap: int = knob(0, count, "messages that count for the cap, per window; 0: as the knob `cap` has it")
    capped_until: float = knob(0.0, number, "Unix time until which messages that count are refused")
    fails: float = knob(0.0, share, "share of messages that fail, from 0 to 1")
    fails_by: str = knob("status_503", fault_name, "how these fail: a value of the knob `fault`")
    blocked: str = knob("", _features, "features that are used up, with commas: " + ",".join(FEATURES))
    answers_as: str = knob("", str, "slug that answers in place of the one asked for, as the knob")

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> "Condition":
        """That of an account of which this is the matter. Raises InvalidKnob."""
        return with_values(cls(), settings)

    def blocks(self, feature: str) -> bool:
        """Whether the feature is used up."""
        return feature in self.blocked.split(",")

    def as_json(self) -> JsonObject:
        """All of it by name."""
        return asdict(self)


HEALTHY = Condition()


@dataclass(slots=True)
class Counts:
    """What an account was asked for and has done.

    `attempts` are posted messages. Of these `accepted` began an answer, `units` is what the accepted ones
    cost, `refused` got an error: `refused_as_busy` since another one was running, `refused_as_capped` beyond
    the cap, or for any other reason. `running` are those that run now, `most_at_once` is how many did at the
    most. `denied` are calls of any kind that were refused since the account is.
    """

    attempts: int = 0
    accepted: int = 0
    units: int = 0
    refused: int = 0
    refused_as_busy: int = 0
    refused_as_capped: int = 0
    running: int = 0
    most_at_once: int = 0
    denied: int = 0

    def as_json(self) -> JsonObject:
        """All of it by name."""
        return asdict(self)
