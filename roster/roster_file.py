"""The file of the roster, read with the secrets that it refers to."""

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from roster.accounts_file import MAX_FILE_BYTES, read_roster
from roster.references import References
from roster.roster import Roster, RosterError
from runtime import Signature, signature_of

Signatures = Mapping[Path, Signature]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A roster, the bytes that it was made of (None without a file), and the files that were read for it."""

    roster: Roster
    content: bytes | None
    signatures: Signatures


class RosterFile:
    """The file at `path`. All methods block.

    `environ` has the secrets that are not in files; names in `taken` are those of other keys.
    """

    def __init__(self, path: Path, environ: Mapping[str, str], taken: Collection[str]) -> None:
        self.path = path
        self._environ = environ
        self._taken = frozenset(taken)

    def load(self) -> Loaded:
        """What the file says now; a roster of nothing if it is not there.

        Raises RosterError: it cannot be read, or not be used.
        """
        signature = signature_of(self.path)
        try:
            if not stat.S_ISREG(os.stat(self.path).st_mode):
                raise RosterError("it is no regular file")  # to read from it might never end
            with self.path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return Loaded(Roster(), None, {self.path: None})
        except OSError as error:
            raise RosterError(f"it cannot be read: {error.strerror or error}") from None
        loaded = self.interpreted(content)
        return replace(loaded, signatures={self.path: signature, **loaded.signatures})

    def interpreted(self, content: bytes) -> Loaded:
        """What `content` says with the secrets as they are now. Raises RosterError."""
        references = References(self.path.parent, self._environ)
        roster = read_roster(content, references.read, self._taken)
        return Loaded(roster, content, references.signatures)
