"""Who may see the usage of all keys: whoever has the admin token and, unless one was set, this machine.

Where the settings give no token, one is made at the first start and kept in a file of STATE_DIR, so that
there is a way in from elsewhere, and no way in without it.
"""

import hmac
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from access.local import is_local
from runtime import SMALL_FILES, alone_in, replace_file

log = logging.getLogger("pandora")

TOKEN_FILE: Final = "admin_token"  # noqa: S105 - no password, a name
"""Name of the file that holds the token, in the directory where state is kept."""
TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]{43}\n?")
"""What such a file holds; anything else was cut or damaged."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Decides who is the administrator.

    With `trusts_machine` programs on this machine need no token. `kept_in` is the file with the token, if it
    was made here and could be kept.
    """

    token: str = field(repr=False)
    trusts_machine: bool
    kept_in: Path | None = None

    def is_token(self, key: str) -> bool:
        """Whether `key` is the admin token."""
        return hmac.compare_digest(key.encode("utf-8", "replace"), self.token.encode())

    def trusts(self, peer: str, version: str, headers: Mapping[str, str]) -> bool:
        """Whether a request may see everything without a token; see `is_local`.

        One that sends a token, or anything in its place, is judged by that alone.
        """
        return self.trusts_machine and "Authorization" not in headers and is_local(peer, version, headers)

    async def save_again(self) -> None:
        """Write a token that was made here into its file, whose directory must be there. Raises OSError."""
        if self.kept_in is not None:
            await SMALL_FILES.run(_write, self.kept_in, self.token)


def load_admin(given: str, state: Path) -> Admin:
    """The administrator by the token that the settings give or, if it is empty, by the one kept in `state`.

    Blocks, and raises nothing.
    """
    if given:
        return Admin(given, trusts_machine=False)
    path = state / TOKEN_FILE
    try:
        return Admin(load_admin_token(path), trusts_machine=True, kept_in=path)
    except OSError as error:
        log.error("the admin token cannot be kept: %s. Set ADMIN_TOKEN", error.strerror or error)
        return Admin(secrets.token_urlsafe(TOKEN_BYTES), trusts_machine=True)  # which nobody knows


def load_admin_token(path: Path) -> str:
    """Return the token in the file at `path`, which is made when needed. Blocks.

    Raises:
        OSError: it cannot be read, or not be kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with alone_in(path.parent):
        return _read(path) or _make(path)


def _read(path: Path) -> str:
    """The token in the file, empty if it is not there or damaged. Raises OSError."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return ""
    if _TOKEN.fullmatch(content):
        return content.decode().strip()
    log.warning("%s is damaged; the admin token is made anew", path.name)
    return ""


def _make(path: Path) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    _write(path, token)
    return token


def _write(path: Path, token: str) -> None:
    replace_file(path, f"{token}\n".encode(), durable=True)
