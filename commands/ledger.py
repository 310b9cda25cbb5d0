"""`ledger backup`, `ledger restore`, `ledger check`: keep what was spent safe."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from ledger import About, BackupFailed, LedgerBackups, StoreError
from settings import Settings, SettingsError
from wiring import ledger_backups


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the actions, and what runs."""
    actions = parser.add_subparsers(title="commands", metavar="backup | restore | check", required=True)
    backup = actions.add_parser("backup", help="put the ledger and the secret into a file; services may run")
    backup.set_defaults(run=_run, action=_back_up)
    backup.add_argument("file", type=Path, help="is made, or replaced by the new one")
    restore = actions.add_parser("restore", help="bring a backup back; no service may run")
    restore.set_defaults(run=_run, action=_restore)
    restore.add_argument("file", type=Path, help="a backup")
    restore.add_argument(
        "--overwrite", action="store_true", help="also if conversations are recorded that it has not"
    )
    check = actions.add_parser("check", help="say whether the ledger is whole, and the secret belongs to it")
    check.set_defaults(run=_run, action=_check)


def _run(arguments: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Do one of them. Gives the exit code: 1 if something is wrong.

    Raises:
        SettingsError: it cannot be done.
    """
    action: Callable[[argparse.Namespace, LedgerBackups], Awaitable[int]] = arguments.action
    backups = ledger_backups(Settings.from_env(env), simulated=arguments.demo)

    async def act() -> int:
        try:
            return await action(arguments, backups)
        except (BackupFailed, StoreError) as error:
            raise SettingsError(f"{error}.") from None

    return asyncio.run(act())


async def _back_up(arguments: argparse.Namespace, backups: LedgerBackups) -> int:
    sys.stdout.write(_told(await backups.back_up(arguments.file)))
    return 0


async def _restore(arguments: argparse.Namespace, backups: LedgerBackups) -> int:
    sys.stdout.write(_told(await backups.restore(arguments.file, overwrite=arguments.overwrite)))
    return 0


async def _check(arguments: argparse.Namespace, backups: LedgerBackups) -> int:
    checked = await backups.check()
    sys.stdout.writelines(f"{finding}\n" for finding in checked.findings)
    sys.stdout.writelines(f"WRONG: {problem}\n" for problem in checked.problems)
    return 1 if checked.problems else 0


def _told(about: About) -> str:
    made = datetime.fromtimestamp(about.at, UTC).isoformat(timespec="seconds")
    return f"{about.conversations} conversations, as of {made}\n"
