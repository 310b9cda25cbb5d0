"""Following a turn in its stored conversation: looked at again and again, until it holds the whole answer.

A long task also tells of itself on the user's WebSocket. Both are listened to at once: what the socket brings
is shown, and has the conversation looked at without delay. A socket that cannot be had changes nothing.
"""

import asyncio
from typing import Final

from translate.backend import DONE, NEWS, StoredTurn, news_of, read_detail
from translate.values import Elsewhere, ElsewhereKind, json_object, text_at
from upstream.elsewhere.limits import FollowLimits
from upstream.elsewhere.pursuit import Pursuit
from upstream.elsewhere.user_sockets import Subscription, UserSockets
from upstream.http import ConnectionLost, JsonAnswer, UpstreamError, conversation_path
from upstream.socket import feed_stored

TASKS: Final = (ElsewhereKind.PICTURE, ElsewhereKind.RESEARCH)
"""What a stream does not bring: it comes into the conversation, and the socket tells of it."""
MAX_HIDDEN: Final = 6
"""Looks in a row at a conversation that is not shown; it may not be there just after its beginning."""
MAX_FAILED: Final = 6
"""Looks in a row that fail."""
MAX_REFUSED: Final = 30
"""Looks in a row that are refused for there being too many; the page gives up after as many."""
QUIET_LOOKS: Final = 10
"""A turn whose last message ends it is over after so many looks without anything new, whatever is said of
work: that may stay for ever after an interruption.
"""
OVER_LOOKS: Final = 3
"""The same once the socket has said that a task is over; what it has brought may never stand in the tree."""
STATUS_LOOKS: Final = 4
"""After each so many looks without anything new, and after the first of them, the backend is asked whether it
still streams.
"""
UNTOLD_LOOKS: Final = 8
"""A turn whose stream broke, and of which the backend does not say whether it still streams, is given up
after so many looks without anything new, some 50 seconds.
"""
GONE_CODES: Final = ("conversation_deleted", "history_disabled_conversation_expired")
"""What is never said of a conversation that is only not there yet."""
NO_PATH: Final = "not found"
"""In just these words the path is refused, whatever the conversation."""


class GivenUp(ConnectionLost):
    """The backend has given the turn up: no way leads to more of it."""

    def __init__(self) -> None:
        super().__init__("body", "the backend has given the turn up")


