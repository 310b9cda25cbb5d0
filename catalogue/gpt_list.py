"""The list of GPTs in service: read at start and again when its file changes, while requests go on."""

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from metrics import Metrics
from translate.values import MAX_GPTS_FILE_BYTES, Catalogue, Gpt, GptsError, read_gpts
from upstream import GizmoBook

log = logging.getLogger("pandora")

POLL_SECONDS = 2.0

Signature = tuple[int, int, int]
"""What changes with a file: time of change, size, inode."""


def load_gpts(path: Path, taken: Collection[str], otherwise: Sequence[Gpt] = ()) -> Sequence[Gpt]:
    """The list in the file; ``otherwise`` if it has no entries or is not there. Raises GptsError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_GPTS_FILE_BYTES + 1)
    except FileNotFoundError:
        return otherwise
    except OSError as error:
        raise GptsError(f"it cannot be read: {error.strerror or error}") from None
    return read_gpts(content, taken) or otherwise


class GptList:
    """Keeps catalogue, book and metrics in step with the list.

    ``load`` gives the list in ``path`` and raises GptsError; it is called in a thread.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[], Sequence[Gpt]],
        catalogue: Catalogue,
        book: GizmoBook,
        metrics: Metrics,
        *,
        poll: float = POLL_SECONDS,
    ) -> None:
        self._path = path
        self._load = load
        self._catalogue = catalogue
        self._book = book
        self._metrics = metrics
        self._poll = poll
        self._signature = _signature(path)
        self._asked = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask for descriptions, and to look after the file; returns at once."""
        self._book.want(self._ids())
        self._watch = asyncio.create_task(self._look_after())

    def reload(self) -> None:
        """Read the file again soon, changed or not."""
        self._asked.set()

    async def close(self) -> None:
        """Stop all that :meth:`start` began."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._book.close()

    def detail(self) -> dict[str, dict[str, object]]:
        """For each GPT by name whether it is ``available``, and the ``reason`` if not."""
        detail: dict[str, dict[str, object]] = {}
        for name, model in self._catalogue.models.items():
            if model.gizmo_id:
                reason = self._book.why_not(model.gizmo_id)
                detail[name] = {"available": reason is None} | ({"reason": reason} if reason else {})
        return detail

    async def _look_after(self) -> None:
        read = seen = self._signature
        while True:
            asked = await self._asked_within(self._poll)
            now = await asyncio.to_thread(_signature, self._path)
            # One that has just changed may still be half written; then it changes again.
            if asked or (now != read and now == seen):
                read = now
                await self._read_again()
            seen = now

    async def _asked_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    async def _read_again(self) -> None:
        before = set(self._catalogue.models)
        try:
            self._catalogue.replace_gpts(await asyncio.to_thread(self._load))
        except ValueError as error:
            log.error("%s is not usable, the GPTs stay as they were: %s", self._path.name, error)
            return
        models = self._catalogue.models
        gone, new = before - models.keys(), models.keys() - before
        for name in gone:
            self._metrics.forget_model(name)
        for name in new:
            self._metrics.know_model(name)
        ids = self._ids()
        self._book.want(ids)
        changes = _names("new", new) + _names("gone", gone)
        log.info("%s read again: %d GPTs%s", self._path.name, len(ids), changes)

    def _ids(self) -> list[str]:
        return [model.gizmo_id for model in self._catalogue.models.values() if model.gizmo_id]


def _signature(path: Path) -> Signature | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _names(what: str, names: Collection[str]) -> str:
    return f"; {what}: {', '.join(sorted(names))}" if names else ""
