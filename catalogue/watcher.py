"""The GPTs on offer, changed while requests go on: their file is read again when it changes."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from metrics import Metrics
from runtime import SMALL_FILES, BackgroundTasks, ChangeDetector, listed, signature_of
from translate.values import Catalogue, Gpt
from upstream.gpts import GptDescriptions

log = logging.getLogger("pandora")

POLL_SECONDS = 2.0


class GptsFileWatcher:
    """Watches the file that lists the GPTs and keeps catalogue, descriptions and metrics in step with it.

    `catalogue` offers what the file at `path` lists already. `load` gives the list in the file and raises
    GptsError; it is called in a thread. The file is looked at every `poll_seconds`. If its content cannot be
    used, the GPTs stay as they were and the log says why.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[], Sequence[Gpt]],
        catalogue: Catalogue,
        descriptions: GptDescriptions,
        metrics: Metrics,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._path = path
        self._load = load
        self._catalogue = catalogue
        self._descriptions = descriptions
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._changes = ChangeDetector(signature_of(path))
        self._reload_requested = asyncio.Event()
        self._reading = asyncio.Lock()
        self._tasks = BackgroundTasks()

    def start(self) -> None:
        """Begin to fetch the descriptions of the GPTs on offer, and to watch the file; returns at once."""
        self._descriptions.offer(self._offered_ids())
        self._tasks.start(self._keep_watching())

    def reload(self) -> None:
        """Read the file again soon, even if it has not changed."""
        self._reload_requested.set()

    async def read_again(self) -> None:
        """Read the file again now. Raises ValueError: it is not usable, and the GPTs stay as they were."""
        async with self._reading:
            self._changes.has_been_read(await SMALL_FILES.run(signature_of, self._path))
            names_before = set(self._catalogue.models)
            try:
                self._catalogue.replace_gpts(await SMALL_FILES.run(self._load))
            except ValueError as error:
                log.error("%s is not usable, the GPTs stay as they were: %s", self._path.name, error)
                raise
            names = self._catalogue.models.keys()
            gone, new = names_before - names, names - names_before
            offered_ids = self._offered_ids()
            self._descriptions.offer(offered_ids)
            await _one_by_one(self._metrics.remove_model, gone)
            await _one_by_one(self._metrics.add_model, new)
            changes = listed("new", new) + listed("gone", gone)
            log.info("%s read again: %d GPTs%s", self._path.name, len(offered_ids), changes)

    async def close(self) -> None:
        """Stop watching the file and fetching descriptions."""
        await self._tasks.cancel()
        await self._descriptions.close()

    def availability(self) -> dict[str, dict[str, object]]:
        """For each GPT on offer, by name: `{"available": bool}`, with a `reason` (a string) if it is not.

        `available` is None, with the reason, of a GPT for which nobody has asked the backend yet.
        """
        gpts = [(name, model.gizmo_id) for name, model in self._catalogue.models.items() if model.gizmo_id]
        return {name: self._availability_of(gizmo_id) for name, gizmo_id in gpts}

    def _availability_of(self, gizmo_id: str) -> dict[str, object]:
        reason = self._descriptions.missing_reason(gizmo_id)
        if reason is None:
            return {"available": True}
        available = False if self._descriptions.is_looked_up(gizmo_id) else None
        return {"available": available, "reason": reason}

    async def _keep_watching(self) -> None:
        while True:
            requested = await self._reload_requested_within(self._poll_seconds)
            changed = self._changes.look(await SMALL_FILES.run(signature_of, self._path))
            if requested or changed:
                with suppress(ValueError):  # the log has told it
                    await self.read_again()

    async def _reload_requested_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._reload_requested.wait()
        except TimeoutError:
            return False
        self._reload_requested.clear()
        return True

    def _offered_ids(self) -> list[str]:
        return [model.gizmo_id for model in self._catalogue.models.values() if model.gizmo_id]


async def _one_by_one(change: Callable[[str], None], names: Iterable[str]) -> None:
    """Call `change` with each name, and let others have the event loop in between."""
    for name in names:
        change(name)
        await asyncio.sleep(0)
