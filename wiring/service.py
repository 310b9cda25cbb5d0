"""The service as a whole: what starts with it, and in which order it stops."""

from dataclasses import dataclass

from accounts import AccountQueue
from catalogue import CallerModels, GptsFileWatcher
from continuity import ConversationTable
from handlers import AppParts
from kept import ResponseStore
from ledger import ChargeBook, LicenceUsage
from media import MediaStore
from metrics import Exposition, LagSampler, Metrics
from pool import HealthBook, Pool
from recordings import Recorder
from roster import RosterWatcher
from runtime import BackgroundTasks, MemoryTrimmer, StateDirectory
from settings import Settings
from tracing import Tracer
from turns import LaterHiding, RunningAnswers, TokenCounter
from uploads import UploadStore
from upstream import ConversationClient, HttpClient
from upstream.account import AccountLimits

__all__ = ["Service"]


@dataclass(frozen=True, slots=True)
class Service:
    """The parts that run in the background, and what the handlers work with (`app`)."""

    settings: Settings
    app: AppParts
    metrics: Metrics
    charges: ChargeBook
    models: CallerModels
    limits: AccountLimits
    gpts: GptsFileWatcher
    roster: RosterWatcher
    media: MediaStore
    uploads: UploadStore
    queue: AccountQueue
    pool: Pool
    health: HealthBook
    starting: BackgroundTasks
    licence: LicenceUsage
    running: RunningAnswers
    tokens: TokenCounter
    recorder: Recorder
    conversations: ConversationClient
    http: HttpClient
    exposition: Exposition
    lag: LagSampler
    trimmer: MemoryTrimmer
    state: StateDirectory
    responses: ResponseStore | None
    table: ConversationTable | None
    hiding: LaterHiding | None
    tracer: Tracer | None

    def start(self) -> None:
        """Start what runs in the background; returns at once."""
        self.roster.start()
        self.gpts.start()
        self.media.start()
        self.uploads.start()
        self.starting.start(self.health.start())
        self.charges.ledger.start()
        self.licence.start()
        self.lag.start()
        self.trimmer.start()
        self.state.start()

    def reload(self) -> None:
        """Read the files of accounts and of GPTs again soon."""
        self.roster.reload()
        self.gpts.reload()

    async def close(self) -> None:
        """Stop it, and store what is left. No answer may be running any more."""
        await self.state.close()
        await self.trimmer.close()
        await self.gpts.close()
        await self.roster.close()
        await self.media.close()
        await self.uploads.close()
        await self.queue.close()
        await self.starting.wait()
        await self.health.close()
        if self.hiding is not None:
            await self.hiding.close()
        await self.licence.close()
        await self.models.close()
        await self.limits.close()
        self.conversations.close()
        self.http.close()
        await self.tokens.close()
        await self.recorder.close()
        await self.charges.close()
        if self.responses is not None:
            await self.responses.close()
        if self.table is not None:
            await self.table.close()
        await self.exposition.close()
        self.lag.stop()
        if self.tracer is not None:
            await self.tracer.close()
