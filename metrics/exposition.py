"""The exposition of all metrics: written in a thread of its own, for all scrapers together.

With thousands of models it has hundreds of thousands of lines. So one is written at a time, scrapers that ask
meanwhile get that one, and it stays good for a second: a flood of scrapes costs little more than one.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

MAX_AGE_SECONDS: Final = 1.0
OPENMETRICS: Final = "application/openmetrics-text"
END: Final = b"# EOF\n"


class _OneFamily(Collector):
    """A family by itself, as the library writes a registry: all families at once would be a pause for all."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        yield self._family


def _plain(registry: CollectorRegistry) -> bytes:
    return b"".join(generate_latest(_OneFamily(family)) for family in registry.collect())


def _openmetrics(registry: CollectorRegistry) -> bytes:
    families = (_OneFamily(family) for family in registry.collect())
    texts = (generate_openmetrics(family) for family in families)  # type: ignore[no-untyped-call]
    return b"".join(text.removesuffix(END) for text in texts) + END


@dataclass(slots=True)
class _Format:
    """One format, and the last text in it, which was there at the time `at`; never while it is written."""

    content_type: str
    write: Callable[[CollectorRegistry], bytes]
    text: "asyncio.Future[bytes] | None" = None
    at: float = math.inf


class Exposition:
    """The exposition of `registry`, at most `max_age` seconds old.

    `refresh` is called on the event loop before each one is written, to bring gauges up to date. `clock`
    gives seconds. Call `close` at the end.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        refresh: Callable[[], None],
        *,
        max_age: float = MAX_AGE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._refresh = refresh
        self._max_age = max_age
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, "exposition")
        self._plain = _Format(CONTENT_TYPE_PLAIN_0_0_4, _plain)
        self._openmetrics = _Format(CONTENT_TYPE_OPENMETRICS, _openmetrics)

    async def get(self, accept: str) -> tuple[bytes, str]:
        """The text and its content type: OpenMetrics if the header `accept` names it, else plain."""
        named = (part.partition(";")[0].strip().lower() for part in accept.split(","))
        form = self._openmetrics if OPENMETRICS in named else self._plain
        if form.text is None or self._is_over(form, form.text):
            self._refresh()
            loop = asyncio.get_running_loop()
            form.at, form.text = math.inf, loop.run_in_executor(self._thread, form.write, self._registry)
            form.text.add_done_callback(lambda _: self._note_written(form))
        # A scraper that leaves must not cancel it for the others.
        return await asyncio.shield(form.text), form.content_type

    async def close(self) -> None:
        """Wait for what is being written, and end the thread."""
        under_way = [form.text for form in (self._plain, self._openmetrics) if form.text is not None]
        await asyncio.gather(*under_way, return_exceptions=True)
        self._thread.shutdown(wait=False)

    def _is_over(self, form: _Format, text: "asyncio.Future[bytes]") -> bool:
        """Whether a new text is to be written; its age counts from when it was there."""
        if not text.done():
            return False
        return text.exception() is not None or self._clock() - form.at >= self._max_age

    def _note_written(self, form: _Format) -> None:
        form.at = self._clock()
