"""Taking conversations off an account's list (protocol notes, sections 3 and 20.1)."""

from collections.abc import Callable

from accounts import Credential
from upstream.files.answers import ABSENT, content_of
from upstream.http import (
    HttpClient,
    JsonAnswer,
    RouteMemory,
    UpstreamError,
    conversation_path,
    deletion_path,
)


class Hiding:
    """Hides by PATCH, and where the backend has that no longer, deletes. `clock` gives seconds.

    That PATCH is absent is remembered once something was deleted: the same statuses may be about one
    conversation alone.
    """

    def __init__(self, client: HttpClient, clock: Callable[[], float]) -> None:
        self._client = client
        self._patch = RouteMemory(clock=clock)

    async def hide(self, credential: Credential, conversation_id: str) -> bool:
        """Take one conversation off the list, and tell whether that worked; never raises.

        Without a usable id nothing is sent: the path without an id hides all conversations.
        """
        try:
            return await self._hide(credential, conversation_id)
        except (UpstreamError, ValueError):
            return False

    async def _hide(self, credential: Credential, conversation_id: str) -> bool:
        call = self._client.call
        if self._patch.may_be_there:
            path = conversation_path(conversation_id)
            answer = await call("PATCH", path, credential, {"is_visible": False})
            if answer.status not in ABSENT:
                return _is_done(answer)
        deleted = _is_done(await call("DELETE", deletion_path(conversation_id), credential))
        if deleted and self._patch.may_be_there:
            self._patch.leave_out()
        return deleted


def _is_done(answer: JsonAnswer) -> bool:
    return answer.successful and content_of(answer).get("success") is True
