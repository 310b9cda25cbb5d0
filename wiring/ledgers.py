"""What was spent: where it is kept, and who writes it down."""

from pathlib import Path

from accounts import Lender
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
    Limits,
    Reconciler,
    RedisBackups,
    RedisStore,
    SqliteBackups,
    SqliteStore,
    Store,
    load_secret,
)
from metrics import Metrics
from roster import RosterWatcher
from settings import Settings
from translate.values import Catalogue
from upstream import History
from wiring.backend import Backend

__all__ = [
    "has_demo_ledger",
    "ledger_backups",
    "ledger_store",
    "limits_of",
    "load_key_names",
    "make_charge_book",
    "make_ledger",
    "secret_file",
]


def secret_file(settings: Settings) -> Path:
    """The file with the secret that the names of keys are made with."""
    return Path(settings.state_dir) / SECRET_FILE


def load_key_names(settings: Settings) -> KeyNames:
    """The names that stand for keys."""
    return KeyNames(load_secret(secret_file(settings)), settings.key_aliases)


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
    if settings.redis_url:
        retention = settings.ledger_retention_days * DAY
        return RedisStore(settings.redis_url, limits, keys, secret_file(settings), retention)
    file = _ledger_file(settings, simulated=simulated)
    return SqliteStore(file, limits.reset_hour * HOUR, fingerprint=keys.fingerprint)


def ledger_backups(settings: Settings, *, simulated: bool = False) -> LedgerBackups:
    """What makes backups of the ledger, and brings them back."""
    if settings.redis_url:
        return RedisBackups(settings.redis_url, secret_file(settings))
    return SqliteBackups(_ledger_file(settings, simulated=simulated), secret_file(settings))


def has_demo_ledger(settings: Settings) -> bool:
    """Whether a demo has recorded what it spent at the simulator, apart from what a backend was asked."""
    return not settings.redis_url and _ledger_file(settings, simulated=True).exists()


def make_ledger(
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


def make_charge_book(
    settings: Settings,
    ledger: Ledger,
    keys: KeyNames,
    backend: Backend,
    metrics: Metrics,
    catalogue: Catalogue,
    lender: Lender,
) -> ChargeBook:
    """What writes into the ledger, by the prices of the settings."""
    reconciler = Reconciler(
        ledger,
        History(backend.http),
        listed=settings.history == "keep",
        grace=SHARED_GRACE_SECONDS if settings.redis_url else GRACE_SECONDS,
    )
    units = dict(settings.model_units)
    return ChargeBook(ledger, keys, reconciler, metrics, catalogue, units, backend.limits, lender)


def _ledger_file(settings: Settings, *, simulated: bool) -> Path:
    # What the simulator was asked does not count as spent at a backend.
    return Path(settings.state_dir) / ("demo-ledger.sqlite3" if simulated else "ledger.sqlite3")
