"""Keys of this service in `accounts.json`: made, listed, revoked, while the service may run. All blocks."""

import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from accounts import Grant
from roster.entry import ALIAS, ALIAS_FORM
from roster.roster import Roster, RosterError, key_digest, new_key
from roster.roster_file import RosterFile
from runtime import alone_in, replace_file, text_table

EMPTY: Final = b'{"accounts": [], "keys": []}'
NEW_MODE: Final = 0o600

Data = dict[str, Any]


class NotChanged(RosterError):
    """Why what was asked for cannot stand in a file that is good."""


def add_key(file: RosterFile, alias: str, fields: Mapping[str, object]) -> str:
    """Make a key with these fields of the file, and return it: only its hash is kept.

    Raises NotChanged: the file could not be used with the key; RosterError: it cannot be used or written.
    Nothing has changed then.
    """
    key = new_key()
    entry = {"alias": alias, "hash": f"sha256:{key_digest(key).hex()}", **fields}
    if not ALIAS.fullmatch(alias):
        raise NotChanged(f"the name of a key must be {ALIAS_FORM}")

    def add(data: Data) -> bool:
        data.setdefault("keys", []).append(entry)
        return True

    _edit(file, add)
    return key


def revoke_key(file: RosterFile, alias: str) -> bool:
    """Remove the key of this alias; return whether there was one. Raises RosterError as `add_key` does."""

    def remove(data: Data) -> bool:
        keys = data.get("keys", [])
        data["keys"] = [entry for entry in keys if entry["alias"] != alias]
        return len(data["keys"]) < len(keys)

    return _edit(file, remove)


def keys_as_json(roster: Roster, now: float) -> list[dict[str, object]]:
    """An object for each key; `accounts` are all that it may use, None stands for no limit of its own."""
    return [
        {
            "alias": grant.alias,
            "accounts": [account.alias for account in roster.accounts if account.alias in grant.accounts],
            "models": list(grant.models),
            "quota_per_day": grant.units_per_day,
            "gpt4_messages": grant.window_messages or None,
            "expires": _expiry(grant) or None,
            "expired": grant.has_expired(now),
            "style": grant.style or None,
        }
        for grant in roster.grants
    ]


def keys_table(roster: Roster, now: float) -> str:
    """All keys, in columns."""
    rows = keys_as_json(roster, now)
    if not rows:
        return "There are no keys.\n"
    heads = {name: name.replace("_", " ") for name in rows[0]}
    return text_table([heads, *({name: _shown(value) for name, value in row.items()} for row in rows)])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def _expiry(grant: Grant) -> str:
    if not grant.expires_at:
        return ""
    return datetime.fromtimestamp(grant.expires_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _edit(file: RosterFile, change: Callable[[Data], bool]) -> bool:
    """Replace the file by what `change` makes of it, if that says so; nobody else does meanwhile."""
    path = file.path.resolve()  # a link stays one
    try:
        with alone_in(path.parent):
            content, status = _read(path)
            file.interpreted(content)
            data = json.loads(content.decode("utf-8-sig"))
            if not change(data):
                return False
            changed = f"{json.dumps(data, indent=2, ensure_ascii=False)}\n".encode()
            try:
                file.interpreted(changed)
            except RosterError as error:
                raise NotChanged(str(error)) from None
            mode = NEW_MODE if status is None else stat.S_IMODE(status.st_mode)
            replace_file(path, changed, mode=mode, durable=True)
            if status is not None:
                path.chmod(mode)  # whatever the mask of this process takes away
                with suppress(PermissionError):
                    os.chown(path, status.st_uid, status.st_gid)  # the service must be able to read it
            return True
    except OSError as error:
        raise RosterError(f"it cannot be written: {error.strerror or error}") from None


def _read(path: Path) -> tuple[bytes, os.stat_result | None]:
    try:
        return path.read_bytes(), os.stat(path)
    except FileNotFoundError:
        return EMPTY, None
