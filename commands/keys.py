"""`keys add`, `keys list`, `keys revoke`: keys of this service, in the file of the accounts."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping

from roster import NotChanged, RosterError, RosterFile, add_key, keys_as_json, keys_table, revoke_key
from runtime import PROGRAM
from settings import Settings, SettingsError
from translate.values import STYLES
from wiring import roster_file

KEY_FIELDS = (
    "accounts", "groups", "models", "quota_per_day", "gpt4_messages", "expires", "style", "note",
)  # fmt: skip
"""What may be said of a new key: options, and fields of its entry."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the actions, and what runs."""
    actions = parser.add_subparsers(title="commands", metavar="add | list | revoke", required=True)
    add = actions.add_parser("add", help="make a key, and print it: it is not shown again")
    add.set_defaults(run=_run, action=_add)
    add.add_argument("alias", help="its name in the usage and the log")
    for option, what in (("accounts", "accounts"), ("groups", "groups of accounts"), ("models", "models")):
        add.add_argument(f"--{option}", type=_names, help=f"{what} that it may use, separated by commas")
    add.add_argument("--quota-per-day", type=int, metavar="UNITS", help="units that it may spend in a day")
    add.add_argument("--gpt4-messages", type=int, metavar="N", help="GPT-4 messages in a GPT4_WINDOW")
    add.add_argument("--expires", metavar="DATE", help="last day, as 2027-01-31, or a time, in UTC")
    add.add_argument("--style", choices=STYLES, help="how answers look")
    add.add_argument("--note", metavar="TEXT", help="what the operator wants to know of it")
    listed = actions.add_parser("list", help="print all keys, without the keys themselves")
    listed.set_defaults(run=_run, action=_list)
    listed.add_argument("--json", action="store_true", help="print JSON: a list with one object per key")
    revoke = actions.add_parser("revoke", help="remove a key, which is refused from then on")
    revoke.set_defaults(run=_run, action=_revoke)
    revoke.add_argument("alias", help="its name")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def _run(arguments: argparse.Namespace, env: Mapping[str, str]) -> int:
    """Do one of them. Gives the exit code: 1 if there is no such key.

    Raises:
        SettingsError: the file of the keys cannot be used, or not with the new key.
    """
    action: Callable[[argparse.Namespace, RosterFile], int] = arguments.action
    file = roster_file(Settings.from_env(env), simulated=arguments.demo)
    try:
        return action(arguments, file)
    except NotChanged as error:
        raise SettingsError(f"{file.path} stays as it was: {error}.") from None
    except RosterError as error:
        raise SettingsError(f"{file.path} is not usable: {error}.") from None


def _add(arguments: argparse.Namespace, file: RosterFile) -> int:
    fields = {name: told for name in KEY_FIELDS if (told := getattr(arguments, name)) is not None}
    sys.stdout.write(add_key(file, arguments.alias, fields) + "\n")
    return 0


def _list(arguments: argparse.Namespace, file: RosterFile) -> int:
    roster, now = file.load().roster, time.time()
    rows = keys_as_json(roster, now)
    sys.stdout.write(json.dumps(rows, indent=2) + "\n" if arguments.json else keys_table(roster, now))
    return 0


def _revoke(arguments: argparse.Namespace, file: RosterFile) -> int:
    if revoke_key(file, arguments.alias):
        return 0
    sys.stderr.write(f"{PROGRAM}: there is no key of the name {arguments.alias}.\n")
    return 1
