"""Following turns to their ends, and having the backend stop those that nobody waits for."""

import asyncio
from contextlib import suppress
from typing import Final

from accounts import Credential
from runtime import BackgroundTasks, patience
from translate.values import ElsewhereKind
from upstream.elsewhere.course import Course
from upstream.elsewhere.limits import FollowLimits
from upstream.elsewhere.pursuit import Pursuit, Reader
from upstream.elsewhere.user_sockets import UserSockets
from upstream.http import API, Exchange, HttpClient, UpstreamError

STOP_SECONDS: Final = 2.0
"""How long the end of a turn waits until the backend has confirmed that it stops."""


class Follower:
    """Follows turns. Each turn is one exchange, which was posted for, and is never posted for again."""

    def __init__(self, http: HttpClient, sockets: UserSockets, limits: FollowLimits) -> None:
        self._limits = limits
        self._http = http
        self._sockets = sockets
        self._stopping = BackgroundTasks()

    async def follow(
        self, credential: Credential, parent_message_id: str, reader: Reader, exchange: Exchange
    ) -> None:
        """Have the reader read the rest of its answer, wherever that is, until there is no rest, or none that
        is waited for.

        `parent_message_id` is the message that was answered. The limits of the exchange hold on, but for
        tasks that have limits of their own. Whoever stops it has the backend told to stop too.

        Raises:
            UpstreamError: `Aborted`, a time-out, or why the last way has failed.
            Exception: what the reader raises.
        """
        pursuit = Pursuit(self._http, credential, reader, exchange.go_on())
        course = Course(pursuit, self._sockets, parent_message_id, self._limits)
        last = reader.elsewhere
        try:
            while (elsewhere := reader.elsewhere) is not None:
                last = elsewhere
                if not self._limits.waits_for(elsewhere.kind):
                    return
                with pursuit.watch(self._limits.timeouts(elsewhere.kind, self._http.timeouts)):
                    while elsewhere is not None and elsewhere.kind is last.kind:
                        await course.go(elsewhere)
                        elsewhere = reader.elsewhere
        except BaseException:
            # A research that takes too long may go on: its report can be read in the conversation.
            research = last is not None and last.kind is ElsewhereKind.RESEARCH
            if last is not None and reader.at_work and (exchange.aborted or not research):
                await self.stop(credential, last.conversation_id)
            raise

    async def stop(self, credential: Credential, conversation_id: str) -> None:
        """Have the backend stop: closing a connection does not stop what goes on elsewhere.

        Waits for its reply, but not for long. The request is sent even if the caller is cancelled.
        """
        await asyncio.shield(self._stopping.start(self._post_stop(credential, conversation_id)))

    async def _post_stop(self, credential: Credential, conversation_id: str) -> None:
        with suppress(UpstreamError, ValueError, TimeoutError):
            async with patience(STOP_SECONDS):
                body = {"conversation_id": conversation_id, "exclude_async_types": []}
                await self._http.call("POST", f"{API}/stop_conversation", credential, body)
