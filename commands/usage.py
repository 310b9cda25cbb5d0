"""`usage`: print what was spent."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping

from ledger import DAY, KeyNames, StoreError, row_as_json, usage_table
from runtime import COMMAND
from settings import Settings, SettingsError
from wiring import has_demo_ledger, ledger_store, limits_of


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options, and what runs."""
    parser.add_argument("--days", type=int, default=30, help="number of days including today (default: 30)")
    parser.add_argument("--json", action="store_true", help="print JSON: a list with one object per row")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, env: Mapping[str, str]) -> int:
    settings = Settings.from_env(env)
    return asyncio.run(_print_usage(settings, arguments.days, arguments.json, simulated=arguments.demo))


async def _print_usage(settings: Settings, days: int, as_json: bool, *, simulated: bool) -> int:
    """Print what was spent in the last `days`, by day, model and key. Gives the exit code.

    Raises:
        SettingsError: the ledger cannot be read.
    """
    limits = limits_of(settings)
    store = ledger_store(settings, limits, KeyNames(b"", {}), simulated=simulated)
    tomorrow = limits.reset_at(time.time())
    try:
        await store.refuse_newer()
        rows = await store.usage(tomorrow - days * DAY, tomorrow, DAY, None)
    except StoreError as error:
        raise SettingsError(f"the ledger cannot be read: {error}.") from None
    finally:
        await store.close()
    text = json.dumps([row_as_json(row) for row in rows], indent=2) + "\n" if as_json else usage_table(rows)
    sys.stdout.write(text)
    if not rows and not simulated and has_demo_ledger(settings):
        sys.stderr.write(f"What the demo was asked is counted apart: {COMMAND} --demo usage\n")
    return 0
