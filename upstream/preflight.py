"""Telling the backend that a message will be posted (protocol notes, section 20.1).

It is best effort: backends may answer from a smaller pool of models where it was left out, but whatever goes
wrong with it, the message is posted all the same. It runs while the request waits for its slot and is being
prepared, so that it costs time only where there was nothing to wait for.
"""

import asyncio
from typing import Final

from accounts import Credential
from translate.values import JsonObject, json_object, text_at
from upstream.absent import ABSENT_STATUSES
from upstream.http import API, CONDUIT, HttpClient, RouteMemory, UpstreamError, conduit_token

PATH: Final = f"{API}/f/conversation/prepare"
SECONDS: Final = 2.0
"""How long it may take; a backend of today needs a tenth of that."""
ANSWER_BYTES: Final = 16 * 1024
"""Longest answer that is read; those of today have a kilobyte."""
REST_SECONDS: Final = 300.0
"""How long it is left out after it took too long."""


class Preflight:
    """What the backend has said to one. While it is `pending`, wait for its end before the message is posted;
    `close` it after the turn.
    """

    def __init__(self, work: "asyncio.Future[str | None] | None" = None) -> None:
        self._work = work

    @property
    def conduit(self) -> str | None:
        """The backend's token, which is a secret; "" if it has taken the preflight without one, else None."""
        work = self._work
        if work is None or not work.done() or work.cancelled() or work.exception() is not None:
            return None
        return work.result()

    @property
    def headers(self) -> dict[str, str]:
        """What goes along with each message of the turn."""
        return {CONDUIT: self.conduit} if self.conduit else {}

    @property
    def pending(self) -> bool:
        """It is under way."""
        return self._work is not None and not self._work.done()

    async def done(self) -> None:
        """Wait until it is over, which takes `SECONDS` at most from its beginning."""
        if self._work is not None:
            await asyncio.wait([self._work])

    def close(self) -> None:
        """Stop it, if it still goes on."""
        if self._work is not None:
            self._work.cancel()


NO_PREFLIGHT: Final = Preflight()


def begin(
    http: HttpClient, route: RouteMemory, credential: Credential, about: JsonObject, seconds: float = SECONDS
) -> Preflight:
    """Tell the backend `about` a message to come; `route` remembers if it does not want to know."""
    return Preflight(asyncio.create_task(_tell(http, route, credential, about, seconds)))


async def _tell(
    http: HttpClient, route: RouteMemory, credential: Credential, about: JsonObject, seconds: float
) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            answer = await http.call(
                "POST", PATH, credential, about, extra_headers={CONDUIT: "no-token"}, limit=ANSWER_BYTES
            )
    except TimeoutError:
        route.leave_out(REST_SECONDS)
        return None
    except (UpstreamError, ValueError):
        return None
    if answer.status in ABSENT_STATUSES:
        route.leave_out()
    if not answer.successful:
        return None
    return conduit_token(text_at(json_object(answer.body) or {}, "conduit_token"))
