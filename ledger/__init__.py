"""What was spent: each conversation recorded, its cost, and whether the limits leave room for another one.

`ChargeBook` is what a turn needs: it checks the limits and opens a `Charge` for each conversation. Below it,
the `Ledger` decides and records, in a `SqliteStore` or, for several instances, in a `RedisStore`.
"""

from ledger.backup_file import About, BackupFailed, LedgerBackups, LedgerCheck
from ledger.charges import Charge, ChargeBook
from ledger.key_names import SECRET_FILE, KeyNames, load_secret, save_secret
from ledger.ledger import Ledger
from ledger.licence import LicenceUsage
from ledger.limits import DAY, HOUR, AccountSpent, Allowance, Limits, Standing
from ledger.reconcile import GRACE_SECONDS, SHARED_GRACE_SECONDS, Reconciler
from ledger.records import Subject, UsageRow
from ledger.redis_backups import RedisBackups
from ledger.redis_store import RedisStore
from ledger.report import limits_as_json, row_as_json, usage_summary, usage_table
from ledger.sqlite_backups import SqliteBackups
from ledger.sqlite_store import SqliteStore
from ledger.store import LedgerRefused, Store, StoreError

__all__ = [
    "DAY",
    "GRACE_SECONDS",
    "HOUR",
    "SECRET_FILE",
    "SHARED_GRACE_SECONDS",
    "About",
    "AccountSpent",
    "Allowance",
    "BackupFailed",
    "Charge",
    "ChargeBook",
    "KeyNames",
    "Ledger",
    "LedgerBackups",
    "LedgerCheck",
    "LedgerRefused",
    "LicenceUsage",
    "Limits",
    "Reconciler",
    "RedisBackups",
    "RedisStore",
    "SqliteBackups",
    "SqliteStore",
    "Standing",
    "Store",
    "StoreError",
    "Subject",
    "UsageRow",
    "limits_as_json",
    "load_secret",
    "row_as_json",
    "save_secret",
    "usage_summary",
    "usage_table",
]
