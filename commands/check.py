"""`--check`: look whether the service could start and reach its backend. No message is sent."""

import argparse
import asyncio
import sys
from collections.abc import Mapping

from accounts import Caller
from ledger import KeyNames, StoreError
from settings import Settings, SettingsError
from upstream.account import reach
from wiring import ledger_store, limits_of, parts_to_check


def run(_: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Print all settings, and what was found. Gives the exit code: 1 if something is wrong.

    Raises:
        SettingsError: the service would not start with these settings.
    """
    settings = Settings.from_env(env)
    if not settings.base_url:
        raise SettingsError("BASE_URL is not set: give the address of your backend.")
    sys.stdout.writelines(f"{name}={value}\n" for name, value in settings.summary().items())
    for name, meant in Settings.misspelt(env).items():
        sys.stdout.write(f"{name} is no setting and has no effect: is {meant} meant?\n")
    problems = asyncio.run(_check(settings))
    sys.stdout.writelines(f"WRONG: {problem}\n" for problem in problems)
    return 1 if problems else 0


async def _check(settings: Settings) -> list[str]:
    """Print what is good; give what is wrong. Raises SettingsError."""
    parts = await parts_to_check(settings)
    try:
        models = parts.catalogue.models.values()
        gpts = sum(bool(model.gizmo_id) for model in models)
        accounts = parts.roster.accounts
        sys.stdout.write(f"models: {len(models) - gpts}; GPTs: {gpts}; accounts: {len(accounts)}\n")
        own = Caller(settings.key_for_gpts_info).own if settings.key_for_gpts_info else None
        asked = {"the backend": own} | {
            f"account {account.alias}": account.credential for account in accounts if account.credential
        }
        problems = [
            f"account {account.alias}: {account.problem}" for account in accounts if not account.credential
        ]
        for name, credential in asked.items():
            found = await reach(parts.http, credential)
            if found.good:
                sys.stdout.write(f"{name}: {found.text}\n")
            else:
                problems.append(f"{name}: {found.text}")
    finally:
        parts.http.close()
    return problems + await _ledger_problems(settings)


async def _ledger_problems(settings: Settings) -> list[str]:
    store = ledger_store(settings, limits_of(settings), KeyNames(b"", {}))
    try:
        await store.refuse_newer()
    except StoreError as error:
        return [f"the ledger cannot be read: {error}"]
    finally:
        await store.close()
    return []
