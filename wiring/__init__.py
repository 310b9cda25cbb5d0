"""The parts of the service, made from the settings: the one place that knows all of them."""

from wiring.joining import build
from wiring.ledgers import has_demo_ledger, ledger_backups, ledger_store, limits_of
from wiring.rosters import roster_file
from wiring.service import Service
from wiring.trial import parts_to_check

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
