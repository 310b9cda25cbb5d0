"""What an attempt proves: the one verdict from which our retry, the ledger and `x-should-retry` follow.

    UNSENT      nothing of the request has left this machine
    REFUSED     the backend provably accepted nothing
    MAYBE       the request has left, and nothing proves what became of it: it counts as spent
    ACCEPTED    the backend has begun to answer: it is spent

Only what is UNSENT or REFUSED is sent again, by us or by the client's SDK, and not by both: see `told`. What
an answer without an event stream proves is in `PROOFS`.
"""

import copy
from collections.abc import Container
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from translate.backend import Said, said_by
from translate.values import ApiError
from upstream import Exchange, ResponseRefused, UpstreamError

LONGEST_WAIT: Final = 60.0
"""A longer `Retry-After` is not kept by the SDKs: they would try again at once, and in vain."""
GATEWAY_TIMEOUTS: Final = (504, 524)
"""What the gateway waited for in vain may well have been an answer."""


class Verdict(Enum):
    """See the module's text."""

    UNSENT = auto()
    REFUSED = auto()
    MAYBE = auto()
    ACCEPTED = auto()

    @property
    def spent(self) -> bool:
        """It has cost something, or may have."""
        return self in (Verdict.MAYBE, Verdict.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Proof:
    """A row of `PROOFS`: answers with one of `statuses` whose body says one of `said`, and what they prove.

    With `asks_to_return` the answer must have a `Retry-After`.
    """

    why: str
    statuses: Container[int]
    said: Container[Said]
    verdict: Verdict
    asks_to_return: bool = False


ANY_STATUS: Final = range(100, 1000)
PROOFS: Final = (
    Proof("names a conversation, or broke off an answer", ANY_STATUS, (Said.BEGUN,), Verdict.ACCEPTED),
    Proof("a time-out behind a gateway", GATEWAY_TIMEOUTS, tuple(Said), Verdict.MAYBE),
    Proof(
        "a refusal that the backend is known for, or a challenge",
        ANY_STATUS,
        (Said.REFUSED,),
        Verdict.REFUSED,
    ),
    Proof(
        "the request came late, or the client was taken for gone", (408, 460, 499), tuple(Said), Verdict.MAYBE
    ),
    Proof("the request is at fault", range(400, 500), tuple(Said), Verdict.REFUSED),
    Proof("the backend's own error", (200, 503), (Said.ERROR,), Verdict.REFUSED),
    Proof("asks to come back later", (503,), tuple(Said), Verdict.REFUSED, asks_to_return=True),
    Proof("Cloudflare could not connect to the backend", (521, 523, 525, 526), tuple(Said), Verdict.REFUSED),
    Proof("to be sent to another address", (301, 307, 308), tuple(Said), Verdict.REFUSED),
)
"""What answers without an event stream prove; the first row that fits counts. Any other answer is a MAYBE."""


def judge(exchange: Exchange, failure: UpstreamError | None) -> Verdict:
    """The verdict on an ended exchange; `failure` is what the transport raised."""
    if not exchange.reached_backend:
        return Verdict.UNSENT
    if exchange.accepted:
        return Verdict.ACCEPTED
    if exchange.status is None:
        return Verdict.MAYBE
    if isinstance(failure, ResponseRefused):
        return judge_answer(exchange.status, failure.body, asks_to_return="retry-after" in failure.headers)
    return judge_answer(exchange.status, b"")  # it ended before its body was read


def judge_answer(status: int, body: bytes, *, asks_to_return: bool = False) -> Verdict:
    """The verdict on an answer that is neither an event stream nor leads to one."""
    said = said_by(body)
    for proof in PROOFS:
        fits = status in proof.statuses and said in proof.said
        if fits and (asks_to_return or not proof.asks_to_return):
            return proof.verdict
    return Verdict.MAYBE


def told(error: ApiError, *, spent: bool, repeated: bool) -> ApiError:
    """The error as the client is told it: with `x-should-retry: false` where its SDK is not to try again.

    That is where something was or may be `spent`, where we have `repeated` the request ourselves, and where
    the wait is longer than the SDKs keep.
    """
    in_vain = spent or repeated or (error.retry_after or 0.0) > LONGEST_WAIT
    if in_vain and error.should_retry is not False:
        error = copy.copy(error)
        error.should_retry = False
    return error
