"""What the handlers share: one object per application."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from accounts import AccountQueue, Caller, credential_for
from catalogue import GptsFileWatcher
from ledger import ChargeBook, LicenceUsage
from logs import RecentFailures
from media import MediaReader, MediaStore
from metrics import Metrics
from settings import Settings
from translate.values import ApiError, Catalogue, Model, Overloaded
from turns.failures import as_api_error
from upstream import ConversationClient, HttpClient, UpstreamError
from upstream.files import BackendFiles
from upstream.gpts import GptDescriptions

STOP_SECONDS = 2.0
"""How long stopped answers may take to write their last event."""


class Running(Protocol):
    """An answer being made."""

    def stop(self, error: ApiError) -> None:
        """End it soon, with ``error``."""
        ...


@dataclass(slots=True)
class Service:
    """The parts, and the answers in flight. ``simulated`` says that the backend is the built-in one."""

    settings: Settings
    http: HttpClient
    conversations: ConversationClient
    catalogue: Catalogue
    metrics: Metrics
    gizmos: GptDescriptions
    gpts: GptsFileWatcher
    files: BackendFiles
    media: MediaStore
    reader: MediaReader
    queue: AccountQueue
    charges: ChargeBook
    licence: LicenceUsage
    simulated: bool = False
    version: str = ""
    draining: bool = False
    running: set[Running] = field(default_factory=set)
    failures: RecentFailures = field(default_factory=RecentFailures)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _aftermath: set[asyncio.Task[bool]] = field(default_factory=set)

    @contextmanager
    def admit(self, answer: Running, route: str) -> Iterator[None]:
        """Count ``answer`` as in flight. Raises Overloaded when there are too many or we are stopping."""
        if self.draining:
            self.metrics.rejected("draining")
            raise Overloaded("The service is restarting.", retry_after=5)
        if len(self.running) >= self.settings.max_concurrent:
            self.metrics.rejected("overloaded")
            raise Overloaded("Too many answers are being made at once.", retry_after=2)
        self.running.add(answer)
        self._idle.clear()
        self.metrics.started(route)
        try:
            yield
        finally:
            self.running.discard(answer)
            if not self.running:
                self._idle.set()
            self.metrics.ended(route)

    async def describe(self, model: Model, key: str) -> Model:
        """``model`` with what the backend must be told about it, which may take some seconds for a GPT.

        Raises ApiError.
        """
        if not model.gizmo_id:
            return model
        try:
            return replace(model, gizmo=await self.gizmos.get(model.gizmo_id, credential_for(Caller(key))))
        except UpstreamError as error:
            raise as_api_error(error) from None

    def hide(self, key: str, conversation_id: str) -> None:
        """Take a conversation off the account's list, in the background: the answer does not wait for it."""
        task = asyncio.ensure_future(
            self.files.hide_conversation(credential_for(Caller(key)), conversation_id)
        )
        self._aftermath.add(task)
        task.add_done_callback(self._aftermath.discard)

    async def drain(self) -> None:
        """Let running answers end, up to the drain limit; then stop them with an error event."""
        self.draining = True
        if not await self._became_idle(self.settings.drain_timeout):
            for answer in list(self.running):
                answer.stop(Overloaded("The service is restarting.", should_retry=False))
            await self._became_idle(STOP_SECONDS)
        if self._aftermath:
            await asyncio.wait(self._aftermath, timeout=STOP_SECONDS)

    async def settled(self) -> None:
        """Once all connections are closed: answers that nobody read are over now, and get their accounts."""
        await self._became_idle(STOP_SECONDS)

    async def _became_idle(self, within: float) -> bool:
        if not self.running:
            return True
        try:
            async with asyncio.timeout(within):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


def new_id() -> str:
    """A fresh UUID."""
    return str(uuid.uuid4())
