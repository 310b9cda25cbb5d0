"""Which way a turn is followed, and which one next if that fails."""

import math
import random
from collections import Counter
from dataclasses import replace
from typing import Final

from translate.values import Elsewhere, ElsewhereWay
from upstream.elsewhere.limits import FollowLimits
from upstream.elsewhere.pursuit import Pursuit
from upstream.elsewhere.resume import resume
from upstream.elsewhere.stored import TASKS, GivenUp, follow_stored
from upstream.elsewhere.topic import follow_topic
from upstream.elsewhere.user_sockets import UserSockets
from upstream.http import ConnectionLost, IdleTimeout, ResponseRefused, UpstreamError

ROUNDS: Final = {ElsewhereWay.SOCKET: 3, ElsewhereWay.RESUME: 6, None: 2}
"""How often each way is gone in one turn; None is the stored conversation, which is the last."""
AGAIN: Final = (408, 409, 425, 429, 502, 503, 504)
"""Answers of the resume endpoint after which it may be asked again."""
ABSENT: Final = (404, 410)
"""Answers that only say that a way does not lead to this turn."""

_jitter: Final = random.SystemRandom().uniform


class Course:
    """The ways that one turn is followed by, one after the other."""

    def __init__(
        self, pursuit: Pursuit, sockets: UserSockets, parent_message_id: str, limits: FollowLimits
    ) -> None:
        self._pursuit = pursuit
        self._sockets = sockets
        self._parent_message_id = parent_message_id
        self._limits = limits
        self._rounds: Counter[ElsewhereWay | None] = Counter()
        self._reason: UpstreamError | None = None  # why the last way has failed
        self._counts = True  # the records of the last stream are those that the resume endpoint counts

    async def go(self, elsewhere: Elsewhere) -> None:
        """Go one way to its end.

        Raises:
            UpstreamError: it was stopped; or there is no way left, and this is why the last one has failed.
        """
        pursuit, rounds = self._pursuit, self._rounds
        if not self._counts:
            elsewhere = replace(elsewhere, records=None)
        ways = [way for way in _ways(elsewhere) if rounds[way] < ROUNDS[way]]
        if not ways:
            raise self._reason or ConnectionLost(
                "body", "the answer goes on elsewhere, and no way leads there"
            )
        way = ways[0]
        rounds[way] += 1
        pursuit.begin_stream()
        lost: UpstreamError | None = None
        try:
            await self._follow(way, elsewhere)
        except UpstreamError as error:
            pursuit.check()
            lost = error.with_traceback(None)
        self._note(lost)
        if pursuit.opened:
            self._counts = way is ElsewhereWay.RESUME
            await pursuit.reader.end(lost)
        if _is_in_vain(lost, opened=pursuit.opened):
            rounds[way] = ROUNDS[way]
        if lost is not None and way is ElsewhereWay.RESUME and rounds[way] < ROUNDS[way]:
            pause = min(self._limits.retry * 1.5 ** rounds[way], self._limits.longest_retry)
            await pursuit.sleep(pause * _jitter(0.5, 1.0))

    def _note(self, lost: UpstreamError | None) -> None:
        """Keep why a way has failed, unless it only leads nowhere; what came before a stream is past."""
        if self._pursuit.opened or (
            lost is not None and not (isinstance(lost, ResponseRefused) and lost.status in ABSENT)
        ):
            self._reason = lost

    async def _follow(self, way: ElsewhereWay | None, elsewhere: Elsewhere) -> None:
        pursuit, sockets, limits = self._pursuit, self._sockets, self._limits
        if way is ElsewhereWay.SOCKET:
            idle = pursuit.http.timeouts.idle or math.inf
            await follow_topic(pursuit, sockets, elsewhere.topic_id, limits.first_item, idle)
        elif way is ElsewhereWay.RESUME:
            await resume(pursuit, elsewhere)
        else:
            await follow_stored(pursuit, sockets, elsewhere, self._parent_message_id, limits)


def _is_in_vain(lost: UpstreamError | None, *, opened: bool) -> bool:
    """Whether a way that failed so has nothing of the turn, and never will; `opened` says that it had."""
    if opened:
        return isinstance(lost, GivenUp)
    refused = isinstance(lost, ResponseRefused) and lost.status not in AGAIN
    return lost is None or refused or isinstance(lost, IdleTimeout)


def _ways(elsewhere: Elsewhere) -> tuple[ElsewhereWay | None, ...]:
    """The ways to an answer, best first; None is its stored conversation."""
    if elsewhere.kind in TASKS:
        return (None,)
    broken = elsewhere.records is not None
    ways = (ElsewhereWay.RESUME, ElsewhereWay.SOCKET) if broken else elsewhere.offered + tuple(ElsewhereWay)
    known = (way for way in ways if way is not ElsewhereWay.SOCKET or elsewhere.topic_id)
    return (*dict.fromkeys(known), None)
