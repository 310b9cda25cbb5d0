"""All parts, made one after the other and joined."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from access import Admin, load_admin
from handlers import ROUTES, AppParts, ResponsesParts
from ledger import ChargeBook, KeyNames, LicenceUsage, save_secret
from metrics import MAX_AGE_SECONDS, Exposition, LagSampler, Metrics
from oversight import Oversight
from runtime import BackgroundTasks, MemoryTrimmer, StateDirectory
from settings import Settings
from translate.values import ANY_GPT, Gpt
from turns import QUIET_SECONDS, Voice
from upstream import Paces, SocketLimits
from upstream.gpts import GptSearch
from wiring.accounts import Accounts, make_accounts
from wiring.answers import make_answers
from wiring.backend import PROGRESS_SECONDS, make_backend
from wiring.files import make_files
from wiring.lasting import make_lasting_stores
from wiring.ledgers import load_key_names, make_charge_book, make_ledger, secret_file
from wiring.models import Models, load_offer, make_models
from wiring.rosters import load_roster
from wiring.routes import answer_parts, chat_options, common_parts
from wiring.service import Service
from wiring.traces import make_tracer

__all__ = ["build"]

SOCKET_LIMITS: Final = SocketLimits()
PACES: Final = Paces()


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
    tracer = make_tracer(settings, version)
    roster = load_roster(settings, simulated=simulated)
    offer = load_offer(settings, demo_gpts)
    backend = make_backend(settings, progress_timeout, socket_limits, paces)
    labels = [*offer.catalogue.models, *([ANY_GPT.name] if settings.allow_any_gpt else [])]
    metrics = Metrics(ROUTES, labels, version)
    keys = load_key_names(settings)
    ledger = make_ledger(settings, keys, metrics, roster, simulated=simulated)
    accounts = make_accounts(settings, roster, ledger, backend, metrics, simulated=simulated)
    models = make_models(settings, offer, backend, metrics, accounts.pool, simulated=simulated)
    files = make_files(settings, keys)
    charges = make_charge_book(settings, ledger, keys, backend, metrics, offer.catalogue, accounts.pool)
    oversight = Oversight(roster, accounts.health, accounts.pool, ledger, metrics.accounts)
    exposition = _exposition(metrics, charges, oversight, exposition_max_age)
    licence = LicenceUsage(backend.http, settings.licence_usage_url)
    lasting = make_lasting_stores(settings, simulated=simulated)
    answers = make_answers(
        settings,
        backend,
        accounts,
        charges,
        models.descriptions,
        files,
        metrics,
        goes_on=lasting.table is not None,
        hidden_after=hidden_after,
    )
    admin = load_admin(settings.admin_token, Path(settings.state_dir))
    app = AppParts(
        common=common_parts(settings, metrics, charges, accounts, admin, files.room, tracer),
        answers=answer_parts(settings, models.of_callers, answers, lasting, keys),
        chat=chat_options(settings),
        responses=ResponsesParts(lasting.responses, keys),
        reader=files.reader,
        media=files.media,
        gpts=models.gpts,
        search=GptSearch(backend.http) if settings.allow_any_gpt else None,
        lender=accounts.pool,
        queue=accounts.queue,
        licence=licence,
        recorder=answers.recorder,
        oversight=oversight,
        roster=roster,
        voice=Voice(backend.files, accounts.pool) if settings.audio else None,
        own_files=files.own,
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
        models=models.of_callers,
        limits=backend.limits,
        gpts=models.gpts,
        roster=roster,
        media=files.media,
        uploads=files.uploads,
        queue=accounts.queue,
        pool=accounts.pool,
        health=accounts.health,
        starting=BackgroundTasks(),
        licence=licence,
        running=answers.running,
        tokens=answers.tokens,
        recorder=answers.recorder,
        conversations=backend.conversations,
        http=backend.http,
        exposition=exposition,
        lag=LagSampler(metrics),
        trimmer=MemoryTrimmer(),
        state=_state_directory(settings, keys, admin, models, accounts),
        responses=lasting.responses,
        table=lasting.table,
        hiding=answers.hiding,
        tracer=tracer,
    )


def _exposition(metrics: Metrics, charges: ChargeBook, oversight: Oversight, max_age: float) -> Exposition:
    """What a scraper gets; the gauges are refreshed before."""

    def refresh_gauges() -> None:
        charges.refresh_gauges()
        oversight.refresh_gauges()

    return Exposition(metrics.registry, refresh_gauges, max_age=max_age)


def _state_directory(
    settings: Settings, keys: KeyNames, admin: Admin, models: Models, accounts: Accounts
) -> StateDirectory:
    """What looks after STATE_DIR, and has what was in it saved again if it was emptied."""
    secret = secret_file(settings)
    return StateDirectory(
        Path(settings.state_dir),
        [secret, *([admin.kept_in] if admin.kept_in else [])],
        [
            partial(save_secret, secret, keys),
            admin.save_again,
            models.descriptions.save_again,
            accounts.health.save_again,
        ],
    )