class _StoredFollower:
    """See `follow_stored`."""

    def __init__(
        self, pursuit: Pursuit, elsewhere: Elsewhere, parent_message_id: str, limits: FollowLimits
    ) -> None:
        self._pursuit = pursuit
        self._id = elsewhere.conversation_id
        self._path = conversation_path(self._id)
        self._is_task = elsewhere.kind in TASKS
        self._kind = elsewhere.kind
        self._is_broken = elsewhere.records is not None  # nobody has said that the answer goes on
        self._limits = limits
        self._pauses = limits.looks(elsewhere.kind)
        self._least_pause = 0.0
        self._turn = StoredTurn(parent_message_id)
        self._quiet = 0  # looks in a row without anything new
        self._hidden = self._failed = self._refused = 0  # looks in a row
        self._said_over = False  # the socket has said that the task is over
        self._said_any = False  # the socket has told of messages of this turn

    async def run(self, news: Subscription | None) -> None:
        """Give the reader everything."""
        pursuit = self._pursuit
        while not pursuit.over:
            if found := await self._look():
                await pursuit.give(found)
                if not self._is_task:
                    self._pauses = self._limits.looks(self._kind)
            if self._is_over() or await self._has_stopped():
                await pursuit.give(DONE)
                return
            await self._wait(self._pause(), news)

    def _pause(self) -> float:
        hidden = self._limits.paces.hidden
        if self._hidden and not self._is_task:
            return hidden[min(self._hidden, len(hidden)) - 1]
        return max(next(self._pauses), self._least_pause)

    def _is_over(self) -> bool:
        if self._said_over and self._quiet >= OVER_LOOKS:
            return True
        has_all = not self._is_task or self._turn.drawn
        interrupted = self._turn.ended and has_all and self._quiet >= QUIET_LOOKS
        return self._turn.settled or interrupted

    async def _look(self) -> bytes:
        """What is new. Raises UpstreamError if there is no use in looking again."""
        self._least_pause = 0.0
        try:
            answer = await self._pursuit.call("GET", self._path)
        except UpstreamError:
            self._pursuit.check()
            self._failed += 1
            if self._failed >= MAX_FAILED:
                raise
            return b""
        if not answer.successful:
            self._count(answer)
            return b""
        self._hidden = self._failed = self._refused = 0
        try:
            news = await feed_stored(self._turn, answer.body)
        except ValueError:
            raise ConnectionLost("body", "the stored conversation is none") from None
        self._quiet = 0 if news else self._quiet + 1
        return news

    def _count(self, refusal: JsonAnswer) -> None:
        """Count a look that was refused. Raises UpstreamError if there were enough."""
        status = refusal.status
        self._hidden += status in (403, 404)
        self._refused += status == 429
        self._failed += status >= 500 or status in (408, 409, 425)
        counted = status >= 500 or status in (403, 404, 408, 409, 425, 429)
        enough = self._hidden >= MAX_HIDDEN or self._failed >= MAX_FAILED or self._refused >= MAX_REFUSED
        if enough or not counted or _is_gone(refusal):
            raise refusal.refusal()
        if status == 429:
            self._least_pause = self._limits.paces.refused

    async def _has_stopped(self) -> bool:
        """Whether the backend says that it streams no more. Raises GivenUp if it has failed."""
        settled = self._quiet > 0 and self._quiet % STATUS_LOOKS == 0  # what it has done is stored by now
        if self._is_task or not (settled or self._quiet == 1):
            return False
        try:
            answer = await self._pursuit.call("GET", f"{self._path}/stream_status")
        except UpstreamError:
            self._pursuit.check()
            return False
        told = json_object(answer.body) if answer.successful else None
        status = text_at(told or {}, "status")
        over = settled and status == "COMPLETE"
        untold = self._is_broken and not status and self._quiet >= UNTOLD_LOOKS
        if status == "FAILURE" or untold or (over and not self._turn.finished):
            raise GivenUp
        return over

    async def _wait(self, seconds: float, news: Subscription | None) -> None:
        """Wait so long, or until the socket tells of this conversation."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        while (left := due - loop.time()) > 0:
            if await self._pursuit.sleep(left) and news is not None and await self._take(news):
                return

    async def _take(self, news: Subscription) -> bool:
        """Give the reader what the socket tells of this conversation; whether it did."""
        try:
            messages = news.take_all()
        except UpstreamError:
            return False  # looking goes on without it
        told = False
        for message in messages:
            records, over = news_of(message, self._id, self._turn.earlier)
            self._said_any = self._said_any or bool(records)
            # In a conversation that goes on it may be an earlier task that is over.
            over = over and (self._said_any or not self._turn.earlier)
            self._said_over = self._said_over or over
            told = told or over or bool(records)
            if records:
                await self._pursuit.give(records)
        return told


def _is_gone(refusal: JsonAnswer) -> bool:
    """Whether it is in vain to look again."""
    detail = read_detail(refusal.body)
    return detail.code in GONE_CODES or (refusal.status == 404 and detail.message.lower() == NO_PATH)


async def follow_stored(
    pursuit: Pursuit,
    sockets: UserSockets,
    elsewhere: Elsewhere,
    parent_message_id: str,
    limits: FollowLimits,
) -> None:
    """Give the reader what the stored conversation says, until it says all.

    Raises:
        GivenUp: nothing more comes.
        UpstreamError: it is not shown, or cannot be read; or see `Pursuit`.
    """
    follower = _StoredFollower(pursuit, elsewhere, parent_message_id, limits)
    if elsewhere.kind not in TASKS:
        await follower.run(None)
        return
    news = sockets.subscribe(pursuit.credential, NEWS, pursuit.wake)
    try:
        await follower.run(news)
    finally:
        sockets.release(pursuit.credential, news)
