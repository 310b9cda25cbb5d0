"""A backend that plays a script for each call."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from accounts import Credential
from tests.turns.records import DONE, record
from translate.backend import PostedConversation
from translate.values import Elsewhere, JsonObject
from upstream import (
    NO_PREFLIGHT,
    Aborted,
    ConversationClient,
    Exchange,
    Preflight,
    ResponseRefused,
    UpstreamError,
)
from upstream.elsewhere import Reader

OnData = Callable[[bytes], Awaitable[None] | None]


class Call:
    """One call of the backend, from the backend's side."""

    def __init__(
        self, credential: Credential, posted: PostedConversation, on_data: OnData, exchange: Exchange
    ) -> None:
        self.credential = credential
        self.posted = posted
        self.preflight = NO_PREFLIGHT
        self._on_data = on_data
        self._aborted = asyncio.Event()
        self.on_progress: Callable[[], None] = lambda: None
        self._facts = exchange.begin()
        self._facts.begin_part(self._aborted.set, lambda: self.on_progress())

    def connect(self) -> None:
        """The request reaches the backend."""
        self._facts.connected = True

    def answer(self, status: int = 200, content_type: str = "text/event-stream") -> None:
        """The headers of the answer."""
        self.connect()
        self._facts.status, self._facts.content_type = status, content_type
        self._facts.streaming = 200 <= status < 300 and content_type == "text/event-stream"

    async def send(self, data: bytes) -> None:
        """A piece of the event stream. Raises Aborted."""
        if self._facts.status is None:
            self.answer()
        if (receiving := self._on_data(data)) is not None:
            await receiving
        if self._aborted.is_set():
            raise Aborted

    async def stall(self) -> None:
        """Say nothing more. Raises Aborted."""
        await self._aborted.wait()
        raise Aborted

    def end(self) -> None:
        """There is nothing left to abort."""
        self._facts.end_part()


Script = Callable[[Call], Awaitable[None]]
"""How the backend behaves in one call."""


class ScriptedBackend(ConversationClient):
    """Plays one script for each call; the last one again and again."""

    def __init__(self, *scripts: Script, elsewhere: Sequence[bytes] = ()) -> None:
        self._scripts = list(scripts)
        self.calls: list[Call] = []
        self.preflights: list[tuple[Credential, JsonObject]] = []
        self.preflight_work: Callable[[], Awaitable[str | None]] | None = None
        """What each preflight does, if there are any."""
        self.elsewhere = list(elsewhere)
        """Streams that bring the rest of an answer, each from its start."""
        self.failure: UpstreamError | None = None
        """How following fails after them."""
        self.stopped: list[Elsewhere] = []
        """What nobody waited for."""

    def warm(self) -> None:
        """There is no connection."""

    async def converse(
        self,
        credential: Credential,
        posted: PostedConversation,
        on_data: OnData,
        exchange: Exchange,
        preflight: Preflight = NO_PREFLIGHT,
    ) -> None:
        call = Call(credential, posted, on_data, exchange)
        call.preflight = preflight
        script = self._scripts[min(len(self.calls), len(self._scripts) - 1)]
        self.calls.append(call)
        try:
            await script(call)
        finally:
            call.end()

    def preflight(self, credential: Credential, about: Callable[[], JsonObject]) -> Preflight:
        self.preflights.append((credential, about()))
        work = self.preflight_work
        return NO_PREFLIGHT if work is None else Preflight(asyncio.ensure_future(work()))

    async def follow(
        self, credential: Credential, posted: PostedConversation, reader: Reader, exchange: Exchange
    ) -> None:
        exchange.go_on()
        while self.elsewhere and reader.elsewhere is not None:
            reader.go_on(fresh=True)
            if (receiving := reader.receive(self.elsewhere.pop(0))) is not None:
                await receiving
            await reader.end()
        if self.failure is not None:
            raise self.failure

    async def stop(self, credential: Credential, elsewhere: Elsewhere) -> None:
        self.stopped.append(elsewhere)

    def secrets(self, credential: Credential) -> tuple[str, ...]:
        return (credential.secret,)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """What was posted, call by call."""
        return [json.loads(call.posted.encode()) for call in self.calls]


def sends(*pieces: bytes) -> Script:
    """The backend streams these pieces, and ends."""

    async def script(call: Call) -> None:
        for piece in pieces:
            await call.send(piece)

    return script


def sends_and_stalls(*pieces: bytes) -> Script:
    """The backend streams these pieces, and then nothing."""

    async def script(call: Call) -> None:
        call.answer()
        for piece in pieces:
            await call.send(piece)
        await call.stall()

    return script


def fails(error: UpstreamError, *pieces: bytes, status: int | None = None) -> Script:
    """The backend streams these pieces, and then the call fails; or it answers with `status` and fails."""

    async def script(call: Call) -> None:
        if status is not None:
            call.answer(status, "application/json")
        for piece in pieces:
            await call.send(piece)
        raise error

    return script


def refused(status: int, body: bytes = b"{}", **headers: str) -> Script:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return fails(ResponseRefused(status, "application/json", named, body), status=status)


GOOD = sends(record("Hi there") + DONE)
