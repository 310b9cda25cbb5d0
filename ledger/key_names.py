"""Names that stand for keys, since keys themselves are never kept.

A key has the name that the settings give it, else `k-` and twelve hex digits of a keyed hash. The secret of
that hash lives beside the ledger, so that a key keeps its name over restarts, and only who knows the secret
can tell whose name it is.
"""

import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from accounts import Caller
from runtime import SMALL_FILES, replace_file

log = logging.getLogger("pandora")

SECRET_FILE: Final = "secret"  # noqa: S105 - no password, a name
"""Name of the file that holds the secret, in the directory where state is kept."""
DIGITS: Final = 12
MAX_KNOWN: Final = 10_000
"""How many names are remembered, of the keys used last; some 300 bytes each."""
SECRET_BYTES: Final = 32


class KeyNames:
    """`secret` is that of the hash; `given` maps keys to names."""

    def __init__(self, secret: bytes, given: Mapping[str, str]) -> None:
        self._secret = secret
        self._given = dict(given)
        self._known: OrderedDict[str, str] = OrderedDict()  # by the digest of the key: no key is kept here

    @property
    def secret(self) -> bytes:
        """Replaced where several instances agree on one."""
        return self._secret

    @secret.setter
    def secret(self, secret: bytes) -> None:
        self._secret = secret
        self._known.clear()

    @property
    def fingerprint(self) -> str:
        """Tells this secret from others, and nothing else of it."""
        return fingerprint_of(self._secret)

    def is_given(self, caller: Caller) -> bool:
        """Whether the caller's key is one of this service, or one that the settings name."""
        return caller.grant is not None or caller.key in self._given

    def alias(self, caller: Caller) -> str:
        """The name of the caller's key, always the same."""
        if caller.grant is not None:
            return caller.grant.alias
        known, digest = self._known, caller.digest
        if (name := known.get(digest)) is not None:
            known.move_to_end(digest)
            return name
        name = known[digest] = self._given.get(caller.key) or self._made(caller.key)
        if len(known) > MAX_KNOWN:
            known.popitem(last=False)
        return name

    def digest(self, caller: Caller) -> str:
        """What stands for the caller's key with whatever is kept for it; no other key has the same, whatever
        their names are.
        """
        told = b"kept\n" + caller.key.encode("utf-8", "replace")
        return hmac.digest(self._secret, told, "sha256").hex()[:32]

    def name_of(self, digest: str) -> str:
        """The name of the key whose credential has this digest; "" unless `alias` has told it lately."""
        return self._known.get(digest, "")

    def _made(self, key: str) -> str:
        return "k-" + hmac.digest(self._secret, key.encode("utf-8", "replace"), "sha256").hex()[:DIGITS]


def fingerprint_of(secret: bytes) -> str:
    """Sixteen hex digits that tell the secret from others, and nothing else of it."""
    return hmac.digest(secret, b"fingerprint", "sha256").hex()[:16]


def load_secret(path: Path) -> bytes:
    """Return the secret in the file at `path`, which is made when needed.

    One that cannot be kept lasts until the restart. Blocks, and raises nothing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            found = path.read_bytes()
            if len(found) == SECRET_BYTES:
                return found
            log.error("%s is damaged; it is replaced, and keys get new names in the ledger", path.name)
        secret = secrets.token_bytes(SECRET_BYTES)
        replace_file(path, secret)
    except OSError as error:
        log.error("the secret for names of keys cannot be kept: %s", error.strerror)
        return secrets.token_bytes(SECRET_BYTES)
    return secret


async def save_secret(path: Path, keys: KeyNames) -> None:
    """Put the secret of `keys` into the file at `path`, whose directory must be there. Raises OSError."""
    await SMALL_FILES.run(replace_file, path, keys.secret)
