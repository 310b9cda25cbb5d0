"""Descriptions of GPTs on disk, so that they are there after a restart, even if the backend is not.

What is read is checked like an answer of the backend, and a damaged file is ignored. Reading and writing
happen in threads.
"""

import hashlib
import json
import logging
import math
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from runtime import SMALL_FILES, replace_file
from translate.backend import MAX_GIZMO_BYTES, as_gizmo
from translate.values import Gizmo

log = logging.getLogger("pandora")

MAX_FILE_BYTES: Final = 2 * MAX_GIZMO_BYTES
"""Written with non-ASCII characters escaped, a description may be longer than the backend sent it."""


class GptDescriptionStore:
    """One JSON file per GPT in `directory`, made when needed. Raises nothing: a failure to save is logged."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._failure_logged = False

    async def load(self, gizmo_id: str) -> tuple[Gizmo, float] | None:
        """Return the description of a GPT and when it was fetched (Unix seconds); None if none is stored."""
        return await SMALL_FILES.run(self._load, gizmo_id)

    async def save(self, gizmo_id: str, gizmo: Gizmo, fetched_at: float) -> None:
        """Replace what is stored about a GPT, whole or not at all."""
        try:
            await SMALL_FILES.run(self._save, gizmo_id, gizmo, fetched_at)
        except OSError as error:
            if not self._failure_logged:
                log.warning("descriptions of GPTs cannot be stored: %s", error.strerror or error)
            self._failure_logged = True

    async def discard(self, gizmo_id: str) -> None:
        """Remove what is stored about a GPT."""
        with suppress(OSError):
            await SMALL_FILES.run(self._path(gizmo_id).unlink)

    def _path(self, gizmo_id: str) -> Path:
        # Ids may differ in case only, which some file systems do not distinguish.
        return self._directory / f"{hashlib.sha256(gizmo_id.encode()).hexdigest()[:32]}.json"

    def _load(self, gizmo_id: str) -> tuple[Gizmo, float] | None:
        try:
            data = json.loads(_read(self._path(gizmo_id)))
            fetched_at = data["since"]
            if data["id"] != gizmo_id or not isinstance(fetched_at, float) or not math.isfinite(fetched_at):
                return None
            return as_gizmo(data["gizmo"], gizmo_id), fetched_at
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def _save(self, gizmo_id: str, gizmo: Gizmo, fetched_at: float) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        content = json.dumps({"id": gizmo_id, "since": fetched_at, "gizmo": gizmo.info})
        replace_file(self._path(gizmo_id), content.encode("ascii"), mode=0o644)


def _read(path: Path) -> bytes:
    """The content of a regular file. Raises OSError for anything else: reading a pipe would never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        content = os.read(descriptor, MAX_FILE_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_FILE_BYTES:
        raise OSError("too large")
    return content
