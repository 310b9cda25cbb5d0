"""Who may use what, by `accounts.json`: accounts of the operator's, and keys of this service."""

from roster.key_list import NotChanged, add_key, keys_as_json, keys_table, revoke_key
from roster.roster import KEY_PREFIX, Roster, RosterError, ServiceKey, key_digest
from roster.roster_file import RosterFile
from roster.watcher import RosterWatcher

__all__ = [
    "KEY_PREFIX",
    "NotChanged",
    "Roster",
    "RosterError",
    "RosterFile",
    "RosterWatcher",
    "ServiceKey",
    "add_key",
    "key_digest",
    "keys_as_json",
    "keys_table",
    "revoke_key",
]
