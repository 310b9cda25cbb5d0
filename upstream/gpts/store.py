"""Descriptions of GPTs on disk, so that a start, or an outage, finds them there.

What is read is checked like an answer of the backend, and a damaged file is ignored. Reading and writing
happen in threads.
"""

import asyncio
import hashlib
import json
import logging
import math
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from translate.backend import MAX_GIZMO_BYTES, as_gizmo
from translate.values import Gizmo

log = logging.getLogger("pandora")

MAX_FILE_BYTES: Final = 2 * MAX_GIZMO_BYTES
"""Written with non-ASCII characters escaped, a description may be longer than the backend sent it."""


class GizmoStore:
    """One JSON file per GPT in `directory`, which is made when needed. Raises nothing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._complained = False

    async def load(self, gizmo_id: str) -> tuple[Gizmo, float] | None:
        """Return what is stored about a GPT, and since when (Unix seconds); None if that is not usable."""
        return await asyncio.to_thread(self._load, gizmo_id)

    async def save(self, gizmo_id: str, gizmo: Gizmo, since: float) -> None:
        """Replace what is stored, whole or not at all."""
        try:
            await asyncio.to_thread(self._save, gizmo_id, gizmo, since)
        except OSError as error:
            if not self._complained:
                log.warning("descriptions of GPTs cannot be stored: %s", error.strerror or error)
            self._complained = True

    async def discard(self, gizmo_id: str) -> None:
        """Store nothing about this GPT any more."""
        with suppress(OSError):
            await asyncio.to_thread(self._path(gizmo_id).unlink)

    def _path(self, gizmo_id: str) -> Path:
        # Ids differ in case, which not all file systems tell apart.
        return self._directory / f"{hashlib.sha256(gizmo_id.encode()).hexdigest()[:32]}.json"

    def _load(self, gizmo_id: str) -> tuple[Gizmo, float] | None:
        try:
            data = json.loads(_read(self._path(gizmo_id)))
            since = data["since"]
            if data["id"] != gizmo_id or not isinstance(since, float) or not math.isfinite(since):
                return None
            return as_gizmo(data["gizmo"], gizmo_id), since
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def _save(self, gizmo_id: str, gizmo: Gizmo, since: float) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._path(gizmo_id)
        temporary = path.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)  # left by a crash
        with temporary.open("x", encoding="ascii") as file:
            json.dump({"id": gizmo_id, "since": since, "gizmo": gizmo.info}, file)
        temporary.replace(path)


def _read(path: Path) -> bytes:
    """Read a regular file. Raises OSError, also for anything else: reading a pipe would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a plain file")
        content = os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE_BYTES:
        raise OSError("too large")
    return content
