"""The accounts and keys that the operator's file names."""

import os
from pathlib import Path

from roster import RosterError, RosterFile, RosterWatcher
from runtime import COMMAND
from settings import Settings, SettingsError
from wiring.places import ACCOUNTS_FILE

__all__ = ["load_roster", "roster_file"]


def roster_file(settings: Settings, *, simulated: bool = False) -> RosterFile:
    """The file that names accounts and keys; the simulator has no use for those of a real backend."""
    usual = Path(settings.state_dir) / "demo-accounts.json" if simulated else ACCOUNTS_FILE
    path = Path(settings.accounts_file) if settings.accounts_file else usual
    return RosterFile(path, os.environ, settings.key_aliases.values())


def load_roster(settings: Settings, *, simulated: bool) -> RosterWatcher:
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
