"""The file of a backup: a tar archive with the ledger, the secret of the names of keys, and a word on both.

    about.json    kind of the ledger, schema, time, number of conversations, and a digest of `ledger`
    secret        as in the file of this name in STATE_DIR
    ledger        an SQLite file, or of a Redis one line of JSON for each key

Only its owner may read it. Until it is whole it stands beside its place, as `FILE.new` and `FILE.ledger`.
"""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from ledger.key_names import SECRET_BYTES
from runtime import replacing

FORMAT: Final = 1
ABOUT: Final = "about.json"
SECRET: Final = "secret"  # noqa: S105 - no password, a name
LEDGER: Final = "ledger"
MAX_SMALL: Final = 4096
"""Bytes of a member that is read as a whole."""
BESIDE: Final = ("", "-journal", "-wal", "-shm")
"""Endings of the files that SQLite may leave where a copy of the ledger was broken off."""


class BackupFailed(Exception):
    """Nothing was done. The text says why, and what to do; it holds no secret."""


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself. `kind` is "sqlite" or "redis", `at` is in Unix seconds."""

    kind: str
    schema: int
    at: float
    conversations: int


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is whole: its ledger is in the file `ledger`, which is there for a while."""

    about: About
    secret: bytes
    ledger: Path


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """What was found, in sentences, and what is wrong with it."""

    findings: Sequence[str]
    problems: Sequence[str]


class LedgerBackups(Protocol):
    """Makes backups of one ledger, and brings them back."""

    async def back_up(self, file: Path) -> About:
        """Put a backup of the ledger, as it is now, and of the secret into `file`, while others may write.

        Raises:
            BackupFailed: there is nothing to be backed up, or `file` cannot be written; it is as it was.
            StoreError: the ledger cannot be read.
        """
        ...

    async def restore(self, file: Path, *, overwrite: bool) -> About:
        """Put what the backup in `file` holds in the place of the ledger and the secret. With `overwrite`
        also if conversations are lost by that.

        Raises:
            BackupFailed: nothing was changed, since it is no backup, the ledger is in use, or has
                conversations that the backup has not.
            StoreError: the ledger cannot be written.
        """
        ...

    async def check(self) -> LedgerCheck:
        """Look whether the ledger is whole and of a known schema, and whether the secret belongs to it.

        Raises:
            StoreError: it cannot be read.
        """
        ...


@contextmanager
def place_for_ledger(file: Path) -> Iterator[Path]:
    """An empty file beside `file`, which is removed again. Blocks. Raises OSError."""
    path = file.with_name(f"{file.name}.ledger")
    _remove(path)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield path
    finally:
        _remove(path)


def write_backup(file: Path, backup: Backup) -> None:
    """Put a backup into `file`, which is replaced once the new one is on the disk. Blocks. Raises OSError."""
    with backup.ledger.open("rb") as ledger:
        about = {"format": FORMAT, **asdict(backup.about), "sha256": _digest(ledger)}
        ledger.seek(0)
        with (
            replacing(file, durable=True) as target,
            tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            _add(archive, ABOUT, json.dumps(about).encode() + b"\n", backup.about.at)
            _add(archive, SECRET, backup.secret, backup.about.at)
            member = _member(LEDGER, os.fstat(ledger.fileno()).st_size, backup.about.at)
            archive.addfile(member, ledger)


@contextmanager
def read_backup(file: Path, kind: str, folder: Path) -> Iterator[Backup]:
    """The backup in `file`, which is whole and of this kind; its ledger is unpacked in `folder`. Blocks.

    Raises:
        BackupFailed: it is none, or it is damaged.
        OSError: it cannot be read or unpacked.
    """
    with place_for_ledger(folder / "restored") as place:
        try:
            with tarfile.open(file, mode="r:") as archive:
                about = json.loads(_small(archive, ABOUT))
                secret = _small(archive, SECRET)
                with place.open("r+b") as ledger:
                    shutil.copyfileobj(_opened(archive, LEDGER), ledger)
                    ledger.seek(0)
                    digest = _digest(ledger)
            if about["format"] != FORMAT:
                raise BackupFailed(f"{file} was made by a newer version of this service: use that one")
            found = About(
                about["kind"], int(about["schema"]), float(about["at"]), int(about["conversations"])
            )
            expected = about["sha256"]
        except (tarfile.TarError, ValueError, KeyError, TypeError):
            raise BackupFailed(f"{file} is no backup of a ledger, or is damaged") from None
        if digest != expected or len(secret) != SECRET_BYTES:
            raise BackupFailed(f"{file} is damaged: use another backup")
        if found.kind != kind:
            raise BackupFailed(
                f"{file} is a backup of a ledger in {_where(found.kind)}, and this one is in {_where(kind)}: "
                "see REDIS_URL"
            )
        yield Backup(found, secret, place)


def loss(conversations: int) -> str:
    """What is said where a backup would take away what was recorded since it was made."""
    return (
        f"the ledger has {conversations} conversations that the backup has not: make a backup of it, then "
        "add --overwrite, and these no longer count as spent"
    )


@contextmanager
def file_errors(file: Path) -> Iterator[None]:
    """Turn errors of the file system at a backup in `file` into `BackupFailed`."""
    try:
        yield
    except OSError as error:
        raise BackupFailed(f"{error.filename or file}: {error.strerror or type(error).__name__}") from None


def _where(kind: str) -> str:
    return "a Redis" if kind == "redis" else "an SQLite file"


def _digest(file: io.BufferedReader | io.BufferedRandom) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _member(name: str, size: int, at: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(at)
    return member


def _add(archive: tarfile.TarFile, name: str, content: bytes, at: float) -> None:
    archive.addfile(_member(name, len(content), at), io.BytesIO(content))


def _opened(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    return _opened(archive, name).read(MAX_SMALL)


def _remove(path: Path) -> None:
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()
