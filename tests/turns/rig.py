"""A turn without application, network and HTTP: a scripted backend, books that remember, a client that keeps.

Real are the queue, the preparation, the media store, the conversation and the formats.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from accounts import Account, AccountQueue, Credential, KeyKind
from media import MediaReader, MediaStore
from metrics import Metrics
from pool import FileHealth, HealthBook, Policy, Pool, Sources
from recordings import Recorder
from runtime import BackgroundTasks, ByteBudget
from tests.plenty import plenty
from tests.pool.world import Stands, World
from tests.turns.books import Books, RememberedLimits
from tests.turns.descriptions import Described
from tests.turns.kept_output import KeptOutput
from tests.turns.questions import chat_stream, question
from tests.turns.scripted_backend import ScriptedBackend
from tests.turns.stored_files import StoredFiles, stored_in
from translate.values import BUILT_IN, AnswerFormat
from turns.attachments import AttachmentUploader
from turns.factory import TurnFactory
from turns.follow_ups import FollowUps, GptActions
from turns.outcome import TurnOutcome
from turns.parts import Runner, TurnParts, TurnRequest
from turns.preparation import Preparation, PromptOptions
from turns.runner import TurnRunner
from turns.token_counter import TokenCounter


async def never_renewed(account: Account) -> bool:
    """No account gets another credential."""
    return False


@dataclass(slots=True)
class Rig:
    """What turns work with. Change it before `turn`."""

    backend: ScriptedBackend
    folder: Path
    books: Books = field(default_factory=Books)
    files: StoredFiles = field(default_factory=StoredFiles)
    descriptions: Described = field(default_factory=Described)
    metrics: Metrics = field(default_factory=lambda: Metrics(("chat",), [model.name for model in BUILT_IN]))
    tokens: TokenCounter = field(default_factory=TokenCounter)
    aftermath: BackgroundTasks = field(default_factory=BackgroundTasks)
    client: KeptOutput = field(default_factory=KeptOutput)
    all_taken: bool = False
    """The test holds the account's slot."""
    queue_length: int = 10
    retries: int = 0
    retry_unclear: bool = False
    hide: bool = False
    link_upstream: bool = False
    continue_limit: int = 3
    prompts: PromptOptions = field(default_factory=PromptOptions)
    actions: GptActions = "ask"
    queue: AccountQueue = field(init=False)
    limits: RememberedLimits = field(default_factory=RememberedLimits)
    media: MediaStore = field(init=False)
    recorder: Recorder = field(init=False)
    room: ByteBudget = field(default_factory=plenty)
    accounts: tuple[Account, ...] = ()
    """Those of the operator's, which keys of this service share."""
    renewed: Callable[[Account], Awaitable[bool]] = never_renewed
    max_wait: float = 60.0
    health: HealthBook = field(init=False)
    world: World = field(init=False)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        slots = dict.fromkeys(KeyKind, 1)
        self.queue = AccountQueue(
            slots, max_waiting=self.queue_length, max_wait=self.max_wait, metrics=self.metrics
        )
        self.health = HealthBook(FileHealth(self.folder / "health.json"))
        self.health.keep(account.alias for account in self.accounts)
        self.metrics.accounts.keep([account.alias for account in self.accounts], [])
        sources = Sources(lambda account, need: Stands(), lambda account, need: None, self.health)
        self.world = World(self.accounts)
        self.pool = Pool(self.world, self.queue, sources, Policy.FILL, self.metrics)
        self.media = stored_in(self.folder)
        self.recorder = Recorder(self.folder / "recordings", "off")

    @property
    def parts(self) -> TurnParts:
        reader = MediaReader(None, max_bytes=10**6, max_pixels=10**6)
        uploader = AttachmentUploader(reader, self.files, self.room)
        return TurnParts(
            conversations=self.backend,
            pool=self.pool,
            health=self.health,
            renewed=self.renewed,
            charges=self.books,
            limits=self.limits,
            preparation=Preparation(self.descriptions, uploader, self.prompts),
            files=self.files,
            media=self.media,
            room=self.room,
            metrics=self.metrics,
            tokens=self.tokens,
            recorder=self.recorder,
            aftermath=self.aftermath,
            retries=self.retries,
            retry_unclear=self.retry_unclear,
            hide=self.hide,
            link_upstream=self.link_upstream,
        )

    def turn(self, format: AnswerFormat | None = None, request: TurnRequest | None = None) -> TurnRunner:
        follow_ups = FollowUps(continue_limit=self.continue_limit, actions=self.actions)
        return TurnRunner(self.parts, request or question(), format or chat_stream(), follow_ups)

    def renew(self, alias: str, credential: Credential) -> bool:
        """The account has another credential from now on."""
        renewed = Account(alias=alias, credential=credential)
        self.world.current = self.world.current.with_account(renewed)
        return True

    def anywhere(self, request: TurnRequest, format: AnswerFormat | None = None) -> Runner:
        """A turn as the handlers get it, on any account of its key."""
        turns = TurnFactory(self.parts, continue_limit=self.continue_limit, actions=self.actions)
        return turns.turn(request, format or chat_stream())

    async def run(
        self, format: AnswerFormat | None = None, request: TurnRequest | None = None
    ) -> TurnOutcome:
        """One turn, from its beginning to its end; nothing may be left behind."""
        outcome = await self.turn(format, request).run(self.client)
        self.check_clean()
        return outcome

    def check_clean(self) -> None:
        """Every charge is settled, and the slot is free or will be in a moment."""
        assert None not in self.books.outcomes
        assert self.queue.waiting == 0
        assert self.client.is_quiet

    def counted(self, name: str, **labels: str) -> float:
        """A value of the metrics."""
        value = self.metrics.registry.get_sample_value(name, labels)
        assert value is not None, "no such metric"
        return value
