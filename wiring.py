"""The parts of the service, made from the settings: the one place that knows all of them."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from access import AccessLimits, Admin, Doorkeeper, load_admin
from accounts import AccountQueue, Caller, Lender, SharedSlots
from activity import Activity
from catalogue import CallerModels, GptsFileWatcher, load_gpts
from continuity import ConversationTable, RedisConversations, SqliteConversations
from handlers import (
    ROUTES,
    AnswerParts,
    AppParts,
    ChatOptions,
    Common,
    Emulation,
    Lasting,
    ResponsesParts,
    StreamTiming,
)
from kept import KeptBounds, RedisResponses, ResponseStore, SqliteResponses
from ledger import (
    DAY,
    GRACE_SECONDS,
    HOUR,
    SECRET_FILE,
    SHARED_GRACE_SECONDS,
    ChargeBook,
    KeyNames,
    Ledger,
    LedgerBackups,
    LicenceUsage,
    Limits,
    Reconciler,
    RedisBackups,
    RedisStore,
    SqliteBackups,
    SqliteStore,
    Store,
    load_secret,
    save_secret,
)
from logs import RecentFailures
from media import Fetcher, MediaReader, MediaStore
from metrics import MAX_AGE_SECONDS, Exposition, LagSampler, Metrics
from oversight import Oversight
from pool import HEALTH_FILE, FileHealth, HealthBook, Policy, Pool, RedisHealth, Sources
from recordings import Recorder
from roster import Roster, RosterError, RosterFile, RosterWatcher
from runtime import COMMAND, PACKAGED, BackgroundTasks, ByteBudget, MemoryTrimmer, StateDirectory
from settings import Settings, SettingsError
from tracing import TraceOptions, Tracer, TracesMissing, load_tracer
from translate.values import (
    ANY_GPT,
    BUILT_IN,
    Catalogue,
    CitationForm,
    Gpt,
    GptsError,
    NotFound,
    Style,
    is_slug,
    names_taken,
)
from transport import Proxy
from turns import (
    QUIET_SECONDS,
    AttachmentUploader,
    LaterHiding,
    Preparation,
    PromptOptions,
    RunningAnswers,
    Shortages,
    TokenCounter,
    TurnFactory,
    TurnParts,
    Voice,
    base64_size,
)
from uploads import OwnFiles, UploadStore
from upstream import (
    AccountSockets,
    ConversationClient,
    FollowLimits,
    History,
    HttpClient,
    Paces,
    SocketLimits,
    Timeouts,
)
from upstream.account import AccountLimits, ModelLists
from upstream.files import BackendFiles
from upstream.gpts import GptDescriptions, GptDescriptionStore, GptSearch

__all__ = [
    "Service",
    "build",
    "has_demo_ledger",
    "ledger_backups",
    "ledger_store",
    "limits_of",
    "parts_to_check",
    "roster_file",
]

OPERATORS_FOLDER: Final = Path() if PACKAGED else Path(__file__).parent
"""Where the operator's files are looked for: beside `server.py`. An installed package is no place for them,
since pip replaces it; then it is the directory where the command is started, as for STATE_DIR."""
GPTS_FILE: Final = OPERATORS_FOLDER / "gpts.json"
ACCOUNTS_FILE: Final = OPERATORS_FOLDER / "accounts.json"
PROGRESS_SECONDS: Final = 600.0
"""How long the backend may send pings and nothing else; drawing and long programs take minutes."""
SOCKET_LIMITS: Final = SocketLimits()
PACES: Final = Paces()


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


def build(
    settings: Settings,
    version: str,
    *,
    simulated: bool = False,
    demo_gpts: Sequence[Gpt] = (),
    progress_timeout: float = PROGRESS_SECONDS,
    socket_limits: SocketLimits = SOCKET_LIMITS,
    paces: Paces = PACES,
    exposition_max_age: float = MAX_AGE_SECONDS,
    hidden_after: float = QUIET_SECONDS,
) -> Service:
    """Make all parts; `demo_gpts` are offered while the list of GPTs is empty. Raises SettingsError.

    `progress_timeout` is the limit for answers that hold nothing but pings, `exposition_max_age` how old the
    metrics may be that a scraper gets, and `hidden_after` how long a conversation has been quiet that is
    hidden then; all in seconds.
    """
    tracer = _tracer(settings, version)
    roster = _roster(settings, simulated=simulated)
    catalogue, load = _catalogue(settings, demo_gpts)
    http = _http_client(settings, progress_timeout)
    follow_limits = FollowLimits(
        research=settings.research_timeout,
        pro=settings.pro_timeout,
        picture=settings.picture_timeout,
        paces=paces,
    )
    conversations = ConversationClient(
        http,
        AccountSockets(http, socket_limits),
        follow_limits=follow_limits,
        of_today=settings.conversation_route == "auto",
    )
    labels = [*catalogue.models, *([ANY_GPT.name] if settings.allow_any_gpt else [])]
    metrics = Metrics(ROUTES, labels, version)
    limits, lists = AccountLimits(http), _model_lists(settings, http)
    queue = AccountQueue(
        settings.key_concurrency,
        max_waiting=settings.queue_length,
        max_wait=settings.queue_wait,
        metrics=metrics,
        shared=SharedSlots(settings.redis_url) if settings.redis_url else None,
    )
    keys, secret_file = key_names(settings), Path(settings.state_dir) / SECRET_FILE
    ledger = _ledger(settings, keys, metrics, roster, simulated=simulated)
    health = _health(settings, roster, simulated=simulated)
    shortages = Shortages(ledger, limits, lists)
    sources = Sources(shortages.standing, shortages.backend, health)
    pool = Pool(
        roster,
        queue,
        sources,
        Policy(settings.pool_policy),
        metrics,
        ready=health.wait_until_loaded,
        salt=secrets.randbits(32) if settings.redis_url else 0,
    )
    health.on_change(lambda alias: pool.changed())
    roster.on_change(lambda _: pool.changed())
    models = CallerModels(catalogue, lists, metrics, pool)
    # A description that the simulator made up must not be used with a real backend.
    store = GptDescriptionStore(Path(settings.state_dir) / ("demo-gpts" if simulated else "gpts"))
    own = Caller(settings.key_for_gpts_info).own if settings.key_for_gpts_info else None
    descriptions = GptDescriptions(http, store, own)
    gpts = GptsFileWatcher(_gpts_path(settings), load, catalogue, descriptions, metrics)
    max_bytes = settings.media_max_file_bytes
    files = BackendFiles(http, max_bytes=max_bytes)
    room = ByteBudget(settings.max_buffered_bytes // 2, largest=base64_size(max_bytes))
    media = MediaStore(
        Path(settings.state_dir) / "media",
        max_file_bytes=max_bytes,
        max_total_bytes=settings.media_max_total_bytes,
        max_age_seconds=settings.media_max_age,
    )
    fetcher = (
        Fetcher(max_bytes=max_bytes, proxy=_proxy(settings.fetch_proxy)) if settings.fetch_urls else None
    )
    reader = MediaReader(fetcher, max_bytes=max_bytes, max_pixels=settings.max_image_pixels, store=media)
    uploads = UploadStore(
        Path(settings.state_dir) / "uploads",
        max_total_bytes=settings.files_max_total_bytes,
        max_age_seconds=settings.files_max_age,
    )

    def own_files(caller: Caller) -> OwnFiles:
        return uploads.of(keys.alias(caller))

    stores_files = own_files if settings.files_max_total_bytes else None
    charges = _charge_book(settings, ledger, keys, http, metrics, catalogue, limits, pool)
    oversight = Oversight(roster, health, pool, ledger, metrics.accounts)

    def refresh_gauges() -> None:
        charges.refresh_gauges()
        oversight.refresh_gauges()

    exposition = Exposition(metrics.registry, refresh_gauges, max_age=exposition_max_age)
    licence = LicenceUsage(http, settings.licence_usage_url)
    aftermath = BackgroundTasks()
    tokens = TokenCounter()
    recorder = Recorder(Path(settings.state_dir) / "recordings", settings.record)
    responses = _response_store(settings, simulated=simulated)
    table = _conversation_table(settings, simulated=simulated)
    hides = settings.history == "hide"
    hiding = LaterHiding(files.hide_conversation, hidden_after) if hides and table is not None else None
    running = RunningAnswers(metrics, settings.max_concurrent, aftermath)
    turns = TurnFactory(
        TurnParts(
            conversations=conversations,
            pool=pool,
            health=health,
            renewed=roster.reread_credential,
            charges=charges,
            limits=limits,
            preparation=Preparation(
                descriptions,
                AttachmentUploader(reader, files, room, stores_files),
                PromptOptions(
                    temporary=settings.history == "temporary",
                    effort=settings.reasoning_effort,
                    hints=settings.system_hints,
                    fold=settings.prompt_form == "folded",
                    text_file_bytes=settings.text_file_bytes,
                ),
            ),
            files=files,
            media=media,
            room=room,
            metrics=metrics,
            tokens=tokens,
            recorder=recorder,
            aftermath=aftermath,
            retries=settings.upstream_retries,
            retry_unclear=settings.retry_unclear,
            hide=hides,
            hiding=hiding,
            link_upstream=settings.image_links == "upstream",
        ),
        continue_limit=settings.continue_limit,
        actions=settings.gpt_actions,
    )
    admin = load_admin(settings.admin_token, Path(settings.state_dir))
    app = AppParts(
        common=Common(
            metrics=metrics,
            charges=charges,
            pool=pool,
            doorkeeper=_doorkeeper(settings, metrics, charges, admin, roster),
            failures=RecentFailures(),
            activity=Activity(),
            cors_origin=settings.cors_origin,
            public_base=settings.upload_base_url,
            write_timeout=settings.write_timeout,
            max_body_bytes=settings.max_body_bytes,
            bodies=ByteBudget(settings.max_buffered_bytes),
            room=room,
            tracer=tracer,
        ),
        answers=AnswerParts(
            models=models,
            turns=turns,
            running=running,
            timing=StreamTiming(
                headers_after=settings.stream_headers_after,
                keepalive_interval=settings.keepalive_interval,
                write_timeout=settings.write_timeout,
            ),
            emulation=Emulation(enabled=settings.tools == "emulate"),
            lasting=Lasting(table, keys) if table is not None else None,
        ),
        chat=ChatOptions(
            style=Style(settings.style),
            citations=CitationForm(settings.citations),
            reasoning=settings.reasoning,
            thinking_keepalive=settings.thinking_keepalive,
            stream_annotations=settings.stream_annotations,
            error_note=settings.error_note,
            side_model=settings.side_model,
        ),
        responses=ResponsesParts(responses, keys),
        reader=reader,
        media=media,
        gpts=gpts,
        search=GptSearch(http) if settings.allow_any_gpt else None,
        lender=pool,
        queue=queue,
        licence=licence,
        recorder=recorder,
        oversight=oversight,
        roster=roster,
        voice=Voice(files, pool) if settings.audio else None,
        own_files=stores_files,
        api_prefix=settings.api_prefix,
        admin=admin,
        upstream=urlsplit(settings.base_url).netloc,
        version=version,
        simulated=simulated,
        demo_key=settings.key_for_gpts_info if simulated else "",
        exposition=exposition,
        metrics_apart=settings.metrics_port is not None,
        metrics_token=settings.metrics_token,
    )
    return Service(
        settings=settings,
        app=app,
        metrics=metrics,
        charges=charges,
        models=models,
        limits=limits,
        gpts=gpts,
        roster=roster,
        media=media,
        uploads=uploads,
        queue=queue,
        pool=pool,
        health=health,
        starting=BackgroundTasks(),
        licence=licence,
        running=running,
        tokens=tokens,
        recorder=recorder,
        conversations=conversations,
        http=http,
        exposition=exposition,
        lag=LagSampler(metrics),
        trimmer=MemoryTrimmer(),
        state=StateDirectory(
            Path(settings.state_dir),
            [secret_file, *([admin.kept_in] if admin.kept_in else [])],
            [
                partial(save_secret, secret_file, keys),
                admin.save_again,
                descriptions.save_again,
                health.save_again,
            ],
        ),
        responses=responses,
        table=table,
        hiding=hiding,
        tracer=tracer,
    )


@dataclass(frozen=True, slots=True)
class PartsToCheck:
    """What the settings can be tried with."""

    catalogue: Catalogue
    roster: Roster
    http: HttpClient


async def parts_to_check(settings: Settings) -> PartsToCheck:
    """Make the parts that may refuse the settings; nothing is written, started or asked.

    Raises:
        SettingsError: a service with these settings would not start.
    """
    if (tracer := _tracer(settings, "")) is not None:
        await tracer.close()
    roster = _roster(settings, simulated=False).current
    catalogue, _ = _catalogue(settings, ())
    return PartsToCheck(catalogue, roster, _http_client(settings, PROGRESS_SECONDS))


def _tracer(settings: Settings, version: str) -> Tracer | None:
    """What traces requests, if anything does. Raises SettingsError: a package that this needs is missing."""
    if settings.traces == "off":
        return None
    options = TraceOptions(
        settings.otel_exporter_otlp_endpoint,
        settings.otel_exporter_otlp_headers,
        settings.otel_service_name,
        version,
        settings.otel_traces_sampler,
        settings.otel_traces_sampler_arg,
    )
    try:
        return load_tracer(options)
    except TracesMissing as missing:
        raise SettingsError(
            f"TRACES=otlp needs packages that are not installed ({missing} is not there): "
            "install requirements-traces.lock, or set TRACES=off."
        ) from None


def key_names(settings: Settings) -> KeyNames:
    """The names that stand for keys."""
    return KeyNames(load_secret(Path(settings.state_dir) / SECRET_FILE), settings.key_aliases)


def limits_of(settings: Settings) -> Limits:
    """What the settings allow."""
    return Limits(
        per_day=settings.quota_per_day,
        per_key=settings.quota_per_key_per_day,
        window_messages=settings.gpt4_limit,
        window=settings.gpt4_window,
        reset_hour=settings.quota_reset_hour,
    )


def ledger_store(settings: Settings, limits: Limits, keys: KeyNames, *, simulated: bool = False) -> Store:
    """Where the ledger is kept."""
    state = Path(settings.state_dir)
    if settings.redis_url:
        retention = settings.ledger_retention_days * DAY
        return RedisStore(settings.redis_url, limits, keys, state / SECRET_FILE, retention)
    return SqliteStore(_ledger_file(state, simulated), limits.reset_hour * HOUR, fingerprint=keys.fingerprint)


def ledger_backups(settings: Settings, *, simulated: bool = False) -> LedgerBackups:
    """What makes backups of the ledger, and brings them back."""
    state = Path(settings.state_dir)
    if settings.redis_url:
        return RedisBackups(settings.redis_url, state / SECRET_FILE)
    return SqliteBackups(_ledger_file(state, simulated), state / SECRET_FILE)


def has_demo_ledger(settings: Settings) -> bool:
    """Whether a demo has recorded what it spent at the simulator, apart from what a backend was asked."""
    return not settings.redis_url and _ledger_file(Path(settings.state_dir), simulated=True).exists()


def _ledger_file(state: Path, simulated: bool) -> Path:
    # What the simulator was asked does not count as spent at a backend.
    return state / ("demo-ledger.sqlite3" if simulated else "ledger.sqlite3")


def _response_store(settings: Settings, *, simulated: bool) -> ResponseStore | None:
    """Where responses are kept, if they are."""
    if not settings.responses_days:
        return None
    bounds = KeptBounds(settings.responses_days)
    if settings.redis_url:
        return RedisResponses(settings.redis_url, bounds)
    name = "demo-responses.sqlite3" if simulated else "responses.sqlite3"
    return SqliteResponses(Path(settings.state_dir) / name, bounds)


def _conversation_table(settings: Settings, *, simulated: bool) -> ConversationTable | None:
    """Where it is kept which conversations go on, if any do: a temporary chat is never gone on with."""
    if settings.continuity == "off" or settings.history == "temporary":
        return None
    if settings.redis_url:
        return RedisConversations(settings.redis_url)
    name = "demo-conversations.sqlite3" if simulated else "conversations.sqlite3"
    return SqliteConversations(Path(settings.state_dir) / name)


def _doorkeeper(
    settings: Settings, metrics: Metrics, charges: ChargeBook, admin: Admin, roster: RosterWatcher
) -> Doorkeeper:
    limits = AccessLimits(
        refused_seconds=settings.refused_key_seconds,
        refusals_per_minute=settings.refusals_per_minute,
        trusted_proxies=settings.trusted_proxies,
    )
    return Doorkeeper(
        limits,
        metrics,
        charges.knows,
        admin,
        roster=lambda: roster.current,
        passes_on=settings.passthrough,
    )


def roster_file(settings: Settings, *, simulated: bool = False) -> RosterFile:
    """The file that names accounts and keys; the simulator has no use for those of a real backend."""
    usual = Path(settings.state_dir) / "demo-accounts.json" if simulated else ACCOUNTS_FILE
    path = Path(settings.accounts_file) if settings.accounts_file else usual
    return RosterFile(path, os.environ, settings.key_aliases.values())


def _roster(settings: Settings, *, simulated: bool) -> RosterWatcher:
    """The accounts and keys of the file. Raises SettingsError."""
    file = roster_file(settings, simulated=simulated)
    try:
        roster = RosterWatcher(file)
    except RosterError as error:
        raise SettingsError(f"{file.path} is not usable: {error}.") from None
    if settings.accounts_file and not roster.current.exists:
        raise SettingsError(
            f"ACCOUNTS_FILE names {file.path}, which is not there: make it with a first key by "
            f"'{COMMAND} keys add NAME', or remove ACCOUNTS_FILE."
        )
    return roster


def _gpts_path(settings: Settings) -> Path:
    return Path(settings.gpts_file) if settings.gpts_file else GPTS_FILE


def _catalogue(settings: Settings, demo_gpts: Sequence[Gpt]) -> tuple[Catalogue, partial[Sequence[Gpt]]]:
    """The models on offer, and what reads the list of GPTs again when it changes. Raises SettingsError."""
    taken = names_taken(settings.own_aliases)
    path = _gpts_path(settings)
    load = partial(load_gpts, path, taken, [gpt for gpt in demo_gpts if gpt.name not in taken])
    try:
        gpts = load()
    except GptsError as error:
        raise SettingsError(f"{path} is not usable: {error}.") from None
    try:
        catalogue = Catalogue(
            BUILT_IN,
            settings.own_aliases,
            gpts,
            default_aliases={} if settings.own_aliases else settings.model_aliases,
            any_gpt=settings.allow_any_gpt,
            slugs=settings.model_slugs,
            pass_through=settings.models == "listed",
        )
    except ValueError as error:
        raise SettingsError(f"MODEL_ALIASES is not usable: {error}.") from None
    for name in settings.model_units:
        may_be_listed = settings.models == "listed" and is_slug(name)
        if name not in catalogue.models and name != ANY_GPT.name and not may_be_listed:
            raise SettingsError(f"MODEL_UNITS is not usable: {name[:80]} is no model here.")
    _check_side_model(settings, catalogue)
    return catalogue, load


def _check_side_model(settings: Settings, catalogue: Catalogue) -> None:
    """Raise SettingsError if nobody can have the model of side requests."""
    name = settings.side_model
    if not name or (settings.models == "listed" and is_slug(name)):
        return
    try:
        catalogue.resolve(name)
    except NotFound:
        raise SettingsError(f"SIDE_MODEL is not usable: {name[:80]} is no model here.") from None


def _model_lists(settings: Settings, http: HttpClient) -> ModelLists | None:
    """What asks the backend for its models, if anything depends on that."""
    has_choice = any(len(slugs) > 1 for slugs in settings.model_slugs.values())
    return ModelLists(http) if settings.models == "listed" or has_choice else None


def _http_client(settings: Settings, progress_timeout: float) -> HttpClient:
    timeouts = Timeouts(
        connect=settings.connect_timeout,
        first_byte=settings.first_byte_timeout,
        idle=settings.idle_timeout,
        total=settings.total_timeout,
        progress=progress_timeout,
    )
    try:
        return HttpClient(
            base_url=settings.base_url,
            prefix=settings.proxy_api_prefix,
            timeouts=timeouts,
            max_clients=settings.max_concurrent * 2 + 100,
            proxy=_proxy(settings.upstream_proxy),
        )
    except ValueError as error:
        raise SettingsError(f"BASE_URL or PROXY_API_PREFIX is not usable: {error}.") from None


def _ledger(
    settings: Settings, keys: KeyNames, metrics: Metrics, roster: RosterWatcher, *, simulated: bool
) -> Ledger:
    """What was spent, by all callers and on all accounts."""
    limits = limits_of(settings)
    return Ledger(
        ledger_store(settings, limits, keys, simulated=simulated),
        limits,
        metrics,
        retention_days=settings.ledger_retention_days,
        accounts=lambda: roster.current.accounts,
    )


def _health(settings: Settings, roster: RosterWatcher, *, simulated: bool) -> HealthBook:
    """Which accounts have failed; told of each new roster."""
    name = f"demo-{HEALTH_FILE}" if simulated else HEALTH_FILE
    health = HealthBook(
        RedisHealth(settings.redis_url) if settings.redis_url else FileHealth(Path(settings.state_dir) / name)
    )

    def keep(current: Roster) -> None:
        health.keep(account.alias for account in current.accounts)

    keep(roster.current)
    roster.on_change(keep)
    return health


def _proxy(address: str) -> Proxy | None:
    return Proxy.parse(address) if address else None


def _charge_book(
    settings: Settings,
    ledger: Ledger,
    keys: KeyNames,
    http: HttpClient,
    metrics: Metrics,
    catalogue: Catalogue,
    backend: AccountLimits,
    lender: Lender,
) -> ChargeBook:
    """What the settings say of the ledger."""
    reconciler = Reconciler(
        ledger,
        History(http),
        listed=settings.history == "keep",
        grace=SHARED_GRACE_SECONDS if settings.redis_url else GRACE_SECONDS,
    )
    units = dict(settings.model_units)
    return ChargeBook(ledger, keys, reconciler, metrics, catalogue, units, backend, lender)
