"""Names that stand for keys, since keys themselves are never kept.

A key has the name that the settings give it, else ``k-`` and twelve hex digits of a keyed hash. The secret
of that hash lives beside the ledger, so that a key keeps its name over restarts, and nobody else can tell
whose name it is.
"""

import hmac
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from accounts import Caller

log = logging.getLogger("pandora")

FILE_NAME = "secret"
"""Of the secret, in the directory where state is kept."""
DIGITS = 12
SECRET_BYTES = 32


class KeyNames:
    """``given`` maps keys to names."""

    def __init__(self, secret: bytes, given: Mapping[str, str]) -> None:
        self.secret = secret
        self._given = dict(given)

    def alias(self, caller: Caller) -> str:
        """The name of the caller's key, always the same."""
        if name := self._given.get(caller.key):
            return name
        key = caller.key.encode("utf-8", "replace")
        return "k-" + hmac.digest(self.secret, key, "sha256").hex()[:DIGITS]


def local_secret(path: Path) -> bytes:
    """The secret in that file, made when there is none; one that cannot be kept lasts until the restart."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            found = path.read_bytes()
            if len(found) == SECRET_BYTES:
                return found
            log.error("%s is damaged; it is replaced, and keys get new names in the ledger", path.name)
            return keep_secret(path, secrets.token_bytes(SECRET_BYTES))
        with os.fdopen(descriptor, "wb") as file:
            secret = secrets.token_bytes(SECRET_BYTES)
            file.write(secret)
            return secret
    except OSError as error:
        log.error("the secret for names of keys cannot be kept: %s", error.strerror)
        return secrets.token_bytes(SECRET_BYTES)


def keep_secret(path: Path, secret: bytes) -> bytes:
    """Put this one in its place. Raises OSError."""
    beside = path.with_suffix(".new")
    beside.write_bytes(b"")
    beside.chmod(0o600)
    beside.write_bytes(secret)
    beside.replace(path)
    return secret
